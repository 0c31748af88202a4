"""Load tests without Locust: shapes, and what a timeline tells."""

import json
from pathlib import Path

import pytest

from loadtest import curves
from tools.fleet.timeline import Timeline, draw
from tools.tasks.loadtest import SHAPES


@pytest.mark.parametrize(
    ("shape", "users"),
    [
        ("spike", [1000, 1000, 1000, 1000]),
        ("ramp", [1, 500, 1000, 250]),
        ("soak", [1, 1000, 1000, 1000]),
    ],
)
def test_shapes(shape: str, users: list[int]) -> None:
    curve = getattr(curves, shape)
    assert [curve(seconds, 1000, 600) for seconds in (0, 120, 300, 540)] == users
    assert shape in SHAPES


def timeline() -> Timeline:
    """A load from 100 to 400: over the target at 120, two servers at 152, under it at 170."""
    return Timeline(
        **{"target_percent": 45, "clock_factor": 1, "begun": 100, "ended": 400},
        servers={
            "a": [(100, 1), (152, 2), (160, 3), (600, 1)],
            "b": [(100, 1), (155, 2), (650, 1)],
        },
        cpu={
            "a": [
                (90, 3),
                (110, 20),
                (120, 60),
                (130, 99),
                (140, 90),
                (150, 90),
                (160, 44),
                (170, 30),
                (180, 40),
                (190, 40),
                (200, 46),
            ],
            "b": [
                (95, 3),
                (115, 20),
                (125, 50),
                (135, 80),
                (145, 70),
                (155, 60),
                (165, 50),
                (175, 30),
                (185, 40),
                (195, 40),
                (205, 44),
            ],
        },
    )


def test_a_timeline_tells_when_what_happened() -> None:
    assert timeline().times() == {
        **{"crossed": 20, "first_extra_server": 32, "under_again": 50, "back_to_least": 250}
    }
    assert timeline().most_servers() == {"a": 3, "b": 2}


def test_what_did_not_happen_is_none() -> None:
    idle = timeline()
    idle.cpu = {"a": [(110, 20)], "b": []}
    assert set(idle.times().values()) == {None}
    stuck = timeline()
    stuck.servers["a"] = [(100, 1), (152, 2)]
    assert stuck.times()["back_to_least"] is None


def test_a_timeline_is_drawn_and_saved(tmp_path: Path) -> None:
    draw(timeline(), "a load", tmp_path / "folder" / "picture.png")
    assert (tmp_path / "folder" / "picture.png").read_bytes().startswith(b"\x89PNG")
    timeline().save(tmp_path / "timeline.json")
    assert json.loads((tmp_path / "timeline.json").read_text())["times"]["crossed"] == 20
