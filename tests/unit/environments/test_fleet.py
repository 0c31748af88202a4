"""The stages of a deployment, on a region that is not there yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.environments.fleet import Fleet
from tools.machine.steps import Step
from tools.region import terraform


class NoRegion:
    """A region that is down; `prepared` says whether anything was made for it."""

    costs_money = False
    prepared = False

    def is_up(self) -> bool:
        return False

    def prepare(self) -> Iterator[Step]:
        yield Step("start the region", self._start)

    def _start(self) -> None:
        self.prepared = True


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet("lab", tmp_path, NoRegion())  # type: ignore[arg-type]


def test_a_dry_run_names_the_stages_the_image_before_the_hosts(fleet: Fleet) -> None:
    texts = [step.text for step in fleet.deploy(lambda plan: None)]
    stages = ["find Terraform", "start the region", "network, bucket and identities", "release"]
    stages += ["image", "Puppet's master", "ask Terraform what is to change: hosts"]
    found = [next(n for n, text in enumerate(texts) if stage in text) for stage in stages]
    assert found == sorted(found)
    assert not fleet.region.prepared  # type: ignore[attr-defined]


def test_where_the_image_is_current_the_master_boots_while_the_release_is_made(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fleet, "_has_current_image", lambda self: True)
    changes = [step.text for step in fleet.deploy(lambda plan: None)]
    master, release, wait, hosts = (
        next(n for n, text in enumerate(changes) if part in text)
        for part in ("change it: Puppet's master", "release", "the master's first run", "it: hosts")
    )
    assert master < release < wait < hosts
    assert not any("network" in text for text in changes)


def test_without_images_none_is_built(fleet: Fleet) -> None:
    texts = [step.text for step in fleet.deploy(lambda plan: None, from_image=False)]
    assert not any("image" in text for text in texts)


def test_without_terraform_nothing_is_made(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> Path:
        raise AirAwareError("there is no Terraform")

    monkeypatch.setattr(terraform, "find_binary", missing)
    with pytest.raises(AirAwareError, match="there is no Terraform"):
        for step in fleet.deploy(lambda plan: None):
            step.act()
    assert not fleet.region.prepared  # type: ignore[attr-defined]
