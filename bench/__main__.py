"""`make bench`: every benchmark, one table, build/bench.json. Exit status 1: a bound is missed."""

import sys
from pathlib import Path

from bench import main_job
from bench.measure import report

BUILD = Path("build")

if __name__ == "__main__":
    sys.exit(0 if report(main_job.figures(BUILD / "bench"), BUILD / "bench.json") else 1)
