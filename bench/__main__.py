"""`make bench`: every benchmark, one table, build/bench.json. Exit status 1: a bound is missed.

`python -m bench job`, `python -m bench site` and `python -m bench census` are its parts.
"""

import argparse
import sys
from pathlib import Path

from bench import main_job, site, slow_census
from bench.measure import report
from tools.machine.usage import Meter

BUILD = Path("build").absolute()
PARTS = {"job": main_job.figures, "site": site.figures, "census": slow_census.figures}


def main() -> int:
    """Run the parts that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"{' or '.join(PARTS)}; all without")
    named = parser.parse_args().part
    if unknown := set(named) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    raw = BUILD / "bench"
    figures, meter = [], Meter(Path.cwd())
    with main_job.databases(raw) as place:
        for name, part in PARTS.items():
            if not named or name in named:
                figures += part(place, raw)
    print(meter.usage())
    return 0 if report(figures, BUILD / "bench.json") else 1


if __name__ == "__main__":
    sys.exit(main())
