"""Revokes the certificates of instances that are gone. Runs on Puppet's master, on a timer.

    python -m airaware.host.cleancerts --cadir FOLDER

An instance is gone when EC2 says that it is terminated, or knows it no longer. Where EC2 cannot be
asked, nothing is revoked. Requests that were refused are thrown away: one that stayed would keep
the host that owns the name from asking.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509

from airaware.errors import AirAwareError
from airaware.host.certificates import common_name, trusted_extensions

# The policy takes a second or two; what is older has been refused.
DECIDED_SECONDS = 60
ALIVE = ("pending", "running", "stopping", "stopped")


def instances_by_certname(signed: Path) -> dict[str, str]:
    """Name -> instance id of the certificates in the CA's folder that name an instance."""
    certificates = [
        x509.load_pem_x509_certificate(path.read_bytes()) for path in sorted(signed.glob("*.pem"))
    ]
    return {
        common_name(certificate): instance_id
        for certificate in certificates
        if (instance_id := trusted_extensions(certificate).get("pp_instance_id"))
    }


def alive(ec2: Any) -> set[str]:
    """Return the ids of all instances that are not terminated. Raises AirAwareError."""
    filters = [{"Name": "instance-state-name", "Values": list(ALIVE)}]
    try:
        pages = ec2.get_paginator("describe_instances").paginate(Filters=filters)
        return {
            instance["InstanceId"]
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }
    except (BotoCoreError, ClientError) as error:
        raise AirAwareError(f"EC2 cannot be asked which instances are gone: {error}") from None


def gone(signed: Path, ec2: Any) -> list[str]:
    """Return the names of the certificates whose instances are gone."""
    certificates = instances_by_certname(signed)
    still_there = alive(ec2)
    return [name for name, instance_id in certificates.items() if instance_id not in still_there]


def refused(requests: Path) -> list[Path]:
    """Return the requests in the CA's folder that the policy has decided on and not signed."""
    before = time.time() - DECIDED_SECONDS
    return sorted(path for path in requests.glob("*.pem") if path.stat().st_mtime < before)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Revoke certificates of instances that are gone.")
    parser.add_argument("--cadir", required=True, type=Path, help="the CA's folder")
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    options = parser.parse_args(arguments)
    for path in refused(options.cadir / "requests"):
        print(f"{path.stem}: its request was refused, and is thrown away", flush=True)
        if not options.dry_run:
            path.unlink(missing_ok=True)
    names = gone(options.cadir / "signed", boto3.client("ec2"))
    for name in names:
        print(f"{name}: its instance is gone; its certificate is revoked", flush=True)
    if names and not options.dry_run:
        command = ["puppetserver", "ca", "clean", "--certname", ",".join(names)]
        return subprocess.run(command).returncode
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AirAwareError as error:
        sys.exit(f"cleancerts: {error}")
