"""The daemon's rounds go on whatever an actor does, and a folder has one daemon."""

import logging
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.lab import model
from tools.lab.daemon import WATCHES_NEEDED, Rounds, alone, room_for_watches


def test_an_actor_that_fails_stops_no_other_and_is_told_of_once(caplog) -> None:
    followed: list[model.Region] = []
    wrong = iter(["no bridge", "no bridge", "no room"])

    def fail(_: model.Region) -> None:
        raise AirAwareError(next(wrong))

    rounds = Rounds({"network": fail, "firewall": followed.append})
    with caplog.at_level(logging.ERROR, "tools.lab.daemon"):
        for _ in range(3):
            rounds.go(model.Region())
    assert len(followed) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "network: AirAwareError: no bridge",
        "network: AirAwareError: no room",
    ]


def test_a_folder_has_one_daemon(tmp_path: Path) -> None:
    another = pytest.raises(AirAwareError, match=f"Another daemon runs already for {tmp_path}")
    with alone(tmp_path), another, alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_a_labs_name_is_its_folders(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    name = model.lab_name(tmp_path)
    assert name == model.lab_name(tmp_path / "link")
    assert name != model.lab_name(tmp_path / "other")
    assert len(f"{name}-net") <= 15  # also a name for an interface


@pytest.mark.parametrize(("before", "meanwhile"), [(128, WATCHES_NEEDED), (4096, 4096)])
def test_the_limit_of_watches_is_raised_for_a_while(
    tmp_path: Path, before: int, meanwhile: int
) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text(str(before))
    with room_for_watches(limit):
        assert int(limit.read_text()) == meanwhile
    assert int(limit.read_text()) == before
