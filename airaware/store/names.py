"""The names of databases' hosts, resolved with a deadline.

libpq has none: it resolves a name within PQconnectStart, for as long as the resolver takes (30 s
where it is silent), and psycopg2 holds the interpreter meanwhile. libpq resolves nothing where it
is given `hostaddr`; it still checks the certificate and finds the password by `host`.
"""

import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress

import psycopg2
from psycopg2.extensions import parse_dsn

from airaware.errors import AirAwareError
from airaware.store.aside import Aside

Options = dict[str, str]  # of a connection: host, hostaddr and port
# Where there is a last address. All of a worker's threads may wait so long each time that a silent
# resolver is asked anew: meanwhile few enough visitors come that none of them has to be refused.
KNOWN_SECONDS = 0.1


class Names:
    """The host names of one DSN. Most have one; libpq tries several in their order."""

    def __init__(self, dsn: str, on_failure: Callable[[], None] = lambda: None) -> None:
        """Resolve nothing yet; `on_failure` is called each time that resolving fails.

        Raises AirAwareError where it is no DSN.
        """
        try:
            given = parse_dsn(dsn)
        except psycopg2.ProgrammingError as error:
            raise AirAwareError(f"AIRAWARE_ZONES: {error}") from None
        self._hosts = given.get("host", "").split(",")
        ports = given.get("port", "").split(",")
        self._ports = ports if len(ports) > 1 else ports * len(self._hosts)
        self._needed = "hostaddr" not in given and any(map(_is_name, self._hosts))
        self._on_failure = on_failure
        self._lookup = Aside(self._look_up)
        self._last: Options = {}

    def options(self, seconds: float) -> Options:
        """Return the options that keep libpq from resolving; none where it would not.

        The last addresses found serve where resolving fails, or takes longer than KNOWN_SECONDS.
        Where there are none, it may take `seconds`.
        Raises psycopg2.OperationalError where it fails and there are none.
        """
        if not self._needed:
            return {}
        try:
            self._lookup.result(KNOWN_SECONDS if self._last else seconds)
        except (OSError, UnicodeError) as error:
            if not self._last:
                why = str(error) or f"no answer within {seconds:g} s"
                raise psycopg2.OperationalError(
                    f"could not resolve {','.join(self._hosts)}: {why}"
                ) from None
        return self._last

    def _look_up(self) -> None:
        """Find the addresses; one that comes too late serves next time."""
        try:
            found = [
                (host, address, port)
                for host, port in zip(self._hosts, self._ports, strict=True)
                for address in _addresses(host)
            ]
        except (OSError, UnicodeError):
            self._on_failure()
            raise
        columns = map(",".join, zip(*found, strict=True))
        options = zip(("host", "hostaddr", "port"), columns, strict=True)
        self._last = {name: text for name, text in options if text.strip(",")}


def _is_name(host: str) -> bool:
    """Whether libpq would resolve it: neither an address nor a Unix socket's folder."""
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return False
    return bool(host) and not host.startswith(("/", "@"))


def _addresses(host: str) -> list[str]:
    if not _is_name(host):
        return [""]  # libpq takes the host as it is
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
