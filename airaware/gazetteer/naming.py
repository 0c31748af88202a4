"""Find the places whose names stand at the end of a text: in the US, or outside of it."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from airaware.gazetteer import places
from airaware.gazetteer.places import City, distance_km, key
from airaware.gazetteer.results import SUGGESTIONS

AREA_KM = 40.0  # a neighbourhood is this near to its city
LARGE = 100_000  # people: a city that is known without its state
LONGEST_NAME = 6  # words
LONGEST_STATE = 4
# Words around a name, in the spelling of `key`, that are none of it where the name alone is known.
_AROUND = re.compile(
    r"^(?:(?:the|greater|downtown|central|metro|near|in|at|around)\s)+"
    r"|^(?:the\s)?(?:city|town|township|village|borough|county|municipality|state) of (?:the\s)?"
    r"|\s(?:city|town|township|village|borough|municipality|municipio|island|cdp|region|suburbs"
    r"|(?:metro(?:politan)? )?area)$"
)


class Abroad(NamedTuple):
    """A country, or a city with its country, that ends a text."""

    country: str
    people: int  # 0 where it is the country itself
    name: str  # its key
    before: list[str]  # the words before it


def words_of(text: str) -> list[str]:
    """Return the words of a text; a comma stays with the word before it."""
    spaced = re.sub(r"\s*[,;()|]+\s*", ", ", text)
    return re.sub(r"\.(?=[^\W\d_]{2,})", ". ", spaced).strip(" ,").split()


def _key(words: list[str]) -> str:
    return key(" ".join(words).replace(",", " "))


def _crosses_comma(words: list[str]) -> bool:
    return any(word.endswith(",") for word in words[:-1])


def state_of(words: list[str]) -> str | None:
    """Return the state of words that name one and nothing else."""
    if _crosses_comma(words):
        return None
    states = places.load().states
    joined = re.sub(r"[\W_]", "", "".join(words)).casefold()
    return states.get(_key(words)) or (states.get(joined) if len(joined) == 2 else None)


def split(text: str) -> tuple[list[str], str | None]:
    """Return the words before the state, and the state's code; all words where there is none."""
    words = words_of(text)
    for length in range(min(LONGEST_STATE, len(words)), 0, -1):
        code = state_of(words[-length:])
        if code and not _is_county(words, code):
            return words[:-length], code
    if named(_key(words), None):  # West Virginia Beach is no beach of West Virginia.
        return words, None
    for length in range(min(LONGEST_STATE, len(words) - 1), 0, -1):
        before = state_of(words[:length])  # IL Chicago
        if before and named(_key(words[length:]), before):
            return words[length:], before
    return words, None


def _is_county(words: list[str], state: str) -> bool:
    """Whether the last word means county rather than Colorado: Los Angeles Co."""
    if state != "CO" or key(words[-1]) != "co" or longest(words[:-1], state):
        return False
    return bool(named(_key(words), None))


def likely_state(words: list[str]) -> tuple[list[str], str] | None:
    """Return the words before a misspelt state's name, and the state's code."""
    for length in (1, 2):
        name = _key(words[-length:])
        if len(words) <= length or len(name) < 4:
            continue
        full = [state for state in places.load().states if len(state) > 3]
        allowed = 1 if len(name) < 7 else 2
        near = process.extractOne(name, full, scorer=OSA.distance, score_cutoff=allowed)
        if near:
            return words[:-length], places.load().states[near[0]]
    return None


def named(name: str, state: str | None) -> list[City]:
    """Return the cities of a name (see `key`), or else the areas; of a state, or of all."""
    for table in (places.load().cities, places.load().areas):
        cities = [city for city in table.get(name, []) if state in (None, city.state)]
        if cities:
            return cities
    bare = _AROUND.sub("", re.sub(" co$", " county", name))
    return named(bare, state) if bare not in ("", name) else []


def all_named(name: str, state: str | None) -> list[City]:
    """Return cities and areas of a name; of a state, or of all."""
    known = places.load()
    both = [*known.cities.get(name, []), *known.areas.get(name, [])]
    return [city for city in dict.fromkeys(both) if state in (None, city.state)]


def longest(words: list[str], state: str | None) -> tuple[list[City], list[str]] | None:
    """Return the cities of the longest name at the end, and the words before it.

    A name does not reach over a comma, but "Chatham, Cook County" is the Chatham of that county.
    """
    for start in range(max(0, len(words) - LONGEST_NAME), len(words)):
        if _crosses_comma(words[start:]):
            continue
        name = _key(words[start:])
        cities = named(name, state)
        if not cities:
            continue
        if start and words[start - 1].endswith(",") and name in places.load().areas:
            within = longest(words[:start], state)
            same = [city for city in within[0] if key(city.county) == name] if within else []
            if within and same:
                return same, within[1]
        return cities, words[:start]
    return None


