"""Read what a visitor typed: a ZIP code, a city, a county, an area, a street of a city.

A text is read from its end, where the state, the city and the ZIP code stand: the
gazetteer decides what is a street and what a name, so no commas are needed.
"""

import re
from collections.abc import Iterable

from airaware.gazetteer import naming, places
from airaware.gazetteer.places import City, ZipCode, key
from airaware.gazetteer.results import (
    COVERED,
    SUGGESTIONS,
    Found,
    Offers,
    Outside,
    Reading,
    Unknown,
)

FAR_KM = 30.0  # a ZIP code farther from the city that stands with it belongs to another
# A city this many times as populous as any other of its name is the one that is meant, abroad too.
FAR_LARGER = 20

ABROAD_SMALLER_THAN = 50_000  # people: a US city may give way to one abroad
KNOWN_WITH_STATE = 50_000

_NO_CITY = "We found no such city. Check the spelling, or type the ZIP code instead."
_NOT_QUITE = "We found no place of quite that name."
_COUNTRY = re.compile(
    r"[\s,]+(?:the\s+)?(?:U\.?\s?S\.?(?:\s?A\.?)?|United States(?: of America)?|America)$"
    r"|^(?:U\.?S\.?A\.?[\s,]|(?:United States(?: of America)?|US),)[\s,]*",
    re.I,
)
_ZIP = re.compile(
    r"(?<![\w.#-])([0-9]{5})"
    r"(?:\.0+|\s?[-/.\N{EN DASH}\N{EM DASH}]\s?[0-9]{4}|\s[0-9]{4}(?=$|,)|[0-9]{4})?(?!\w|-\w)"
)
_GLUED = (
    (re.compile(r"\b([A-Z]{2,3})-?(?=[0-9]{5}(?![0-9]))", re.I), r"\1 "),  # IL60614
    (re.compile(r"(?<![0-9])([0-9]{5})(?=[A-Z]{2}$)", re.I), r"\1 "),  # 60614IL
    (re.compile(r"(?<=\w)-(?=[A-Z]{2}$)"), ", "),  # Chicago-IL
    (re.compile(r"\b(?:zip|postal|post) ?code\b\W*|\bzip\b\W*", re.I), ""),
)
# 6O614: letters that look like digits. With two true digits it is no word.
_LOOKALIKE = re.compile(
    r"(?<![\w.#-])(?=[OoIl]*[0-9][OoIl]*[0-9])(?=[0-9]*[OoIl])[0-9OoIl]{5}(?!\w)"
)
_AS_DIGITS = str.maketrans("OoIl", "0011")
_PLACES_APART = re.compile(r"\s*[/;|&+]\s*|\s+(?:and|or|vs\.?|versus|to)\s+", re.I)
_PARTS_OF_A_NAME = re.compile(r"\s*[-\N{EN DASH}]\s*")  # Champaign-Urbana
_SEVERAL = re.compile(r"([0-9]{5})\s*(?:[-,;/&|]|\bor\b|\band\b|\bto\b|\s)\s*([0-9]{5})", re.I)
_SHORT_ZIP = re.compile(r"(?<![\w.#-])([0-9]{3,4})(?:\.0+|-[0-9]{4})?$")
_POSTAL_CODES = {
    "Canada": re.compile(
        r"\b[A-Z][0-9][A-Z][ -]?[0-9][A-Z][0-9](?:\W+Canada)?$"
        r"|\b(?:ON|QC|BC|AB|MB|SK|NS|NB|NL|PE|YT|NT|NU)\s+[A-Z][0-9][A-Z]$",
        re.I,
    ),
    "the United Kingdom": re.compile(r"^[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}$", re.I),
}
# What stands before a number that is no ZIP code.
_NUMBERED = re.compile(
    r"(?:\b(?:box|apt|apartment|suite|ste|unit|no|room|rm|floor|lot|hwy|highway|route|rte|rt|road|rd"
    r"|fm|cr|sr|hc|rr|interstate)\.?|#)\s*$",
    re.I,
)
# A street, or a building with an address, may end so; a city's name then follows.
_STREET = re.compile(
    r"\b(?:airport|alley|aly|ave|avenida|avenue|blvd|boulevard|bldg|building|calle|center|church"
    r"|cir|circle|college|court|ct|dr|drive|field|fwy|hall|highway|hospital|hotel|hwy|lane|library"
    r"|ln|loop|mall|museum|park|parkway|pike|pkwy|pl|place|plaza|rd|road|row|school|sq|square|st"
    r"|stadium|station|street|ter|terrace|trail|trl|university|way|zoo|[ns]?[ew]|[ns])\.?,?$",
    re.I,
)
_WHERE_I_AM = {
    *("here", "near me", "nearby", "around me", "close to me", "my location", "current location"),
    *("my current location", "my house", "my home", "my address", "where i am", "use my location"),
}


