"""The site's users: what they ask for, one thing after another, with a wait in between.

`fab loadtest` runs one kind of them with Locust, in one of the shapes beside this file.
"""

import itertools
import random
from collections.abc import Iterator

from locust import task
from locust.contrib.fasthttp import FastHttpUser
from locust.exception import StopUser

from airaware.gazetteer.places import covered_zip_codes
from loadtest import objectives
from loadtest.tiles import tile_of

OZONE = "44201"
ZOOMS = (4, 6)  # of the map: the country, then nearer
ZIP_CODES = covered_zip_codes()
ADDRESSES = list(ZIP_CODES)

Step = tuple[str, str, dict[str, str | list[str]]]  # how it is counted, path, query

objectives.watch()


class SiteUser(FastHttpUser):
    """A user whose journey begins again when it ends: each step is a request, then a wait."""

    abstract = True
    connection_timeout = 10
    network_timeout = 30

    def wait_time(self) -> float:
        """Seconds until the next step."""
        options = self.environment.parsed_options
        return random.uniform(options.least_wait, options.most_wait)

    def on_start(self) -> None:
        """Begin the first journey, on no other site than the one that is to be loaded."""
        if not objectives.may_be_loaded(self.environment):
            raise StopUser
        self.steps = itertools.chain.from_iterable(self.journey() for _ in itertools.count())

    def journey(self) -> Iterator[Step]:
        """The steps of one journey."""
        raise NotImplementedError

    @task
    def step(self) -> None:
        """Do the next."""
        name, path, query = next(self.steps)
        self.client.get(path, params=query, name=name)


class Original(SiteUser):
    """A user of the first AirAware's demonstrations: the home page, then an address's air."""

    def journey(self) -> Iterator[Step]:
        """Home, and an address's answer."""
        yield "home", "/", {}
        yield "answer", "/api/v1/air", {"address": random.choice(ADDRESSES)}


class Visitor(SiteUser):
    """Somebody who looks around: home, an address, the map there, another place, a file."""

    def journey(self) -> Iterator[Step]:
        """Home, address, map tiles, compare, download."""
        address, other = random.sample(ADDRESSES, 2)
        year = self.year()
        yield "home", "/", {}
        yield "address", "/air", {"address": address}
        yield "map", "/map", {"parameter": OZONE, "year": year}
        for zoom in ZOOMS:
            x, y = tile_of(ZIP_CODES[address], zoom)
            values = f"/tiles/values/{OZONE}/{year}/hourly_mean/{zoom}/{x}/{y}"
            yield "tile: shapes", f"/tiles/{zoom}/{x}/{y}.mvt", {}
            yield "tile: values", values, {}
        yield "compare", "/compare", {"address": [address, other]}
        month = {"from": f"{year}-07-01", "to": f"{year}-07-31"}
        yield "download", "/api/v1/hours.csv", {"address": address, "parameter": OZONE, **month}

    def year(self) -> str:
        """The year that the site answers with where none is asked for."""
        asked = {"address": random.choice(ADDRESSES)}
        answer = self.client.get("/api/v1/air", params=asked, name="answer")
        return str(answer.json()["year"]) if answer.ok else "2017"
