"""Read what a visitor typed: a ZIP code, a city, a county, an area, a street of a city.

A text is read from its end, where the state, the city and the ZIP code stand: streets are told
from names by what the gazetteer knows, so no commas are needed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from airaware.gazetteer import places
from airaware.gazetteer.places import City, ZipCode, distance_km, key

SUGGESTIONS = 5
FAR_KM = 30.0  # a ZIP code farther from the city that stands with it belongs to another
AREA_KM = 40.0  # a neighbourhood is this near to its city
LONGEST_NAME = 6  # words
LONGEST_STATE = 4

COVERED = "This site covers the 50 states, the District of Columbia and Puerto Rico."

_COUNTRY = re.compile(
    r"[\s,]+(?:the\s+)?(?:U\.?\s?S\.?(?:\s?A\.?)?|United States(?: of America)?|America)$", re.I
)
_ZIP = re.compile(
    r"(?<![\w.#-])([0-9]{5})"
    r"(?:\.0+|\s?[-\N{EN DASH}\N{EM DASH}]\s?[0-9]{4}|\s[0-9]{4}(?=$|,)|[0-9]{4})?(?![\w-])"
)
_SHORT_ZIP = re.compile(r"(?<![\w.#-])([0-9]{3,4})(?:\.0+)?$")
_CANADIAN = re.compile(r"\b[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]$", re.I)
# What stands before a number that is no ZIP code.
_NUMBERED = re.compile(
    r"(?:\b(?:box|apt|apartment|suite|ste|unit|no|room|rm|floor|lot|hwy|highway|route|rte|rt|road|rd"
    r"|fm|cr|sr|hc|rr|interstate)\.?|#)\s*$",
    re.I,
)


@dataclass(frozen=True)
class Found:
    """A place. `rest` is what stands before it and was not read: a street."""

    latitude: float
    longitude: float
    label: str
    precision_km: float
    zip_code: str = ""  # where one led here
    post_office: bool = False
    rest: str = ""


@dataclass(frozen=True)
class Offers:
    """Several places; `choices` are texts to ask again with."""

    message: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Unknown:
    """No place; `choices` are places that are spelled nearly so."""

    message: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outside:
    """A place that the site does not cover."""

    message: str


Reading = Found | Offers | Unknown | Outside


def read(text: str) -> Reading:
    """Return what a text without superfluous blanks names."""
    text = _COUNTRY.sub("", text).strip(" ,;") or text
    if _CANADIAN.search(text):
        return _outside("Canada")
    found = _zip_code(text)
    if found:
        return _of_zip(*found)
    digits = re.sub(r"\.0+$", "", text)
    if digits.isdecimal() and digits.isascii():
        return _of_digits(digits)
    short = _SHORT_ZIP.search(text)
    if short:
        code, rest = short[1].zfill(5), text[: short.start()].strip(" ,")
        told = places.load().zip_codes.get(code)
        state = _split(rest)[1]
        if told and (state == told.state or _is_place(rest)) and not _disagreeing(told, rest):
            return _of_zip(code, rest)
    return _of_name(text)


def has_street(text: str) -> bool:
    """Whether a text holds more than a place: a street to look up."""
    text = _COUNTRY.sub("", text).strip(" ,;")
    found = _zip_code(text)
    rest = _street_of(found[1] if found else text)
    return _has_digit(rest) and not rest.isdecimal()


def _street_of(text: str) -> str:
    """Return what stands before the place that a text ends in; all of it if there is none."""
    if _state_of(text):
        return ""
    named = _of_name(text) if text else None
    return named.rest if isinstance(named, Found) else text


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _zip_code(text: str) -> tuple[str, str] | None:
    """Return the ZIP code of a text and the text without it; None if there is none.

    It is the last number that can be one. At the beginning, before a street, it is a house's.
    """
    for match in reversed(list(_ZIP.finditer(text))):
        before, after = text[: match.start()].strip(" ,("), text[match.end() :].strip(" ,.)")
        if not _NUMBERED.search(before) and (not after or _is_place(after)):
            return match[1], ", ".join(filter(None, (before, after)))
    return None


def _is_place(text: str) -> bool:
    """Whether a text is a state or a place and nothing else."""
    if _state_of(text):
        return True
    found = _of_name(text)
    return isinstance(found, Offers) or (isinstance(found, Found) and not found.rest)


def _of_digits(digits: str) -> Reading:
    """Read a number alone: not a ZIP code as it stands."""
    code = digits.zfill(5)
    if 3 <= len(digits) < 5 and code in places.load().zip_codes:
        told = places.load().zip_codes[code]
        return Offers(
            f"A ZIP code has five digits. With the zero in front, {digits} is {code}.",
            (_zip_label(code, told),),
        )
    return Unknown(f"A ZIP code has five digits; {digits} has {len(digits)}.")


def _of_zip(code: str, rest: str) -> Reading:
    told = places.load().zip_codes.get(code)
    if told is None:
        return _of_unknown_zip(code, rest)
    if told.state in places.OUTSIDE_STATES:
        return Outside(f"ZIP code {code} belongs to {places.OUTSIDE_STATES[told.state]}. {COVERED}")
    if not (told.latitude and told.longitude):
        return _of_name(f"{told.city}, {told.state}")
    other = _disagreeing(told, rest)
    if other:
        return Offers(
            f"ZIP code {code} is in {told.city}, {told.state}, not in {other}.",
            (_zip_label(code, told), other) if "," in other else (_zip_label(code, told),),
        )
    return Found(
        told.latitude,
        told.longitude,
        _zip_label(code, told),
        told.precision_km,
        code,
        told.post_office,
        _street_of(rest),
    )


def _of_unknown_zip(code: str, rest: str) -> Reading:
    beside = {
        told.state for other, told in places.load().zip_codes.items() if other[:3] == code[:3]
    }
    if beside and beside <= set(places.OUTSIDE_STATES):
        countries = " or ".join(sorted(places.OUTSIDE_STATES[state] for state in beside))
        return Outside(f"ZIP codes that begin with {code[:3]} belong to {countries}. {COVERED}")
    message = f"There is no ZIP code {code}."
    named = _of_name(rest) if rest else None
    if isinstance(named, Found):
        return Offers(message, (named.label,))
    if isinstance(named, Offers | Unknown) and named.choices:
        return Unknown(message, named.choices[:SUGGESTIONS])
    return Unknown(f"{message} Type the city and the state instead.")


def _zip_label(code: str, told: ZipCode) -> str:
    return f"{told.city}, {told.state} {code}"


def _disagreeing(told: ZipCode, rest: str) -> str:
    """Return the place or the state that stands with a ZIP code and lies elsewhere, or ""."""
    words, state = _split(rest)
    named = _longest(words, state)
    if named is None:
        return state if state and state != told.state else ""
    if state is None and named[1]:  # perhaps a street's last word
        return ""
    point = (told.latitude, told.longitude)
    for city in named[0]:
        same = key(city.name) == key(told.city) and city.state == told.state
        if same or _near(city, point, FAR_KM + city.spread_km):
            return ""
    return named[0][0].label


def _near(city: City, point: tuple[float, float], km: float) -> bool:
    return distance_km((city.latitude, city.longitude), point) <= km


def _of_name(text: str) -> Reading:
    """Read a text without a ZIP code."""
    words, state = _split(text)
    if state is None:
        abroad = _abroad(text)
        if abroad:
            return _outside(abroad)
    elif not words:
        return _of_state(text, state)
    named = _longest(words, state)
    if named is None and state:
        named = _state_as_city(text)
    if named is None:
        return _misspelt(words, state)
    cities, before = named
    area = _area_in(before, cities)
    if area:
        return _found(area[0], area[1])
    misread = _misread(cities, before, state)
    if misread:
        return misread
    if len(cities) == 1:
        return _found(cities[0], " ".join(before))
    where = f" in {state}" if state else " in the United States"
    street = f"{' '.join(before).strip(' ,')}, " if before else ""
    return Offers(
        f"There is more than one {cities[0].name}{where}.",
        tuple(dict.fromkeys(street + city.label for city in cities)),
    )


def _state_as_city(text: str) -> tuple[list[City], list[str]] | None:
    """Read a state's full name at the end as its city's: 42nd St, New York."""
    words = _words(text)
    named = None if len(words[-1]) == 2 else _longest(words, None)
    return named and (named[0][:1], named[1])


def _misread(cities: list[City], before: list[str], state: str | None) -> Reading | None:
    """Return what was perhaps meant where words without a number stand before a name.

    "Chuula Vista, CA" is Chula Vista rather than Vista.
    """
    part = _last_part(before + [""])[:-1]
    if not part or _has_digit("".join(before)):
        return None
    name = key(" ".join([*part, cities[0].name]))
    near = _similar([name], state)[: SUGGESTIONS - 1]
    if not near:
        return None
    return Offers(
        "We found no city of quite that name.",
        tuple(dict.fromkeys(city.label for city in (*near, cities[0]))),
    )


def _found(city: City, rest: str) -> Found:
    return Found(city.latitude, city.longitude, city.label, city.spread_km, rest=rest.strip(" ,"))


def _of_state(text: str, state: str) -> Reading:
    """Read a state alone; cities of its name, or with its letters for a nickname, are offered."""
    if state == "DC":
        return _found(_named("washington", "DC")[0], "")
    cities = _named(key(text), None)
    if cities:
        return Offers(
            f"{text} stands for a state, and for a city as well.",
            tuple(city.label for city in cities),
        )
    return Unknown(f"{text} is a state. Name a city in it too, as in “Springfield, IL”.")


def _outside(country: str) -> Outside:
    return Outside(f"That is in {country}. {COVERED}")


def _abroad(text: str) -> str:
    """Return the country or territory that a text ends in, and no city of the US; or ""."""
    known = places.load()
    whole = key(text.replace(",", " "))
    if whole in known.cities:
        return ""
    words = _words(text)
    plain = [key(word) for word in words]
    for length in range(min(LONGEST_STATE, len(words)), 0, -1):
        name = " ".join(plain[-length:]).strip()
        comma = length == len(words) or words[-length - 1].endswith(",")
        if name in known.abroad and (comma or name not in known.cities):
            return known.abroad[name]
    return known.cities_abroad.get(whole, "")


def _words(text: str) -> list[str]:
    """Return the words of a text; a comma stays with the word before it."""
    spaced = re.sub(r"\s*[,;()]+\s*", ", ", text)
    return re.sub(r"\.(?=[^\W\d_]{2,})", ". ", spaced).strip(" ,").split()


def _state_of(text: str) -> str | None:
    return _code(_words(text))


def _code(words: list[str]) -> str | None:
    """Return the state of words that name one and nothing else."""
    if any(word.endswith(",") for word in words[:-1]):
        return None
    states = places.load().states
    name = key(" ".join(words).replace(",", " "))
    joined = name.replace(" ", "")
    return states.get(name) or (states.get(joined) if len(joined) == 2 else None)


def _split(text: str) -> tuple[list[str], str | None]:
    """Return the words before the state, and the state's code; all words where there is none."""
    words = _words(text)
    for length in range(min(LONGEST_STATE, len(words)), 0, -1):
        code = _code(words[-length:])
        if code:
            return words[:-length], code
    return words, None


