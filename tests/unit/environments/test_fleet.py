"""The stages of a deployment, on a region that is not there yet."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airaware.errors import AirAwareError
from tools.environments.fleet import Fleet
from tools.fleet.hosts import Host
from tools.machine.steps import Step, carry_out
from tools.region import packer, terraform
from tools.rollout import rollout


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
    texts = [step.text for step in fleet.deploy(lambda _plan: None)]
    stages = ["find Terraform", "start the region", "network, bucket and identities", "release"]
    stages += ["build the image", "change it: hosts", "the master's first run"]
    found = [next(n for n, text in enumerate(texts) if stage in text) for stage in stages]
    assert found == sorted(found)
    assert not fleet.region.prepared  # type: ignore[attr-defined]


def test_without_images_none_is_built(fleet: Fleet) -> None:
    texts = [step.text for step in fleet.deploy(lambda _plan: None, from_image=False)]
    assert not any("build the image" in text for text in texts)


def test_without_terraform_nothing_is_made(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> Path:
        raise AirAwareError("there is no Terraform")

    monkeypatch.setattr(terraform, "find_binary", missing)
    with pytest.raises(AirAwareError, match="there is no Terraform"):
        carry_out(fleet.deploy(lambda _plan: None), dry_run=False)
    assert not fleet.region.prepared  # type: ignore[attr-defined]


class Region(NoRegion):
    """A region that comes up when it is told to."""

    def __init__(self, is_up: bool) -> None:
        self.prepared = is_up

    def is_up(self) -> bool:
        return self.prepared

    def prepare(self) -> Iterator[Step]:
        if not self.prepared:
            yield Step("start the region", self._start)

    def environ(self) -> dict[str, str]:
        return {}

    def packages(self, _: object) -> None:
        return None


class Made(Fleet):
    """A fleet that notes what it is told, and is as it was told to be."""

    def __init__(self, folder: Path, is_up: bool) -> None:
        super().__init__("lab", folder, Region(is_up))  # type: ignore[arg-type]
        self.outputs_of_terraform: dict[str, Any] = {"hosts": {"puppet": {}}} if is_up else {}
        self.terraform = SimpleNamespace(  # type: ignore[assignment]
            init=lambda: None,
            outputs=lambda: self.outputs_of_terraform,
            plan=lambda **_: terraform.Plan(Path(), {}, {}),
            apply=lambda _: self.outputs_of_terraform.update(hosts={"puppet": {}}),
            change=lambda *_: self.outputs_of_terraform.update(hosts={"puppet": {}}),
        )
        self.converged: list[str] = []

    def _terraform(self, _: object) -> Any:
        return SimpleNamespace(check=lambda: None)

    def publish(self, _: bool = True) -> str:
        self._published = "0123456"
        return self._published

    def _nothing(self, *_: Any, **__: Any) -> None: ...

    _ensure_passwords = _keep_ca = wait_for_hosts = wait_for_site = _nothing
    _begin = _settle = _nothing

    def hosts(self) -> list[Host]:
        return []

    def _has_current_image(self) -> bool:
        return False

    def image(self) -> None:
        return None


@pytest.mark.parametrize("is_up", [False, True])
@pytest.mark.parametrize("from_image", [False, True])
@pytest.mark.parametrize("agree", [None, lambda _plan: None], ids=["at once", "asked"])
def test_a_dry_run_names_every_step_of_the_real_run(
    is_up: bool,
    from_image: bool,
    agree: Callable[[object], None] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = ("wait_for_first_runs", "restore_web_groups")
    for name in ("keep_web_hosts", "replace_web_hosts", *waits):
        monkeypatch.setattr(rollout, name, lambda *_: None)
    monkeypatch.setattr(packer, "steps", lambda *_: iter([Step("build", lambda: None)]))
    real = Made(tmp_path, is_up)
    turns = [Step(f"converge {name}", partial(real.converged.append, name)) for name in "ab"]
    monkeypatch.setattr(rollout, "steps", lambda *_: iter(turns))
    taken = []
    for step in real.deploy(agree, from_image):
        step.do()
        taken.append(step.text)
    dry = [step.text for step in Made(tmp_path, is_up).deploy(agree, from_image)]
    assert dry == taken
    assert any("ask Terraform" in text for text in dry) == (agree is not None)
    assert real.converged == ["a", "b"]
    assert [text for text in dry if text.startswith(("converge", "give web hosts"))]
