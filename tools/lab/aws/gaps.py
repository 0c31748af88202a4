"""Patches of moto 5.2.5, where it differs from AWS and a fleet would notice.

A patch is a function in place of one of moto's, and gets moto's own as its first argument. The
patches of each AWS service are in a module of their own (`ec2_gaps.py` and so on), which registers
them when it is imported. tests/component/test_gaps.py shows for each that moto still needs it. What
acts on its own, such as launching the members of auto-scaling groups, is in scaling.py.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.lab.net.balancer import TargetHealth


@dataclass
class Observed:
    """What the lab sees of the machines behind the region; the daemon keeps it up to date.

    `hosts`: instance id -> starting, running, dead or stopped. `targets`: (target group's ARN,
    instance id, port) -> its health in the words of ELB's API.
    """

    hosts: dict[str, str] = field(default_factory=dict)
    targets: "dict[tuple[str, str, int], TargetHealth]" = field(default_factory=dict)

    def target_state(self, arn: str, target: dict[str, Any]) -> str:
        """Return a target's state as moto keeps it: initial until the balancer has said more."""
        health = self.targets.get((arn, target["Id"], int(target["Port"])))
        return health.state if health else "initial"


Original = Callable[..., Any]  # what a patch is in the place of
observed = Observed()  # moto's backends are the process's, and so is this
_patches: list[tuple[Any, str, Original]] = []


def fill() -> None:
    """Put all patches in place, once."""
    while _patches:
        owner, name, patch = _patches.pop()
        original = vars(owner).get(name)
        if isinstance(original, property):
            setattr(owner, name, property(functools.partial(patch, original.fget)))
        else:
            setattr(owner, name, _bound(patch, original))


def in_place_of(owner: Any, name: str) -> Callable[[Original], Original]:
    """Decorate a patch of what `owner` has under that name."""

    def note(patch: Original) -> Original:
        _patches.append((owner, name, patch))
        return patch

    return note


def _bound(patch: Original, original: Any) -> Original:
    """Return a plain function, so that it becomes a method where it is set on a class."""

    def method(*arguments: Any, **named: Any) -> Any:
        return patch(original, *arguments, **named)

    return method