def abroad(words: list[str]) -> Abroad | None:
    """Return the country, territory or foreign city of the longest name at the end."""
    known = places.load()
    for start in range(max(0, len(words) - LONGEST_NAME), len(words)):
        if _crosses_comma(words[start:]):
            continue
        name, before = _key(words[start:]), words[:start]
        country = known.abroad.get(name)
        if country:
            city = abroad(before) if before and country in ("Canada", "Mexico") else None
            # Tijuana, BC lies in Baja California rather than in British Columbia.
            if city and city.country in ("Canada", "Mexico") and len(name) < 4:
                country = city.country
            return Abroad(country, 0, name, before)
        if name in known.cities_abroad:
            country, people = known.cities_abroad[name]
            return Abroad(country, people, name, before)
    return None


def area_in(words: list[str], cities: list[City]) -> tuple[City, str] | None:
    """Return the neighbourhood that stands before its city, and the words before it."""
    if not words or any(character.isdigit() for character in "".join(words)):
        return None
    for start in range(len(words)):
        begins = start == 0 or words[start - 1].endswith(",")
        if not begins or _crosses_comma(words[start:]):
            continue
        name = _key(words[start:])
        for city in cities:
            for area in all_named(name, city.state):
                if area != city and near(area, (city.latitude, city.longitude), AREA_KM):
                    return area, " ".join(words[:start])
    return None


def near(city: City, point: tuple[float, float], km: float) -> bool:
    """Whether a city's point is within a distance of another point (degrees)."""
    return distance_km((city.latitude, city.longitude), point) <= km


def largest(state: str) -> list[City]:
    """Return a state's most populous cities."""
    cities = {
        city for same in places.load().cities.values() for city in same if city.state == state
    }
    return sorted(cities, key=lambda city: (-city.population, city.name))[:SUGGESTIONS]


def suggested(words: list[str], state: str | None) -> list[City]:
    """Return what is spelled nearly so in the state, and what has the name in another one."""
    part = last_part(words)
    endings = list(_endings(part))
    if state is None and any(character.isdigit() for character in "".join(words)):
        endings = []  # a street alone
    alike = similar(endings, state)
    begun = _begun(endings[0], state)[:2] if endings else []
    inside = _inside(part, state)[:2] if endings else []
    elsewhere = [city for name in endings for city in named(name, None)][:2] if state else []
    fixed = (*begun, *inside, *elsewhere)
    likely = [*begun, *alike[: max(1, SUGGESTIONS - len(fixed))], *inside, *elsewhere, *alike]
    return list(dict.fromkeys(likely))[:SUGGESTIONS]


def last_part(words: list[str]) -> list[str]:
    """Return the words behind the last comma."""
    for index in range(len(words) - 2, -1, -1):
        if words[index].endswith(","):
            return words[index + 1 :]
    return words


def _endings(words: list[str]) -> Iterator[str]:
    """Yield the names that the words may end in, the longest first."""
    for start in range(max(0, len(words) - LONGEST_NAME), len(words)):
        name = _key(words[start:])
        if len(name) > 2:
            yield name


def _begun(name: str, state: str | None) -> list[City]:
    """Return places whose names go on where this one ends: Yellowstone National Park."""
    begin = bisect_left(_all_names(), f"{name} ")
    end = bisect_left(_all_names(), f"{name}!")  # the character behind the blank
    found = [city for longer in _all_names()[begin:end] for city in all_named(longer, state)]
    return sorted(dict.fromkeys(found), key=lambda city: (-city.population, city.label))


@cache
def _all_names() -> list[str]:
    known = places.load()
    return sorted({*known.cities, *known.areas})


def _inside(words: list[str], state: str | None) -> list[City]:
    """Return places of the longest name that the words begin with: Denver International Airport."""
    for end in range(min(LONGEST_NAME, len(words) - 1), 0, -1):
        cities = named(_key(words[:end]), state)
        if cities:
            return cities
    return []


def similar(spelled: Iterable[str], state: str | None) -> list[City]:
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


def state_as_city(text: str) -> tuple[list[City], list[str]] | None:
    """Read a name that ends as a state does: 42nd St, New York; East LA."""
    words = words_of(text)
    whole = all_named(_key(words), None)
    if whole:
        return whole, []
    found = None if len(words[-1]) == 2 else longest(words, None)
    cities = [city for city in found[0] if city.population >= LARGE] if found else []
    return (cities[:1], found[1]) if found and cities else None