def _named(name: str, state: str | None) -> list[City]:
    """Return the cities of a name, or else the areas; of a state, or of all."""
    known = places.load()
    for table in (known.cities, known.areas):
        cities = [city for city in table.get(name, []) if state in (None, city.state)]
        if cities:
            return cities
    return []


def _longest(words: list[str], state: str | None) -> tuple[list[City], list[str]] | None:
    """Return the cities of the longest name at the end, and the words before it.

    A name does not reach over a comma, but "Chatham, Cook County" is the Chatham of that county.
    """
    plain = [key(word) for word in words]
    for start in range(max(0, len(words) - LONGEST_NAME), len(words)):
        if any(word.endswith(",") for word in words[start:-1]):
            continue
        name = " ".join(filter(None, plain[start:]))
        cities = _named(name, state)
        if not cities:
            continue
        if start and words[start - 1].endswith(",") and name in places.load().areas:
            within = _longest(words[:start], state)
            same = [city for city in within[0] if key(city.county) == name] if within else []
            if within and same:
                return same, within[1]
        return cities, words[:start]
    return None


def _area_in(words: list[str], cities: list[City]) -> tuple[City, str] | None:
    """Return the neighbourhood that stands before its city, and the words before it."""
    if not words or _has_digit(" ".join(words)):
        return None
    for start in range(len(words)):
        if any(word.endswith(",") for word in words[start:-1]):
            continue
        name = key(" ".join(words[start:]).replace(",", " "))
        for city in cities:
            for area in _named(name, city.state):
                if _near(area, (city.latitude, city.longitude), AREA_KM):
                    return area, " ".join(words[:start])
    return None


