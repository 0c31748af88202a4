"""Reading from the zones: the own zone's database first, another zone's when it fails.

Or when it lacks what is asked for: a database that is new and being filled answers for the years
that it holds, and another zone's for the others.

A zone may refuse, fall silent (packets dropped), or accept and never answer; its name may not
resolve. All look alike here, because every wait has a deadline of its own: connections are
asynchronous ones of psycopg2, and names are resolved aside.
"""

import json
import logging
import re
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg2
from psycopg2.errors import QueryCanceled
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE
from psycopg2.extras import NamedTupleCursor

from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store.aside import Aside
from airaware.store.names import Names
from airaware.store.prepared import OPTIONS, Prepared, Session

RESOLVE_SECONDS = 1.0
CONNECT_SECONDS = 1.5
ANSWER_SECONDS = 2.0
QUERY_SECONDS = 1.5  # then the server itself ends it: unlike silence, that shows it is there
PROBE_SECONDS = 1.0
# Who finds that all zones fail waits so long for one that is back.
RETRY_SECONDS = 0.5
# Of every session: it only reads.
_TIMEOUT = f"-c statement_timeout={1000 * QUERY_SECONDS:.0f}"
SESSION = f"-c default_transaction_read_only=on {_TIMEOUT} -c jit=off {OPTIONS}"
# What a zone holds: asked of a zone that may be back, for readiness, and for what the site offers.
HELD = Prepared(
    "held",
    """
SELECT json_agg(json_build_array(parameter, year, synthetic, committed_at, checksum::text, edges,
                                 uncorrected <> '{}', file_date, newest_change)
                ORDER BY parameter, year)::text AS loads FROM load
""",
)
# What another zone holds is asked again, in the background, when the answer is older.
HELD_SECONDS = 5.0
# An idle connection to a host that is gone ends by itself, before its zone is needed again.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
# What makes another zone worth asking. The last three: a database that is new, and has no tables
# or no grants on them yet; or that was down when the schema changed.
FAILURES = (
    *(psycopg2.OperationalError, psycopg2.InterfaceError),
    *(psycopg2.errors.UndefinedTable, psycopg2.errors.InsufficientPrivilege),
    psycopg2.errors.UndefinedColumn,
)
# A server whose connections are all taken. What it says before there is a session has no SQLSTATE
# in libpq; this one's, too_many_connections, is always one of these texts.
FULL = re.compile("too many (clients|connections)|remaining connection slots are reserved")

Parameters = Mapping[str, Any] | Sequence[Any]
Answer = TypeVar("Answer")
Key = tuple[int, int]  # parameter and year of a load

log = logging.getLogger(__name__)


class NoZoneError(AirAwareError):
    """No zone's database can be reached."""


class TooSlowError(NoZoneError):
    """The zones' databases that can be reached gave a query up: it took too long."""

    def __init__(self) -> None:
        """Name the limit."""
        super().__init__(f"A query took more than {QUERY_SECONDS:g} s")


