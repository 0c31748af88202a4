"""Settings: each is documented, and a value that cannot be used is named."""

import re
from pathlib import Path

import pytest

from airaware import settings
from airaware.errors import AirAwareError
from tools import environments

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
        ("AIRAWARE_PORT", "http"),
        ("AIRAWARE_PORT", "65536"),
        ("AIRAWARE_MAX_BAD_ROWS", "-0.1"),
        ("AIRAWARE_MAX_BAD_ROWS", "nan"),
        ("AIRAWARE_ZONES", "a"),
    ],
)
def test_a_useless_value_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(AirAwareError, match=f"{variable}: '{value}'"):
        settings.read()


def test_an_unknown_environment_is_told_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRAWARE_ENV", "moon")
    with pytest.raises(AirAwareError, match="'moon'. Known are: local"):
        environments.find("")
    assert environments.find("local").name == "local"
