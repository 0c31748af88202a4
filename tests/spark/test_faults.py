"""What a load survives: a killed driver, a zone that fails, and other submits of the same year.

Two files of the same year take turns, so that each load changes what is served. While loads die,
each zone is read all the while: by one statement that compares the manifest with the tables, and
by the site, whose answer must be the one file's or the other's.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from jobs import END_SECONDS, OZONE, Submits, ended, staging_tables, wait_for

from airaware.raw import epa, synthetic
from airaware.settings import Settings, Zone
from airaware.store.manifest import Held, held
from airaware.web import create_app
from tools.environments.local import Local

YEAR = 2014
STATIONS = 24
SEED = 2014
KILLS = 10
VICTIMS = ("the driver's JVM and Python", "its Python", "its JVM")
# San Juan: a synthetic file has a monitor there, whatever its seed.
QUESTION = f"/api/v1/air?address=00901&year={YEAR}"
SITE_PAUSE_SECONDS = 0.2
# Summing up all rows keeps a core busy.
STORE_PAUSE_SECONDS = 1.5


@dataclass(frozen=True)
class Version:
    """One of the two files, and what a zone and the site show once it is loaded."""

    raw: Path
    year: Held
    answer: list
    seconds: float

    def is_held_by(self, zone: Zone) -> bool:
        found = held(zone, OZONE, YEAR)
        return found is not None and self.shows(found)

    def shows(self, year: Held) -> bool:
        """Whether these are this file's rows and sums, and all of them."""
        return year.whole and (year.checksum, year.rows) == (self.year.checksum, self.year.rows)


@pytest.fixture(scope="module")
def ask(reader_zones: tuple[Zone, ...]) -> Callable[..., list]:
    """What the site says of QUESTION, when it reads these zones, or all; without load times."""

    def ask(zones: tuple[Zone, ...] = reader_zones) -> list:
        app = create_app(Settings("", "", zones, zones[0].name, 0.05, 0, ""))
        return months(app.test_client())

    return ask


def months(client: Any) -> list:
    """The months of each pollutant in the site's answer to QUESTION."""
    response = client.get(QUESTION)
    assert response.status_code == 200, response.get_data(as_text=True)
    return [pollutant["months"] for pollutant in response.get_json()["pollutants"]]


@pytest.fixture(scope="module")
def versions(
    submits: Submits,
    zones: tuple[Zone, ...],
    ask: Callable[..., list],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Version, Version]:
    """Both files, each loaded once; the zones hold the second."""

    def load(seed: int) -> Version:
        raw = tmp_path_factory.mktemp(f"seed-{seed}")
        synthetic.write(raw / epa.file_name(OZONE, YEAR), OZONE, YEAR, seed=seed, stations=STATIONS)
        process = submits.start(raw, str(YEAR), [OZONE])
        wait_for(process, "reading")
        begin = time.monotonic()
        status, _ = ended(process)
        assert status == 0
        first, second = (held(zone, OZONE, YEAR) for zone in zones)
        assert first == second
        assert first
        return Version(raw, first, ask(), time.monotonic() - begin)

    one, other = load(1), load(2)
    assert one.year.checksum != other.year.checksum
    assert one.answer != other.answer
    return one, other


def not_held(versions: tuple[Version, Version], zone: Zone) -> Version:
    """The version that a submit will have to load."""
    one, other = versions
    return other if one.is_held_by(zone) else one


class Watch:
    """Threads that look again and again; what they saw that must not be, and how often."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.looks = 0
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, look: Callable[[], object], pause_seconds: float) -> None:
        """`look` raises AssertionError, or anything else, where it sees what must not be."""
        self._threads.append(threading.Thread(target=self._look, args=(look, pause_seconds)))
        self._threads[-1].start()

    def _look(self, look: Callable[[], object], pause_seconds: float) -> None:
        while not self._over.is_set():
            try:
                look()
            except Exception as error:
                self.wrong.append(f"{time.strftime('%X')} {error!r}")
            self.looks += 1
            self._over.wait(pause_seconds)

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def watching(
    versions: tuple[Version, Version], stores: tuple[Zone, ...], sites: tuple[tuple[Zone, ...], ...]
) -> Iterator[None]:
    """While it lasts, each store is wholly one version, and each site answers as one of them."""

    def look_at_store(zone: Zone) -> None:
        year = held(zone, OZONE, YEAR)
        assert year is not None
        assert any(version.shows(year) for version in versions), year

    def look_at_site(client: Any) -> None:
        assert months(client) in [version.answer for version in versions]

    watch = Watch()
    try:
        for zone in stores:
            watch.start(partial(look_at_store, zone), STORE_PAUSE_SECONDS)
        for site in sites:
            app = create_app(Settings("", "", site, site[0].name, 0.05, 0, ""))
            watch.start(partial(look_at_site, app.test_client()), SITE_PAUSE_SECONDS)
        yield
    finally:
        watch.stop()
    assert watch.wrong == []
    assert watch.looks > 100


def kill(process: Any, victim: str) -> None:
    """kill -9 of the driver's Python, of its JVM, or of both; then all of it must end."""
    jvm = psutil.Process(process.pid)
    family = [jvm, *jvm.children(recursive=True)]
    with suppress(psutil.NoSuchProcess):
        if victim == VICTIMS[0]:
            os.killpg(process.pid, signal.SIGKILL)
        elif victim == VICTIMS[2]:
            jvm.kill()
        else:
            (python,) = (p for p in jvm.children() if "--years" in p.cmdline())
            python.kill()
    process.wait()
    assert psutil.wait_procs(family, END_SECONDS)[1] == []


