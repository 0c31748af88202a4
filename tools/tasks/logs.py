"""The task that prints a host's journal, also of a host that is gone."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fabric import Connection

from airaware.errors import AirAwareError
from tools.environments import catalog
from tools.environments.fleet import Fleet
from tools.fleet import ssh
from tools.fleet.hosts import Host
from tools.machine.steps import console
from tools.region import clients
from tools.tasks.operation import operation

PREFIX = "logs/"
SEND = ["sudo", "systemctl", "start", "airaware-journal.service"]


@dataclass(frozen=True)
class Journal:
    """A host's journal in the bucket: its objects in order of time."""

    role: str
    name: str
    instance_id: str
    keys: tuple[str, ...]


@operation(
    help={
        "host": "a host's name, instance id or address; without it, whose journals there are",
        "lines": "how many of the last lines (200); 0 for all",
    }
)
def logs(_: Connection, host: str = "", lines: int = 200, env: str = "") -> None:
    """Print a host's journal, also of one that is gone."""
    fleet = catalog.fleet(env)
    if host:
        for line in of_host(fleet, host, lines):
            console.print(line, markup=False)
        return
    for each in journals(*_bucket(fleet)):
        _, _, last = each.keys[-1].rpartition("/")
        console.print(f"{each.role:14}{each.name:24}{each.instance_id:22}until {last[:15]}")


def of_host(fleet: Fleet, host: str, lines: int = 0) -> Iterator[str]:
    """Yield the journal of a host, and of earlier hosts with its name; `lines` 0 yields all lines.

    A running host first sends what is new.

    Raises:
        AirAwareError: The bucket has nothing of it.
    """
    s3, bucket = _bucket(fleet)
    living = fleet.hosts()
    _send_news(fleet, living, host)
    for each in meant(journals(s3, bucket), living, host):
        yield f"-- {each.role} {each.name} {each.instance_id}"
        yield from tail(s3, bucket, each, lines)


def journals(s3: Any, bucket: str) -> list[Journal]:
    """Return all journals in the bucket, the one that ended last at the end."""
    keys: dict[tuple[str, str, str], list[str]] = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX):
        for entry in page.get("Contents", ()):
            _, role, name, instance_id, _ = entry["Key"].split("/")
            keys.setdefault((role, name, instance_id), []).append(entry["Key"])
    found = [Journal(*who, tuple(sorted(theirs))) for who, theirs in keys.items()]
    return sorted(found, key=lambda journal: journal.keys[-1].rpartition("/")[2])


def meant(found: list[Journal], living: list[Host], host: str) -> list[Journal]:
    """Return the journals of the host meant: a running one's, or those of all that had the name.

    Raises:
        AirAwareError: There is none.
    """
    runs = {each.instance_id for each in living if host in (each.name, str(each.address))}
    ours = [
        each for each in found if each.instance_id in runs or host in (each.name, each.instance_id)
    ]
    if not ours:
        raise AirAwareError(
            f"The bucket has no journal of '{host}'. `fab logs` without --host lists them all; a"
            " host sends its first some two minutes after its first Puppet run"
        )
    return ours


def tail(s3: Any, bucket: str, journal: Journal, lines: int) -> list[str]:
    """Return a journal's last lines, all if `lines` is 0; read no more objects than needed."""
    found: list[str] = []
    for text in _backwards(s3, bucket, journal):
        found = text.splitlines() + found
        if 0 < lines <= len(found):
            break
    return found[-lines:]


def _bucket(fleet: Fleet) -> tuple[Any, str]:
    """Return a client of S3, and the name of the fleet's bucket."""
    return clients.client("s3", fleet.region.environ()), fleet.terraform.outputs()["bucket"]


def _backwards(s3: Any, bucket: str, journal: Journal) -> Iterator[str]:
    for key in reversed(journal.keys):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        yield gzip.decompress(body).decode(errors="replace")


def _send_news(fleet: Fleet, living: list[Host], host: str) -> None:
    """Have a running host send what is new in its journal; where it cannot, say so and go on."""
    for each in living:
        if host in (each.name, each.instance_id, str(each.address)) and each.state == "running":
            try:
                ssh.run(fleet.ssh_config(), each.name, SEND)
            except AirAwareError as error:
                console.print(f"Its last minutes may be missing: {error}", markup=False)
