"""Settings: each is documented, and a value that cannot be used is named."""

import re
from pathlib import Path

import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from airaware import settings
from airaware.errors import AirAwareError
from airaware.settings import Zone
from tools.environments import catalog

CHECKOUT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\bAIRAWARE_[A-Z_]+\b")


def test_every_variable_is_documented_and_no_other() -> None:
    sources = [
        path
        for folder in ("airaware", "tools")
        for path in (CHECKOUT / folder).rglob("*")
        if path.suffix in (".py", ".sh", ".properties")
    ]
    used = {name for path in sources for name in VARIABLE.findall(path.read_text())}
    table = (CHECKOUT / "docs" / "settings.md").read_text()
    assert used == set(re.findall(r"^\| `(AIRAWARE_[A-Z_]+)`", table, flags=re.MULTILINE))


def test_zones_are_read_in_order_and_the_own_one_is_asked_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRAWARE_ZONES", "a=host=h1 port=1; b=host=h2")
    monkeypatch.setenv("AIRAWARE_ZONE", "b")
    config = settings.read()
    assert [(zone.name, zone.dsn) for zone in config.zones] == [
        ("a", "host=h1 port=1"),
        ("b", "host=h2"),
    ]
    assert [zone.name for zone in config.own_zone_first()] == ["b", "a"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(
            ("AIRAWARE_PORT", value)
            for value in ("http", "65536", "0", "-1", "8e3", "80.5", "", "٣")
        ),
        ("AIRAWARE_MAX_BAD_ROWS", "-0.1"),
        ("AIRAWARE_MAX_BAD_ROWS", "nan"),
        ("AIRAWARE_ZONES", "a"),
    ],
)
def test_a_useless_value_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(AirAwareError, match=f"{variable}: '{re.escape(value)}'"):
        settings.read()


@pytest.mark.parametrize("folder", ["/a;b", "/a b; c", "/a'b;c", "/a\\;b", "/;;"])
def test_zones_are_read_as_they_were_written(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    zones = [Zone(name, make_dsn(host="h", passfile=f"{folder}/passwords")) for name in "ab"]
    monkeypatch.setenv("AIRAWARE_ZONES", settings.written(zones))
    read = settings.read().zones
    assert [zone.name for zone in read] == ["a", "b"]
    for zone in read:  # as libpq reads them
        assert parse_dsn(zone.dsn) == {"host": "h", "passfile": f"{folder}/passwords"}


def test_what_is_empty_is_not_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    default = settings.read()
    for variable in ("AIRAWARE_RAW", "AIRAWARE_EPA_URL"):
        monkeypatch.setenv(variable, "")
    assert settings.read() == default


def test_an_unknown_environment_is_told_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRAWARE_ENV", "moon")
    with pytest.raises(AirAwareError, match=r"'moon'. Known are: local"):
        catalog.find("")
    assert catalog.find("local").name == "local"