@pytest.mark.slow
def test_a_driver_killed_at_any_moment(versions, submits, zones, reader_zones):
    chance = random.Random(SEED)
    seconds = max(version.seconds for version in versions)
    with watching(versions, zones, tuple((zone,) for zone in reader_zones)):
        target = not_held(versions, zones[0])
        for number in range(KILLS):
            victim = VICTIMS[number % len(VICTIMS)]
            moment = chance.uniform(0, seconds)
            process = submits.start(target.raw, str(YEAR), [OZONE])
            wait_for(process, "reading")
            time.sleep(moment)
            if process.poll() is None:
                kill(process, victim)
            loaded = [target.is_held_by(zone) for zone in zones]
            print(f"{moment:.2f} s after the load began, kill -9 of {victim}: loaded is {loaded}")
            if all(loaded):
                target = not_held(versions, zones[0])
        status, _ = submits.run(target.raw, str(YEAR), [OZONE])
    assert status == 0
    assert all(target.is_held_by(zone) for zone in zones)
    assert [staging_tables(zone) for zone in zones] == [[], []]


def test_a_zone_that_fails_in_the_middle(versions, submits, zones, reader_zones, region: Local):
    well, failing = zones
    old = next(version for version in versions if version.is_held_by(failing))
    new = not_held(versions, well)
    database = region.clusters[failing.name]
    # A site that would rather read the failing zone.
    site = tuple(reversed(reader_zones))
    with watching(versions, (well,), (site,)):
        process = submits.start(new.raw, str(YEAR), [OZONE])
        wait_for(process, "reading")
        while not staging_tables(failing):
            assert process.poll() is None
            time.sleep(0.05)
        # As `pg_ctl stop -m immediate` does.
        os.kill(database.pid() or 0, signal.SIGQUIT)
        try:
            status, said = ended(process)
        finally:
            database.start()
        assert status == 1
        assert f"zone {failing.name} stays as it was" in said
        assert f"zone {well.name} holds it, checksum {new.year.checksum}" in said
        assert "error: not every zone holds all that was asked for" in said
        assert "Traceback" not in said
        assert "\tat " not in said
        assert new.is_held_by(well)
        assert old.is_held_by(failing)
        status, said = submits.run(new.raw, str(YEAR), [OZONE])
    assert status == 0
    assert f"zone {well.name} holds it already" in said
    assert new.is_held_by(failing)
    assert [staging_tables(zone) for zone in zones] == [[], []]


def test_ctrl_c_ends_a_submit_at_once(versions, submits, zones):
    before = [held(zone, OZONE, YEAR) for zone in zones]
    # As at a terminal: what is started in the background may ignore Ctrl-C, and so do its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = submits.start(not_held(versions, zones[0]).raw, str(YEAR), [OZONE])
    wait_for(process, "reading")
    time.sleep(2)
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    status, said = ended(process)
    assert status == 128 + signal.SIGINT
    assert "Traceback" not in said
    assert psutil.wait_procs(family, END_SECONDS)[1] == []
    assert [held(zone, OZONE, YEAR) for zone in zones] == before
    assert [staging_tables(zone) for zone in zones] == [[], []]


def test_two_submits_at_the_same_time_and_one_later(versions, submits, zones):
    new = not_held(versions, zones[0])
    both = [submits.start(new.raw, str(YEAR), [OZONE]) for _ in range(2)]
    statuses, said = zip(*map(ended, both), strict=True)
    assert statuses == (0, 0)
    for zone in zones:
        assert new.is_held_by(zone)
        assert sum(text.count(f"zone {zone.name} holds it, checksum") for text in said) == 1
    assert sum("another submit is loading it; waiting" in text for text in said) == 1
    before = [held(zone, OZONE, YEAR) for zone in zones]

    status, third = submits.run(new.raw, str(YEAR), [OZONE])
    assert status == 0
    assert third.count("holds it already") == len(zones)
    assert [held(zone, OZONE, YEAR) for zone in zones] == before
    assert [staging_tables(zone) for zone in zones] == [[], []]
