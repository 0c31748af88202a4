"""EPA's newer files: bring them into the raw store, and find the loads that they make stale.

    python -m airaware.job.refresh airaware-batch              the years that the raw store has
    python -m airaware.job.refresh airaware-batch 2012,2013    these, also where it has none yet

Runs the command named first, with the arguments of airaware/job/submit.py, where a load is stale.
The exit status is 1 where a file or a load failed.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator

import psycopg2

from airaware import settings
from airaware.errors import AirAwareError
from airaware.raw import edges, epa, fetch, rawstore
from airaware.science import spans
from airaware.settings import Settings, Zone
from airaware.store import manifest
from airaware.store.manifest import Loaded

Key = tuple[int, int]  # parameter and year
Say = Callable[[str], None]


def stored(store: rawstore.Store) -> list[Key]:
    """Return the parameter and year of each of EPA's files in the raw store."""
    return [key for name in store.names() if (key := epa.key_of(name))]


def wanted(store: rawstore.Store, years: Collection[int] = ()) -> dict[int, list[int] | None]:
    """Return the years to refresh, with the parameters that the store has of each.

    Of a year that was named and that the store lacks, all default parameters: None.
    """
    there = stored(store)
    return {
        year: [parameter for parameter, of in there if of == year] or None
        for year in sorted(set(years) or {year for _, year in there})
    }


def bring(
    config: Settings, store: rawstore.Store, years: Collection[int], say: Say
) -> tuple[list[Key], list[str]]:
    """Bring files that are newer at the source; return what was fetched, and what failed.

    A file that fails does not keep the others from being fetched. Raises SourceUnreachableError
    where there is no way to the source.
    """
    fetched, failures = [], []
    for year, parameters in wanted(store, years).items():
        try:
            report = fetch.fetch_year(config, year, parameters, refresh=True, store=store)
        except fetch.FilesFailedError as error:
            report = error.report
            failures.append(str(error))
        except fetch.SourceUnreachableError:
            raise
        except AirAwareError as error:
            failures.append(str(error))
            continue
        for file in report.files:
            say(f"{file.name}: {file.status}")
            if file.status == "fetched" and (key := epa.key_of(file.name)):
                fetched.append(key)
    return fetched, failures


def stale(
    store: rawstore.Store,
    loads: Iterable[Loaded],
    fetched: Collection[Key],
    years: Collection[int] = (),
) -> list[Key]:
    """Return the files to load: those that have come now, and those that a load is not made of.

    A load is stale where its file, or hours of a neighbouring year that it used, are others by now.
    What a zone lacks is a refill's to bring.

    Args:
        store: the raw store, with the newer files.
        loads: of all zones.
        fetched: the files that have come now.
        years: whose files count; empty: all.
    """
    there = set(stored(store))
    made_of_others = {
        (load.parameter, load.year)
        for load in loads
        if (load.parameter, load.year) in there
        and (changed := _changed(store, load))
        and (not years or changed & set(years))
    }
    return sorted(made_of_others | set(fetched) & there)


def _changed(store: rawstore.Store, load: Loaded) -> set[int]:
    """Return the years of the files that are others than those that a load was made of."""
    name = epa.file_name(load.parameter, load.year)
    own = {load.year} if load.input_sha256 != store.sha256(name) else set()
    return own.union(edges.changed(store, load.parameter, load.year, load.synthetic, load.edges))


def groups(keys: Iterable[Key]) -> Iterator[tuple[str, list[int]]]:
    """Yield years and parameters of jobs that together load exactly these files.

    A job loads all its parameters of all its years; years as in "2013,2015".
    """
    by_year: dict[int, list[int]] = {}
    for parameter, year in sorted(keys):
        by_year.setdefault(year, []).append(parameter)
    for parameters in sorted({tuple(codes) for codes in by_year.values()}):
        years = [year for year, codes in sorted(by_year.items()) if tuple(codes) == parameters]
        yield ",".join(map(str, years)), list(parameters)


def held(zones: Collection[Zone], say: Say) -> list[Loaded]:
    """Return the loads of the zones that answer. Raises AirAwareError where none does."""
    found, failures = [], []
    for zone in zones:
        try:
            found += manifest.loads(zone)
        except AirAwareError as error:
            failures.append(str(error).strip())
    if len(failures) == len(zones):
        raise AirAwareError("\n".join(failures) or "No database runs: fab deploy")
    for failure in failures:
        say(failure)
    return found


def main(words: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Load EPA's newer files.")
    parser.add_argument("job", help="the command that runs the main job")
    parser.add_argument(
        "years", nargs="?", default="", help="as 2013,2015-2017 (all that there are)"
    )
    given = parser.parse_args(words)
    config = settings.read()
    years = spans.years(given.years) if given.years else []
    store, loads = rawstore.open(config.raw), held(config.zones, _say)
    fetched, failures = bring(config, store, years, _say)
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr, flush=True)
    failed = bool(failures)
    for span, parameters in groups(stale(store, loads, fetched, years)):
        codes = ",".join(map(str, parameters))
        failed |= subprocess.call([given.job, "--years", span, "--parameters", codes]) != 0
    return int(failed)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (AirAwareError, psycopg2.Error) as error:
        sys.exit(f"refresh: {str(error).strip()}")
