"""Puppet's autosign policy: only a young instance of ours gets a certificate, and only one.

Puppet's master calls `python -m airaware.host.autosign … CERTNAME` with the request on standard
input, and signs it where the exit status is 0. What the request says of itself counts only if EC2
says the same. Each refusal goes to standard error, which is the master's log, and to the system's
journal.
"""

import argparse
import hashlib
import logging
import logging.handlers
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509

from airaware.host.certificates import common_name, trusted_extensions

INSTANCE_ID = re.compile(r"i-[0-9a-f]{8,17}")
NEEDED = ("pp_role", "pp_environment", "pp_instance_id", "pp_zone")

log = logging.getLogger("airaware-autosign")


class RefusedError(Exception):
    """A request that is not signed; the message says why."""


@dataclass(frozen=True)
class Policy:
    """What requests are measured by."""

    environment: str
    domain: str
    young: timedelta
    ledger: Path
    ec2: Any
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def check(self, certname: str, request: bytes) -> str:
        """Return the id of the instance whose request may be signed. Raises RefusedError."""
        csr, claims = self._read(certname, request)
        instance = self._instance(claims["pp_instance_id"])
        self._confirm(claims, instance)
        self._confirm_name(certname, instance)
        self._enter(claims["pp_instance_id"], csr)
        return claims["pp_instance_id"]

    def _read(
        self, certname: str, request: bytes
    ) -> tuple[x509.CertificateSigningRequest, dict[str, str]]:
        try:
            csr = x509.load_pem_x509_csr(request)
            claims = trusted_extensions(csr)
            alternative = [
                extension
                for extension in csr.extensions
                if isinstance(extension.value, x509.SubjectAlternativeName)
            ]
        except (ValueError, x509.DuplicateExtension) as error:
            raise RefusedError(f"the request cannot be read: {error}") from None
        if not csr.is_signature_valid:
            raise RefusedError("the request's signature is not that of its key")
        if common_name(csr) != certname:
            raise RefusedError(f"the request is for another name, '{common_name(csr)}'")
        if alternative:
            raise RefusedError("the request asks for further names")
        for name in NEEDED:
            if not claims.get(name):
                raise RefusedError(f"the request has no {name}")
        if claims["pp_environment"] != self.environment:
            raise RefusedError(
                f"the request is of the environment {claims['pp_environment']!r}, and this master"
                f" of {self.environment}"
            )
        if not INSTANCE_ID.fullmatch(claims["pp_instance_id"]):
            raise RefusedError(f"{claims['pp_instance_id']!r} is no instance id")
        return csr, claims

    def _instance(self, instance_id: str) -> dict[str, Any]:
        try:
            answer = self.ec2.describe_instances(InstanceIds=[instance_id])
        except ClientError as error:
            if error.response["Error"]["Code"].startswith("InvalidInstanceID"):
                raise RefusedError(f"EC2 knows no instance {instance_id}") from None
            raise RefusedError(f"EC2 does not describe {instance_id}: {error}") from None
        except BotoCoreError as error:
            raise RefusedError(f"EC2 cannot be asked for {instance_id}: {error}") from None
        instances = [i for r in answer["Reservations"] for i in r["Instances"]]
        if not instances:
            raise RefusedError(f"EC2 knows no instance {instance_id}")
        instance: dict[str, Any] = instances[0]
        return instance

    def _confirm(self, claims: dict[str, str], instance: dict[str, Any]) -> None:
        instance_id, state = instance["InstanceId"], instance["State"]["Name"]
        tags = _tags(instance)
        if state != "running":
            raise RefusedError(f"{instance_id} is {state}, not running")
        age = self.now() - instance["LaunchTime"]
        if age > self.young:
            raise RefusedError(
                f"{instance_id} was launched {age.total_seconds() / 60:.0f} minutes ago, more than"
                f" {self.young.total_seconds() / 60:.0f}: replace it"
            )
        confirmed = {
            "pp_role": ("the tag Role", tags.get("Role")),
            "pp_environment": ("the tag Environment", tags.get("Environment")),
            "pp_zone": ("its zone", instance["Placement"]["AvailabilityZone"]),
        }
        for name, (where, value) in confirmed.items():
            if claims[name] != value:
                raise RefusedError(
                    f"{instance_id} says {name}={claims[name]!r}, but {where} is {value!r}"
                )

    def _confirm_name(self, certname: str, instance: dict[str, Any]) -> None:
        """Refuse any name but the host's own: another would let it pass for another host."""
        names = {f"{instance['InstanceId']}.{self.domain}"}
        if name := _tags(instance).get("Name"):
            names.add(f"{name}.{self.domain}")
        if certname not in names:
            raise RefusedError(
                f"{instance['InstanceId']} may be called {' or '.join(sorted(names))} only"
            )

    def _enter(self, instance_id: str, csr: x509.CertificateSigningRequest) -> None:
        """Enter the instance in the ledger, unless another request has been signed for it.

        The very same request may come again: signing it may have been broken off.
        """
        digest = hashlib.sha256(csr.tbs_certrequest_bytes).hexdigest()
        entry = self.ledger / instance_id
        new = self.ledger / f".{instance_id}.{os.getpid()}"
        try:
            new.write_text(digest)
            try:
                # Of two requests at once, one makes the entry.
                os.link(new, entry)
            except FileExistsError:
                if entry.read_text() != digest:
                    raise RefusedError(
                        f"a certificate has been signed for {instance_id} already: replace it"
                    ) from None
            finally:
                new.unlink()
        except OSError as error:
            raise RefusedError(f"the ledger {self.ledger} cannot be written: {error}") from None


def _tags(instance: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}


def _start_logging() -> None:
    log.setLevel(logging.INFO)
    log.addHandler(logging.StreamHandler(sys.stderr))
    if Path("/dev/log").exists():
        journal = logging.handlers.SysLogHandler("/dev/log")
        journal.ident = "airaware-autosign: "
        log.addHandler(journal)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 0 signs."""
    parser = argparse.ArgumentParser(description="Puppet's autosign policy.")
    parser.add_argument("--environment", required=True, help="whose hosts this master serves")
    parser.add_argument("--domain", required=True, help="the domain of its hosts' names")
    parser.add_argument(
        "--young-minutes", required=True, type=int, help="until what age an instance may ask"
    )
    parser.add_argument(
        "--ledger", required=True, type=Path, help="folder with an entry per signed instance"
    )
    parser.add_argument("certname", help="the name that the request is for")
    options = parser.parse_args(arguments)
    _start_logging()
    policy = Policy(
        options.environment,
        options.domain,
        timedelta(minutes=options.young_minutes),
        options.ledger,
        boto3.client("ec2"),
    )
    try:
        instance_id = policy.check(options.certname, sys.stdin.buffer.read())
    except RefusedError as refusal:
        log.error("refused %r: %s", options.certname, refusal)
        return 1
    log.info("signed %r for %s", options.certname, instance_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
