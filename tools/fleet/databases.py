"""A fleet's databases, as this machine reads them: through SSH to each host, with TLS inside."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from psycopg2.extensions import make_dsn

from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store import verify
from tools.fleet import ssh
from tools.fleet.hosts import Host
from tools.machine.postgres import DATABASE, READER
from tools.machine.steps import console
from tools.region import clients

PORT = 5432
CA = "/etc/airaware/ca.pem"


@contextmanager
def reading(
    databases: list[Host], domain: str, config: Path, environ: Mapping[str, str]
) -> Iterator[tuple[Zone, ...]]:
    """Yield the zones' databases, to read only, for as long as the context lasts.

    A zone whose host cannot be reached is left out, with a message.

    Args:
        databases: The databases' hosts.
        domain: The domain of the hosts' names.
        config: OpenSSH's configuration.
        environ: The environment variables that lead to the region.

    Raises:
        AirAwareError: The region has no password for a reader.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="airaware-")))
        passfile = folder / "passwords"
        passfile.touch(mode=0o600)
        passfile.write_text(f"*:*:*:{READER}:{_password(domain, environ)}\n")
        zones = []
        for host in databases:
            try:
                zones.append(_zone(stack, host, domain, config, folder))
            except AirAwareError as error:
                console.print(f"zone {host.zone}: {error}", markup=False)
        yield tuple(zones)


def verify_command(years: str, repair: bool) -> list[str]:
    """Return the command that a database's host runs to verify its loads, as nightly."""
    files = ("/etc/airaware/settings", "/etc/airaware/zone")
    return [
        *("sudo", "systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--uid=airaware"),
        *(f"--property=EnvironmentFile={file}" for file in files),
        "/opt/airaware/current/venv/bin/python",
        *verify.arguments(years, repair),
    ]


def _zone(stack: ExitStack, host: Host, domain: str, config: Path, folder: Path) -> Zone:
    authority = folder / f"{host.name}.pem"
    authority.write_text(ssh.run(config, host.name, ["cat", CA]))
    # By its address and not as 127.0.0.1, which the database lets nobody in from.
    port = stack.enter_context(ssh.forwarded(config, host.name, str(host.address), PORT))
    return Zone(
        host.zone,
        make_dsn(
            host=f"{host.name}.{domain}", hostaddr="127.0.0.1", port=port, dbname=DATABASE,
            user=READER, passfile=str(folder / "passwords"),
            sslmode="verify-full", sslrootcert=str(authority),
        ),
    )  # fmt: skip


def _password(domain: str, environ: Mapping[str, str]) -> str:
    """Return the reader's password, as the database's own host finds it."""
    environment = domain.partition(".")[0]
    name = f"/airaware/{environment}/database/reader_password"
    try:
        answer = clients.client("ssm", environ).get_parameter(Name=name, WithDecryption=True)
    except (BotoCoreError, ClientError) as error:
        raise AirAwareError(f"no secret {name}: {error}. `fab deploy` makes it.") from None
    return str(answer["Parameter"]["Value"])