class FullError(NoZoneError):
    """The zones' databases that can be reached have no connection to spare."""

    def __init__(self) -> None:
        """Name the setting."""
        super().__init__("The databases that answer have no free connection: see max_connections")


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
    """One zone's idle connections, and whether the zone is passed over.

    `look` asks the zone what it holds aside, and returns whether it answers. So a process has at
    most one connection to each zone more than threads that read.
    """

    def __init__(
        self, zone: Zone, look: Callable[["_ZoneReader"], bool], on_unresolved: Callable[[], None]
    ) -> None:
        self.zone = zone
        self.failing = False
        self.held: str | None = None  # the zone's last answer to HELD, as JSON
        self.keys: frozenset[Key] = frozenset()  # of the loads in it
        self.look = Aside(lambda: look(self))
        self._asked_at = 0.0
        self._names = Names(zone.dsn, on_unresolved)
        self._idle: deque[Any] = deque()

    def ask(self) -> str:
        """Ask the zone what it holds, and remember it."""
        text: str = self.fetch(HELD, ())[0].loads or "[]"
        if text != self.held:
            self.keys = frozenset((parameter, year) for parameter, year, *_ in json.loads(text))
            self.held = text
        self._asked_at = time.monotonic()
        return text

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask again what the zone holds."""
        return time.monotonic() - self._asked_at > HELD_SECONDS

    def lacks(self, keys: Collection[Key]) -> int:
        """Return how many of some loads the zone lacks, as it last said."""
        return 0 if self.keys.issuperset(keys) else sum(key not in self.keys for key in keys)

    def fetch(self, sql: str | Prepared, parameters: Parameters) -> list[Any]:
        connection = self._take()
        try:
            with connection.cursor() as cursor:
                text = connection.text(sql, parameters) if isinstance(sql, Prepared) else sql
                cursor.execute(text, parameters)
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
            connection_factory=Session,
            async_=True,
            cursor_factory=NamedTupleCursor,
            application_name="airaware-web",
            options=SESSION,
            **KEEPALIVES,
            **self._names.options(RESOLVE_SECONDS),
        )
        try:
            _wait(connection, CONNECT_SECONDS)
        except BaseException as error:
            connection.close()
            if isinstance(error, psycopg2.OperationalError) and FULL.search(str(error)):
                raise FullError from None
            raise
        return connection


class Reader:
    """Read-only access to whichever zone answers, for all threads of a process.

    Connections are made on first use, so that a process may make a Reader and fork afterwards.
    A zone that fails is passed over, and asked again in the background, each second, until it
    answers: no request pays for finding out. Where all fail, a request has them asked at once, and
    is answered by one that is back. `on_change` is called with the zone's name and whether it
    fails, each time that a zone is given up or answers again; `on_unresolved` each time that a
    database's name does not resolve.
    """

    def __init__(
        self,
        zones: Sequence[Zone],
        on_change: Callable[[str, bool], None] = lambda *_: None,
        on_unresolved: Callable[[], None] = lambda: None,
    ) -> None:
        """`zones` in the order in which to ask them. Raises AirAwareError where there is none."""
        if not zones:
            raise AirAwareError(
                "AIRAWARE_ZONES is empty: name each zone's database, as in"
                " a=host=127.0.0.1 port=5432 dbname=airaware user=airaware_reader"
            )
        self._zones = [_ZoneReader(zone, self._ask_aside, on_unresolved) for zone in zones]
        self._on_change = on_change
        self._lock = threading.Lock()
        self._probing = False

    def fetch(
        self, sql: str | Prepared, parameters: Parameters = (), of: Collection[Key] = ()
    ) -> list[Any]:
        """Return a query's rows (named tuples) from the first zone that answers.

        Where it is `of` some loads, only zones that hold as many of them as any are asked: another
        one would answer with nothing, as if nothing were there.

        A query that takes more than QUERY_SECONDS is cancelled by the reader's own limit: another
        zone is asked, but the slow one is not passed over, since it has answered.

        A zone that has no connection to spare is not passed over either.

        Raises NoZoneError where none answers; TooSlowError or FullError where the last one that
        did was too slow, or full.
        """
        return next(self._answers(self._by_content(of), lambda zone: zone.fetch(sql, parameters)))

    def held(self) -> tuple[str, ...]:
        """Return what each zone that answers holds: HELD's JSON, the own zone's first.

        The first zone that answers is asked now. What the others said may be HELD_SECONDS old, so
        that no request waits for another zone.

        Raises NoZoneError where none answers, or where those that do hold nothing at all and
        another one may hold something.
        """
        texts: list[str] = []

        def ask(zone: _ZoneReader) -> str:
            if not texts or zone.held is None:
                return zone.ask()
            if zone.is_due:
                zone.look.start()
            return zone.held

        for text in self._answers(self._zones, ask):
            texts.append(text)
        if set(texts) == {"[]"}:
            self.check_complete()
        return tuple(texts)

    def check_complete(self) -> None:
        """Raise NoZoneError where a zone that fails may hold a load that no other zone holds."""
        answering = {key for zone in self._zones if not zone.failing for key in zone.keys}
        for zone in self._zones:
            if zone.failing and (zone.held is None or not zone.keys <= answering):
                raise NoZoneError(
                    f"Zone {zone.zone.name} fails, and may hold what the others lack."
                )

    def by_zone(self, keys: Iterable[Key]) -> list[list[Key]]:
        """Group loads by the zones that hold them, so that one query can be of a whole group."""
        keys = list(keys)
        if not any(zone.lacks(keys) for zone in self._zones):  # as it nearly always is
            return [keys] if keys else []
        groups: dict[tuple[str, ...], list[Key]] = {}
        for key in keys:
            holding = tuple(zone.zone.name for zone in self._by_content([key]))
            groups.setdefault(holding, []).append(key)
        return list(groups.values())

    def ready(self) -> bool:
        """Whether any zone's database answers what it holds."""
        try:
            next(self._answers(self._zones, _ZoneReader.ask))
        except NoZoneError:
            return False
        return True

    def _by_content(self, keys: Collection[Key]) -> list[_ZoneReader]:
        """Return the zones to ask for something of some loads: those that lack the fewest."""
        if not keys:
            return self._zones
        if any(zone.held is None and not zone.failing for zone in self._zones):
            self.held()
        lacking = [zone.lacks(keys) for zone in self._zones]
        fewest = min(lacking)
        return [zone for zone, lacks in zip(self._zones, lacking, strict=True) if lacks == fewest]

    def _answers(
        self, zones: Sequence[_ZoneReader], ask: Callable[[_ZoneReader], Answer]
    ) -> Iterator[Answer]:
        """Yield the answers of the zones that give one; those that fail are given up.

        Where none does, those that fail are tried once more.

        Raises NoZoneError where none did; TooSlowError or FullError where the last one that there
        is was too slow, or full.
        """
        refusal, answered = self._no_zone(), False
        for candidates in (self._well, self._returned):
            for zone in candidates(zones):
                try:
                    answer = ask(zone)
                except QueryCanceled:
                    refusal = TooSlowError()
                except FullError as error:
                    refusal = error
                except FAILURES as error:
                    self._give_up(zone, error)
                else:
                    answered = True
                    yield answer
            if answered:
                return
        raise refusal

    @staticmethod
    def _well(zones: Sequence[_ZoneReader]) -> Iterator[_ZoneReader]:
        return (zone for zone in zones if not zone.failing)

    @staticmethod
    def _returned(zones: Sequence[_ZoneReader]) -> Iterator[_ZoneReader]:
        """Ask the failing zones at once, all together, and yield those that are back."""
        failing = [zone for zone in zones if zone.failing]
        for zone in failing:
            zone.look.start()
        for zone in failing:
            with suppress(TimeoutError):
                if zone.look.result(RETRY_SECONDS):
                    yield zone

    def _no_zone(self) -> NoZoneError:
        names = ", ".join(zone.zone.name for zone in self._zones)
        return NoZoneError(
            f"No zone's database answers: {names}. `fab status` shows which are down."
        )

    def _ask_aside(self, zone: _ZoneReader) -> bool:
        """Ask a zone what it holds. Give it up where it fails; use it again where it answers."""
        if zone.failing:
            # Connections that were under way when the zone failed may have come back since.
            zone.forget_connections()
        try:
            zone.ask()
        except (QueryCanceled, FullError):  # there, but of no use now
            return False
        except (psycopg2.Error, OSError) as error:
            self._give_up(zone, error)
            return False
        self._take_back(zone)
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

    def _take_back(self, zone: _ZoneReader) -> None:
        with self._lock:
            if not zone.failing:
                return
            zone.failing = False
        self._on_change(zone.zone.name, False)
        log.warning("zone %s answers again", zone.zone.name)

    def _probe(self) -> None:
        """Ask the failing zones until each has answered."""
        while True:
            time.sleep(PROBE_SECONDS)
            for zone in self._zones:
                if zone.failing:
                    zone.look.start()
            with self._lock:
                if not any(zone.failing for zone in self._zones):
                    self._probing = False
                    return
