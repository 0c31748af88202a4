"""The air that synthetic files measure, and what instruments make of it.

It is made of a seasonal and a daily cycle, a random field that is smooth in space and slow in time,
and smoke in summer; instruments add noise, gaps, several methods and qualifiers.
"""

import calendar
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from airaware.science.pollutant import Method, Pollutant

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


# Codes alone decide anything. The name of 736 is not checked against EPA's list of methods.
T640 = (
    Method("236", "Teledyne T640 at 5.0 LPM - Broadband spectroscopy"),
    Method("736", "Teledyne T640 at 5.0 LPM (Corrected) - Broadband spectroscopy"),
)
T640_EXCESS = 1.2  # of the values as measured over the corrected ones


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


class Air:
    """A year's air, and what instruments make of it."""

    def __init__(self, pollutant: Pollutant, year: int, sites: list[Site], seed: int) -> None:
        """Draw the year's weather and fires; smoke is where the sites are."""
        self.pollutant = pollutant
        self.profile = profile = pollutant.synthetic
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
        texts = _hours_as_text(year, days)
        self._times = lru_cache(lambda offset_hours: _times(texts, self.hours, offset_hours))

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
        """Yield the CSV lines of each instrument of the sites."""
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
        """Return an instrument's values in steps of the last decimal: (hours,)."""
        noise = self.profile.noise * random.standard_normal(self.hours)
        codes: np.ndarray = np.rint((truth + noise) / self._step).astype(int)
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
        """Write the lines of one instrument, each hour once per method."""
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
        """Return a line up to the parameter's name, with the comma after it."""
        datum = "NAD83" if site.key % 4 == 0 else "WGS84"
        return (
            f'"{site.state}","{site.county}","{site.number}","{self.pollutant.code}",{poc},'
            f'{site.latitude!r},{site.longitude!r},"{datum}","{self.pollutant.name}",'
        ).encode()

    def _tail(self, site: Site, method: Method, qualifier: str, with_method_code: bool) -> bytes:
        """Return a line after the value, from the comma on."""
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
        """Return the field, mean 0, at places in km: (n, 2) -> (n, hours)."""
        field: np.ndarray = np.cos(places @ self._numbers + self._phases) @ self._amplitudes
        return field


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
        """Return the smoke, 0 to about 1, at places in km: (n, 2) -> (n, hours)."""
        distance_km = np.linalg.norm(places[:, np.newaxis] - self._centers, axis=2)
        smoke: np.ndarray = np.exp(-((distance_km / PLUME_KM) ** 2)) @ self._strengths
        return smoke


def _places(sites: list[Site]) -> np.ndarray:
    """Sites on a plane, km, shape (n, 2): true enough for a field of 80 km and more."""
    degrees = np.array([(site.longitude, site.latitude) for site in sites])
    return degrees * KM_PER_DEGREE * (np.cos(np.radians(39)), 1)


def _number(steps: int, decimals: int) -> bytes:
    """Write a value as EPA does: 0.03, 8, -0.5."""
    text = f"{steps / 10**decimals:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if decimals else text).encode()


def _times(texts: list[str], hours: int, gmt_offset_hours: int) -> np.ndarray:
    """Write the columns Date Local to Time GMT of each hour, with the comma after them.

    `texts` has a day more than the year at both of its ends.
    """
    local = texts[24 : 24 + hours]
    gmt = texts[24 - gmt_offset_hours :]
    return np.array([(a + b).encode() for a, b in zip(local, gmt, strict=False)], object)


def _hours_as_text(year: int, days: int) -> list[str]:
    """Write the date and the hour of the year's hours, a day before them and a day after."""
    begin = np.datetime64(f"{year}-01-01") - 1
    hours = np.arange(begin, begin + days + 2, dtype="datetime64[h]")
    return [f'"{text[:10]}","{text[11:]}:00",' for text in np.datetime_as_string(hours).tolist()]