def _misspelt(words: list[str], state: str | None) -> Unknown:
    """Return what is spelled nearly so, in the state, and what has the name in another one."""
    endings = list(_endings(_last_part(words)))
    if state is None and _has_digit("".join(words)):
        endings = []  # a street alone
    near = _similar(endings, state)
    elsewhere = [city for name in endings for city in _named(name, None)][:2] if state else []
    likely = (*near[: SUGGESTIONS - len(elsewhere)], *elsewhere, *near)
    return Unknown(
        "We found no such city. Check the spelling, or type the ZIP code instead.",
        tuple(dict.fromkeys(city.label for city in likely))[:SUGGESTIONS],
    )


def _last_part(words: list[str]) -> list[str]:
    """Return the words behind the last comma."""
    for index in range(len(words) - 2, -1, -1):
        if words[index].endswith(","):
            return words[index + 1 :]
    return words


def _endings(words: list[str]) -> Iterator[str]:
    """Yield the names that the words may end in, the longest first."""
    first = max(0, len(words) - LONGEST_NAME)
    for start in range(first, len(words)):
        name = key(" ".join(words[start:]).replace(",", " "))
        if len(name) > 2:
            yield name


def _similar(spelled: Iterable[str], state: str | None) -> list[City]:
    """Return cities whose names are a letter or two away, the nearest and most populous first."""
    found: dict[City, tuple[float, int]] = {}
    for name in spelled:
        allowed = 1 if len(name) < 5 else 2
        matches = process.extract(
            name.replace(" ", ""),
            _compact_names(state),
            scorer=OSA.distance,
            score_cutoff=allowed,
            limit=None,
        )
        for _, distance, known in matches:
            for city in places.load().cities[known]:
                if state in (None, city.state):
                    rank = (distance - len(name) / 100, -city.population)
                    found[city] = min(rank, found.get(city, rank))
    return sorted(found, key=found.__getitem__)


@cache
def _compact_names(state: str | None) -> dict[str, str]:
    """Return names without blanks by name: of a state's cities, or of all."""
    return {
        name: name.replace(" ", "")
        for name, same in places.load().cities.items()
        if state is None or any(city.state == state for city in same)
    }
