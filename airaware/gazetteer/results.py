"""What a text can turn out to name."""

from dataclasses import dataclass

COVERED = "This site covers the 50 states, the District of Columbia and Puerto Rico."
SUGGESTIONS = 5


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
    note: str = ""  # what else has the name


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
    """A place that the site does not cover; `choices` are places of its name that are covered."""

    message: str
    choices: tuple[str, ...] = ()


Reading = Found | Offers | Unknown | Outside