def read(text: str) -> Reading:
    """Return what a text without superfluous blanks names."""
    if _COUNTRY.fullmatch(f", {text}"):
        return Unknown("That is the whole country. Type a ZIP code, or a city and state.")
    text = _plain(text)
    for country, code in _POSTAL_CODES.items():
        if code.search(text):
            return _outside(country)
    several = _SEVERAL.fullmatch(text)
    if several and all(code in places.load().zip_codes for code in several.groups()):
        labels = [_zip_label(code) for code in several.groups()]
        return Offers("These are two ZIP codes.", tuple(dict.fromkeys(labels)))
    found = _zip_code(text)
    if found:
        return of_zip(*found)
    digits = re.sub(r"\.0+$|[\s,](?=[0-9]{3}$)|-(?=[0-9]{4}$)", "", text)
    if digits.isdecimal() and digits.isascii():
        return _of_digits(digits)
    if text.casefold() in _WHERE_I_AM:
        return Unknown(
            "This page does not know where you are. Type a ZIP code, or a city and state."
        )
    named = _of_name(text)
    if isinstance(named, Unknown) or (isinstance(named, Found) and named.rest):
        return _of_several(text) or named
    return named


def _of_several(text: str) -> Offers | None:
    """Read several places: "NYC/LA", "Dallas-Fort Worth, TX"; None where one of them is none."""
    _, state = naming.split(text)
    for between in (_PLACES_APART, _PARTS_OF_A_NAME):
        parts = between.split(text)
        if not 2 <= len(parts) <= SUGGESTIONS:
            continue
        read_parts = [_part(part, state) for part in parts]
        if all(read_parts):
            labels = dict.fromkeys(label for each in read_parts for label in each[:SUGGESTIONS])
            return Offers("These are several places.", tuple(labels))
    return None


def _part(text: str, state: str | None) -> tuple[str, ...]:
    """Return the labels of a place among several, with the state that ends the whole or without."""
    for spelled in (f"{text}, {state}", text) if state else (text,):
        found = read(spelled)
        if isinstance(found, Found) and not found.rest:
            return (found.label,)
        if isinstance(found, Offers):
            return found.choices
    return ()


def has_street(text: str) -> bool:
    """Whether a text holds more than a place: a street to look up."""
    text = _plain(text)
    found = _zip_code(text)
    rest = _street_of(found[1] if found else text)
    return _has_digit(rest) and not re.fullmatch(r"[0-9][0-9\W]*", rest)


def _plain(text: str) -> str:
    """Return a text without quotation marks and the country, ZIP codes apart from letters."""
    text = text.replace("_", " ").strip(" ,;#\"'“”‘’<>?!")
    for glued, apart in _GLUED:
        text = glued.sub(apart, text)
    text = _LOOKALIKE.sub(_with_digits, text)
    return _COUNTRY.sub("", text).strip(" ,;-") or text


def _with_digits(match: re.Match[str]) -> str:
    """Return a ZIP code that was typed with letters for digits; any other text as it is."""
    code = match[0].translate(_AS_DIGITS)
    return code if code in places.load().zip_codes else match[0]


def _street_of(text: str) -> str:
    """Return what stands before the place that a text ends in; all of it if there is none."""
    words, state = naming.split(text)
    if not words:
        return ""
    named = _of_name(text)
    if isinstance(named, Found):
        return named.rest
    near = naming.longest(words, state)
    return " ".join(near[1]) if near and isinstance(named, Offers) else text


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _zip_code(text: str) -> tuple[str, str] | None:
    """Return the ZIP code of a text and the text without it; None if there is none.

    It is the last number that can be one. At the beginning, before a street, it is a house's.
    """
    for match in reversed(list(_ZIP.finditer(text))):
        before, after = text[: match.start()].strip(" ,("), text[match.end() :].strip(" ,.)-")
        if not _NUMBERED.search(before) and (not after or _is_place(after)):
            rest = _COUNTRY.sub("", ", ".join(filter(None, (before, after))))
            return match[1], rest
    return _short_zip_code(text)


def _short_zip_code(text: str) -> tuple[str, str] | None:
    """Return a ZIP code that lost its zeros, where it stands with its state or city."""
    words, state = naming.split(text)
    for part, after in ((text, ""), (" ".join(words), state if words else "")):
        short = _SHORT_ZIP.search(part.strip(" ,"))
        if not short:
            continue
        code, before = short[1].zfill(5), part[: short.start()].strip(" ,")
        rest = ", ".join(filter(None, (before, after)))
        zip_code = places.load().zip_codes.get(code)
        same = zip_code and naming.split(rest)[1] == zip_code.state
        if zip_code and rest and (same or _is_place(rest)) and not _disagreeing(zip_code, rest):
            return code, rest
    return None


