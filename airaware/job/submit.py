"""The Spark job's command: a year of EPA's hourly files -> every zone's database.

    spark-submit airaware/job/submit.py --years 2013,2015-2017 --parameters 44201,88101

Per file, three stages (docs/design.md): shares of the file -> station-months; a month's stations ->
pieces of the store's tables; pieces -> the zones' staging tables. Then the driver commits.
"""

import argparse
import signal
import sys

from airaware import settings
from airaware.errors import AirAwareError
from airaware.job import bulk
from airaware.job.driver import submit
from airaware.science import spans


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if every zone holds all that was asked for."""
    parser = argparse.ArgumentParser(description="Load years of EPA's hourly files into the zones.")
    parser.add_argument("--years", required=True, help="as 2017, 1980-2017 or 2013,2015-2017")
    parser.add_argument("--parameters", default="", help="EPA's codes, as 44201,88101")
    parser.add_argument("--again", action="store_true", help="also where a zone holds it already")
    options = parser.parse_args(arguments)
    try:
        parameters = [int(code) for code in options.parameters.split(",") if code.strip()]
        years = spans.years(options.years)
        config = settings.read()
        loaded = submit(config, parameters or None, years, options.again)
        published = not config.bulk or bulk.publish(config, parameters, years)
        if loaded and published:
            return 0
        if not loaded:
            print(
                "error: not every zone holds all that was asked for; the lines above say why."
                " Submit again once that is mended: what is loaded already is not loaded twice.",
                file=sys.stderr,
            )
    except ValueError:
        print(f"error: '{options.parameters}' is not a list of codes", file=sys.stderr)
    except AirAwareError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted: every zone holds each year wholly old or wholly new", file=sys.stderr)
        return 128 + signal.SIGINT
    return 1


if __name__ == "__main__":
    sys.exit(main())
