"""Reading from the zones: the own zone's database first, another zone's when it fails.

A zone may refuse, fall silent (packets dropped), or accept and never answer. All three look alike
here, because every wait has a deadline of its own: connections are asynchronous ones of psycopg2.
"""

import logging
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg2
from psycopg2.errors import QueryCanceled
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE
from psycopg2.extras import NamedTupleCursor

from airaware.errors import AirAwareError
from airaware.settings import Zone

CONNECT_SECONDS = 1.5
ANSWER_SECONDS = 2.0
QUERY_SECONDS = 1.5  # then the server says so itself: it is there, which silence would not tell
PROBE_SECONDS = 1.0
# Of every session: it only reads.
_TIMEOUT = f"-c statement_timeout={1000 * QUERY_SECONDS:.0f}"
SESSION = f"-c default_transaction_read_only=on {_TIMEOUT} -c jit=off"
PROBE = "SELECT FROM load LIMIT 1"
# An idle connection to a host that is gone ends by itself, before its zone is needed again.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
# What makes another zone worth asking. The last two: a database that is new, and has no tables yet
# or no grants on them.
FAILURES = (
    *(psycopg2.OperationalError, psycopg2.InterfaceError),
    *(psycopg2.errors.UndefinedTable, psycopg2.errors.InsufficientPrivilege),
)

Parameters = Mapping[str, Any] | Sequence[Any]

log = logging.getLogger(__name__)


class NoZoneError(AirAwareError):
    """No zone's database can be reached."""


class TooSlowError(NoZoneError):
    """The zones' databases that can be reached gave a query up: it took too long."""


def _wait(connection: Any, seconds: float) -> None:
    """Wait until the connection is ready. Raises OperationalError when the time is up."""
    deadline = time.monotonic() + seconds
    while (state := connection.poll()) != POLL_OK:
        poller = select.poll()
        poller.register(
            connection.fileno(), {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}[state]
        )
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise psycopg2.OperationalError(f"no answer within {seconds:g} s")


def _has_ended(connection: Any) -> bool:
    """Whether an idle connection has ended: its server has said something unasked, or hung up."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(0))


class _ZoneReader:
    """One zone's idle connections, and whether the zone is passed over."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.failing = False
        self._idle: deque[Any] = deque()

    def fetch(self, sql: str, parameters: Parameters) -> list[Any]:
        connection = self._take()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                _wait(connection, ANSWER_SECONDS)
                rows: list[Any] = cursor.fetchall()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return rows

    def forget_connections(self) -> None:
        """Close the idle connections: they lead to a server that has failed."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # Another thread took the last one.
                return

    def _take(self) -> Any:
        """Return an idle connection that still works, or else a new one.

        The server may have been started again since: that must not pass for the zone's failure.
        """
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._connect()
            if not _has_ended(connection):
                return connection
            connection.close()

    def _connect(self) -> Any:
        connection = psycopg2.connect(
            self.zone.dsn,
            async_=True,
            cursor_factory=NamedTupleCursor,
            application_name="airaware-web",
            options=SESSION,
            **KEEPALIVES,
        )
        try:
            _wait(connection, CONNECT_SECONDS)
        except BaseException:
            connection.close()
            raise
        return connection


class Reader:
    """Read-only access to whichever zone answers, for all threads of a process.

    Connections are made on first use, so that a process may make a Reader and fork afterwards.
    A zone that fails is passed over, and asked again in the background, each second, until it
    answers: no request pays for finding out. `on_change` is called with the zone's name and whether
    it fails, each time that a zone is given up or answers again.
    """

    def __init__(
        self,
        zones: Sequence[Zone],
        on_change: Callable[[str, bool], None] = lambda *_: None,
    ) -> None:
        """`zones` in the order in which to ask them. Raises AirAwareError where there is none."""
        if not zones:
            raise AirAwareError(
                "AIRAWARE_ZONES is empty: name each zone's database, as in"
                " a=host=127.0.0.1 port=5432 dbname=airaware user=airaware_reader"
            )
        self._zones = [_ZoneReader(zone) for zone in zones]
        self._on_change = on_change
        self._lock = threading.Lock()
        self._probing = False

    def fetch(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """Return a query's rows (named tuples) from the first zone that answers.

        A query that takes more than QUERY_SECONDS is cancelled by the reader's own limit: another
        zone is asked, but the slow one is not passed over, since it has answered.

        Raises NoZoneError where none answers; TooSlowError where one was too slow.
        """
        too_slow = False
        for zone in self._zones:
            if zone.failing:
                continue
            try:
                return zone.fetch(sql, parameters)
            except QueryCanceled:
                too_slow = True
            except FAILURES as error:
                self._give_up(zone, error)
        if too_slow:
            raise TooSlowError(f"A query took more than {QUERY_SECONDS:g} s")
        raise NoZoneError(
            "No zone's database answers: "
            + ", ".join(zone.zone.name for zone in self._zones)
            + ". `fab status` tells which are down."
        )

    def ready(self) -> bool:
        """Whether any zone's database answers."""
        try:
            self.fetch(PROBE)
        except NoZoneError:
            return False
        return True

    def _give_up(self, zone: _ZoneReader, error: Exception) -> None:
        with self._lock:
            if zone.failing:  # Another thread was faster.
                return
            zone.failing = True
            start_probing = not self._probing
            self._probing = True
        # Further lines would quote the query, which holds a visitor's place.
        log.warning("zone %s is passed over: %s", zone.zone.name, str(error).partition("\n")[0])
        self._on_change(zone.zone.name, True)
        zone.forget_connections()
        if start_probing:
            threading.Thread(target=self._probe, name="zone-probe", daemon=True).start()

    def _probe(self) -> None:
        """Ask the failing zones until each has answered."""
        while True:
            time.sleep(PROBE_SECONDS)
            for zone in self._zones:
                if zone.failing and self._answers(zone):
                    zone.failing = False
                    self._on_change(zone.zone.name, False)
                    log.warning("zone %s answers again", zone.zone.name)
            with self._lock:
                if not any(zone.failing for zone in self._zones):
                    self._probing = False
                    return

    def _answers(self, zone: _ZoneReader) -> bool:
        # Connections that were under way when the zone failed may have come back since.
        zone.forget_connections()
        try:
            zone.fetch(PROBE, ())
        except (psycopg2.Error, OSError):  # whatever it is, the thread must live to ask again
            return False
        return True
