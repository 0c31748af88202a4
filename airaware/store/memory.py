"""What was read of loads, remembered until the store serves others.

What the store has of a load is the same for everybody until another is swapped in. Whether one was
is one look for all who come within LOOK_SECONDS; no key holds an address.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airaware.settings import Zone
from airaware.store import queries
from airaware.store.prepared import Prepared
from airaware.store.queries import Load, Served
from airaware.store.zones import ANSWER_SECONDS, Parameters, Reader
from airaware.store.zones import Key as LoadKey

# Too short to be noticed, and long enough that a busy worker asks once for many requests.
LOOK_SECONDS = 0.05

# A kind, the rows that it was read of (by parameter, year and checksum), and a key.
_Place = tuple[str, tuple[tuple[int, int, str], ...], Hashable]
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass
class _Settling:
    """What a thread has read and is to settle, and whether it began with a look of before."""

    read: dict[_Place, Any] = field(default_factory=dict)
    rests_on_look: bool = False


class Memory(Reader):
    """A reader that remembers, for all threads of a process, the most recently used of each kind.

    What is remembered may be shared by threads: nobody changes it.
    """

    def __init__(
        self,
        zones: Sequence[Zone],
        most: Mapping[str, int],
        on_change: Callable[[str, bool], None] = lambda *_: None,
        on_unresolved: Callable[[], None] = lambda: None,
    ) -> None:
        """`most` is the greatest number remembered of each kind; the rest as for a Reader."""
        super().__init__(zones, self._changed, on_unresolved)
        self._tell = on_change
        self._look: tuple[float, Served] | None = None
        self._kept: dict[str, OrderedDict[_Place, Any]] = {kind: OrderedDict() for kind in most}
        self._most = most
        self._keeping = threading.Lock()
        self._looking = threading.Lock()
        self._thread = threading.local()

    def fetch(
        self, sql: str | Prepared, parameters: Parameters = (), of: Collection[LoadKey] = ()
    ) -> list[Any]:
        """As a Reader, and note when this thread has read."""
        rows = super().fetch(sql, parameters, of)
        self._thread.read_at = time.perf_counter()
        return rows

    @property
    def read_at(self) -> float:
        """When this thread has read last (time.perf_counter), looks left aside."""
        at: float = getattr(self._thread, "read_at", -math.inf)
        return at

    def served(self) -> Served:
        """Return all loads as they were at most LOOK_SECONDS ago.

        What is to be settled begins with the last look, however old: `settled` looks at its end.
        Raises NoZoneError where that takes a look and no database answers.
        """
        if settling := self._settling:
            settling.rests_on_look = True
            return self._served_since(-math.inf)
        return self._served_since(time.perf_counter() - LOOK_SECONDS)

    def settled(self, read: Callable[[], Value]) -> tuple[Value, Served]:
        """Return what `read` returns, and all loads as they are after it has read.

        What it read of loads is remembered only now, where these are still served. Where it found
        all in memory, the loads are as they were at most LOOK_SECONDS before it began; those of
        the last look where it did not ask which loads there are. Raises as `served`.
        """
        began, outer = time.perf_counter(), self._settling
        settling = self._thread.settling = _Settling()
        try:
            value = read()
        finally:
            self._thread.settling = outer
        moment = began - LOOK_SECONDS if settling.rests_on_look else -math.inf
        served = self._served_since(time.perf_counter() if self.read_at >= began else moment)
        with self._keeping:
            for place, made in settling.read.items():
                # What came empty is asked for again: a zone without it may have answered.
                empty = isinstance(made, Sized) and not len(made)
                if not empty and served.contents.issuperset(place[1]):
                    self._keep(place, made)
        return value, served

    def _served_since(self, moment: float) -> Served:
        """Return all loads as they were at a moment or later: of those who wait, one looks."""
        if (served := self._seen_since(moment)) is not None:
            return served
        in_turn = self._looking.acquire(timeout=ANSWER_SECONDS)
        try:
            if (served := self._seen_since(moment)) is None:
                read_at, now = self.read_at, time.perf_counter()
                served = queries.served(self)
                self._look, self._thread.read_at = (now, served), read_at
            return served
        finally:
            if in_turn:
                self._looking.release()

    def _seen_since(self, moment: float) -> Served | None:
        look = self._look
        return None if look is None or look[0] < moment else look[1]

    def remember(
        self, kind: str, of: Collection[Load], key: Hashable, make: Callable[[], Value]
    ) -> Value:
        """Return what `make` reads of some loads' rows, from memory where it was read before.

        Equal checksums mean equal rows. Whatever else the value depends on is in the key.
        """
        (found,) = self.remember_each(kind, of, [key], lambda _: {key: make()}).values()
        return found

    def remember_each(
        self,
        kind: str,
        of: Collection[Load],
        keys: Collection[Key],
        make: Callable[[list[Key]], Mapping[Key, Value]],
    ) -> dict[Key, Value]:
        """As `remember`, of several keys; `make` reads those that are not remembered."""
        settling = self._settling
        if settling is None:
            return self.settled(lambda: self.remember_each(kind, of, keys, make))[0]
        rows = tuple((load.parameter, load.year, load.checksum) for load in of)
        kept, found = self._kept[kind], {}
        with self._keeping:
            for key in keys:
                place = kind, rows, key
                if place in settling.read:
                    found[key] = settling.read[place]
                elif place in kept:
                    kept.move_to_end(place)
                    found[key] = kept[place]
        lacking = [key for key in keys if key not in found]
        if lacking:
            made = make(lacking)
            found.update(made)
            settling.read.update({(kind, rows, key): value for key, value in made.items()})
        return found

    @property
    def _settling(self) -> _Settling | None:
        """What this thread is settling; None where it settles nothing."""
        settling: _Settling | None = getattr(self._thread, "settling", None)
        return settling

    def _keep(self, place: _Place, value: Any) -> None:
        kept = self._kept[place[0]]
        kept[place] = value
        while len(kept) > self._most[place[0]]:
            kept.popitem(last=False)

    def _changed(self, zone: str, failing: bool) -> None:
        """Forget the look: the zone that is asked from now on may serve other loads."""
        self._look = None
        self._tell(zone, failing)