def _is_place(text: str) -> bool:
    """Whether a text is a state or a place and nothing else."""
    if naming.state_of(naming.words_of(text)):
        return True
    found = _of_name(text)
    if isinstance(found, Outside):  # Paris, which is in Texas too
        return bool(found.choices)
    return isinstance(found, Offers) or (isinstance(found, Found) and not found.rest)


def _of_digits(digits: str) -> Reading:
    """Read a number alone: not a ZIP code as it stands."""
    code = digits.zfill(5) if len(digits) <= 5 else digits.zfill(9)[:5]
    if len(digits) in (3, 4, 5, 7, 8) and code in places.load().zip_codes:
        return Offers(f"A ZIP code has five digits. {digits} may be {code}.", (_zip_label(code),))
    return Unknown(f"A ZIP code has five digits; {digits} has {len(digits)}.")


def of_zip(code: str, rest: str = "") -> Reading:
    """Return what a ZIP code and the text beside it name."""
    zip_code = places.load().zip_codes.get(code)
    if zip_code is None:
        return _of_unknown_zip(code, rest)
    if zip_code.state in places.OUTSIDE_STATES:
        country = places.OUTSIDE_STATES[zip_code.state]
        return Outside(f"ZIP code {code} belongs to {country}. {COVERED}")
    if not zip_code.latitude:
        return Unknown(f"We do not know where ZIP code {code} is. Type the city and the state.")
    other = _disagreeing(zip_code, rest) if rest else ""
    if other:
        return Offers(
            f"ZIP code {code} is in {zip_code.city}, {zip_code.state}, not in {other}.",
            (_zip_label(code), other) if "," in other else (_zip_label(code),),
        )
    return Found(
        zip_code.latitude,
        zip_code.longitude,
        _zip_label(code),
        zip_code.precision_km,
        code,
        zip_code.post_office,
        _street_of(rest) if rest else "",
    )


def _of_unknown_zip(code: str, rest: str) -> Reading:
    known = places.load().zip_codes
    beside = {zip_code.state for other, zip_code in known.items() if other[:3] == code[:3]}
    if beside and beside <= set(places.OUTSIDE_STATES):
        countries = " or ".join(sorted(places.OUTSIDE_STATES[state] for state in beside))
        return Outside(f"ZIP codes that begin with {code[:3]} belong to {countries}. {COVERED}")
    message = f"There is no ZIP code {code}."
    named = _of_name(rest) if rest else None
    if isinstance(named, Outside):
        return named
    if isinstance(named, Found):
        return Offers(message, (named.label,))
    if isinstance(named, Offers | Unknown) and named.choices:
        return Unknown(message, named.choices[:SUGGESTIONS])
    return Unknown(f"{message} Type the city and the state instead.")


def _zip_label(code: str) -> str:
    zip_code = places.load().zip_codes[code]
    return f"{zip_code.city}, {zip_code.state} {code}"


def _disagreeing(zip_code: ZipCode, rest: str) -> str:
    """Return the place or the state that stands with a ZIP code and lies elsewhere, or ""."""
    words, state = naming.split(rest)
    named = naming.longest(words, state) or (None if words else naming.state_as_city(rest))
    if named is None:
        return state if state and state != zip_code.state else ""
    if not words and state == zip_code.state:
        return ""
    if state is None and named[1]:  # perhaps a street's last word
        return ""
    point = (zip_code.latitude, zip_code.longitude)
    for city in named[0]:
        same = key(city.name) == key(zip_code.city) and city.state == zip_code.state
        if same or naming.near(city, point, FAR_KM + city.spread_km):
            return ""
    return named[0][0].label


def _of_name(text: str) -> Reading:
    """Read a text without a ZIP code."""
    words, state = naming.split(text)
    if state and not words:
        return _of_state(text, state)
    named = naming.longest(words, state)
    if state is None:
        outside = _of_abroad(words, named)
        if outside:
            return outside
        if named and not named[1]:
            named = (_of_any_table(named[0]), [])
    elif named is None:
        named = naming.state_as_city(text)
    if named is None:
        return _misspelt(words, state)
    cities, before = named
    cities = _meant(cities, state)
    area = naming.area_in(before, cities)
    if area:
        return _found(area[0], area[1])
    if not _follows(before, cities[0], state):
        return _unsure(words, cities, state)
    if len(cities) == 1:
        others = len(named[0]) > 1
        note = f"Other places are called {cities[0].name} too: add the state for those."
        return _found(cities[0], " ".join(before), note if others else "")
    where = f" in {state}" if state else " in the United States"
    return Offers(
        f"There is more than one {cities[0].name}{where}.",
        _labels(cities, " ".join(before).strip(" ,")),
    )


