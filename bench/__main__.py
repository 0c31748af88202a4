"""`make bench`: every benchmark, one table, build/bench.json. Exit status 1: a bound is missed.

`python -m bench job`, `site`, `verify` and `census` are its parts. `--quick` is
the site alone, on small years and in short loops: a first look.
"""

import argparse
import sys
from pathlib import Path

from bench import main_job, site, slow_census, verify
from bench.measure import report
from tools.machine.usage import Meter

BUILD = Path("build").absolute()
PARTS = {
    "job": lambda place, raw, _: main_job.figures(place, raw),
    "site": site.figures,
    "verify": verify.figures,
    "census": lambda place, raw, _: slow_census.figures(place, raw),
}


def main() -> int:
    """Run the parts that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"{' or '.join(PARTS)}; all without")
    parser.add_argument("--quick", action="store_true", help="the site alone, in minutes")
    options = parser.parse_args()
    if unknown := set(options.part) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.quick and set(options.part) - {"site"}:
        parser.error("--quick is of the site alone")
    parts = options.part or (["site"] if options.quick else list(PARTS))
    extent = site.QUICK if options.quick else site.FULL
    raw = BUILD / ("bench-quick" if options.quick else "bench")
    files = {(parameter, main_job.YEAR): many for parameter, many in extent.stations.items()}
    files |= main_job.FILES if "job" in parts else {}
    figures = []
    with main_job.databases(raw, files) as place:
        meter = Meter(Path.cwd(), place.folder)
        for name, part in PARTS.items():
            if name in parts:
                figures += part(place, raw, extent)
        print(meter.usage())
    return 0 if report(figures, BUILD / "bench.json") else 1


if __name__ == "__main__":
    sys.exit(main())