def _labels(cities: Iterable[City], street: str = "") -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(f"{street}, {city.label}" if street else city.label for city in cities)
    )


def _of_any_table(cities: list[City]) -> list[City]:
    """Return the cities of a name that stands alone, and the areas of that name elsewhere."""
    more = naming.all_named(key(cities[0].name), None)
    return [*cities, *(city for city in more if city not in cities)]


def _meant(cities: list[City], state: str | None) -> list[City]:
    """Return the one city that anybody means by a name without a state, or all."""
    if state or len(cities) < 2:
        return cities
    first, second = cities[0].population, max(city.population for city in cities[1:])
    return cities[:1] if first >= naming.LARGE and first >= FAR_LARGER * second else cities


def _follows(before: list[str], city: City, state: str | None) -> bool:
    """Whether a city's name can be what ends a text, rather than a part of a name unknown here.

    "Venice Beach" is not Beach, ND, and "Chuula Vista, CA" is not Vista.
    """
    if not before or before[-1].endswith(","):
        return True
    part = naming.last_part([*before, ""])[:-1]
    if _has_digit("".join(before)) or _STREET.search(" ".join(part)):
        return state is not None or city.population > 0
    return city.population >= (naming.LARGE if state is None else KNOWN_WITH_STATE) and not _alike(
        part, city, state
    )


def _alike(part: list[str], city: City, state: str | None) -> bool:
    """Whether the words with the city's name behind them are nearly another place's name."""
    return bool(naming.similar([key(" ".join([*part, city.name]))], state))


def _unsure(words: list[str], cities: list[City], state: str | None) -> Unknown:
    near = naming.suggested(words, state)
    own = [city for city in cities if city not in near][:1]
    return Unknown(_NOT_QUITE, _labels([*near[: SUGGESTIONS - len(own)], *own]))


def _found(city: City, rest: str, note: str = "") -> Found:
    return Found(
        city.latitude,
        city.longitude,
        city.label,
        city.spread_km,
        rest=rest.strip(" ,"),
        note=note,
    )


def _of_state(text: str, state: str) -> Reading:
    """Read a state alone: a large city of its name is offered (New York, LA), or its cities."""
    if state == "DC":
        return _found(naming.named("washington", "DC")[0], "")
    cities = naming.named(key(text), None)
    if cities and cities[0].population >= naming.LARGE:
        return Offers(f"{text} stands for a state, and for a city as well.", _labels(cities))
    return Unknown(
        f"{text} is a state. Name a city in it too, as in “Springfield, IL”.",
        _labels([*naming.largest(state), *cities]),
    )


def _outside(country: str) -> Outside:
    return Outside(f"That is in {country}. {COVERED}")


def _of_abroad(words: list[str], named: tuple[list[City], list[str]] | None) -> Outside | None:
    """Return that a text without a state ends abroad; None where a place in the US is meant."""
    there = naming.abroad(words)
    if there is None:
        return None
    here = named[0] if named else []
    if named and len(named[1]) < len(there.before):  # a longer name: Mexico Beach
        return None
    if (named and len(named[1]) > len(there.before)) or not naming.all_named(there.name, None):
        here = []
    if here and not _is_meant_abroad(there, here[0]):
        return None
    street = " ".join(there.before).strip(" ,")
    choices = _labels(here, street) if not street or _has_digit(street) else ()
    return Outside(f"That is in {there.country}. {COVERED}", choices)


def _is_meant_abroad(there: naming.Abroad, here: City) -> bool:
    """Whether a name means the country or city abroad rather than a city of the US."""
    if not there.people:
        if not there.before:
            return here.population < naming.LARGE
        return there.before[-1].endswith(",") or not _follows(there.before, here, None)
    return (
        not there.before
        and here.population < ABROAD_SMALLER_THAN
        and there.people >= FAR_LARGER * here.population
    )


def _misspelt(words: list[str], state: str | None) -> Reading:
    """Return what is spelled nearly so; where the state is misspelt, the place in that state."""
    guess = naming.likely_state(words) if state is None else None
    if guess:
        within = _of_name(f"{' '.join(guess[0])} {guess[1]}")
        choices = (within.label,) if isinstance(within, Found) else within.choices
        if choices:
            return Unknown(_NO_CITY, choices)
    return Unknown(_NO_CITY, _labels(naming.suggested(words, state)))
