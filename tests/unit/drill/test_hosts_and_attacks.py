"""What drills expect of web hosts that hang or are attacked."""

from dataclasses import replace

import pytest

from tools.drill import host_expectations
from tools.drill.attackers import KINDS, NOT_CONNECTED, Attack
from tools.drill.observations import Observations
from tools.drill.visitors import RESOLVING, Visit
from tools.drill.world import Sample
from tools.machine.checkout import CHECKOUT

A, B = "zone-a", "zone-b"
CROWD, FLOOD, HEADS = list(KINDS)[:3]


def sample(at: float, members: str, ill: str = "") -> Sample:
    """Hosts are letters; those before the space are zone A's."""
    by_zone = dict(zip((A, B), map(frozenset, members.split()), strict=True))
    states = {host: "unhealthy" if host in ill else "healthy" for host in members.replace(" ", "")}
    wanted = {A: 1, B: 2}
    return Sample(at, wanted, wanted, states, wanted, by_zone)


def observations(*samples: Sample) -> Observations:
    observed = Observations(B, 0.0, breaking=10, injected=20, returned=300)
    observed.samples = [sample(5, "a b"), *samples]
    observed.notes = {"hung": ["b", "a"]}
    return observed


BEGIN = (sample(20, "a bc"), sample(30, "a bc", "ab"), sample(140, "a bc", "ab"))


@pytest.mark.parametrize(
    ("samples", "met"),
    [
        ((sample(145, "x bc", "bx"), sample(165, "x bc", "b"), sample(175, "x cy", "y")), True),
        (
            (
                *(sample(145, "x bc", "bx"), sample(165, "x bc", "b"), sample(175, "x cy", "y")),
                sample(310, "x c"),
            ),
            True,
        ),
        ((sample(145, "x bc", "bx"), sample(175, "x cy", "xy")), False),
        ((sample(145, "x cy", "xy"),), False),
        ((sample(145, "a cy", "ay"), sample(165, "a cy", "a"), sample(175, "x cy", "x")), False),
        ((sample(145, "x bc", "bx"), sample(165, "x bc", "b")), False),
        ((sample(145, "x bc", "bx"), sample(165, "x bc", "b"), sample(290, "x cy", "y")), False),
        ((sample(145, "x bc", "bx"), sample(165, "x bc", "b"), sample(175, "x yz", "yz")), False),
        ((), False),
    ],
    ids=[
        "well",
        "given up afterwards",
        "soon",
        "both",
        "order",
        "one",
        "late",
        "another, too",
        "none",
    ],
)
def test_hosts_that_hang_are_replaced_one_by_one(samples: tuple[Sample, ...], met: bool) -> None:
    finding = host_expectations.replaced_one_by_one(240)(observations(*BEGIN, *samples))
    assert finding.met == met, finding.measured


def test_without_a_host_that_hangs_nothing_is_met() -> None:
    observed = observations(*BEGIN)
    observed.notes = {}
    assert host_expectations.replaced_one_by_one(240)(observed).met is False


@pytest.mark.parametrize(("ill", "met"), [("", True), ("c", True), ("a", False)])
def test_whoever_served_before_stays_in_service(ill: str, met: bool) -> None:
    observed = observations(sample(20, "a bc", ill))
    assert host_expectations.stays_in_service()(observed).met == met


@pytest.mark.parametrize(
    ("notes", "met"), [({"seconds": 12.0}, True), ({"seconds": 16.0}, False), ({}, False)]
)
def test_a_worker_is_replaced_in_time(notes: dict[str, float], met: bool) -> None:
    observed = observations()
    observed.notes = notes
    assert host_expectations.healed(15)(observed).met == met


def attacked(*attacks: Attack) -> Observations:
    """Each attack lasts for 20 s; a visit each second takes 10 ms before, and 15 ms then."""
    observed = Observations(B, 0.0, breaking=20, injected=20, returned=200, attacks=list(attacks))
    for second in range(200):
        seconds = 0.01 if second < 20 else 0.015
        observed.visits.append(Visit(second, seconds, True, RESOLVING, "", status=200))
    return observed


SCHOOL = Attack(CROWD, 20, 40, {"200": 860})
REFUSED = Attack(FLOOD, 40, 60, {"200": 1600, "429": 3400})
HELD = Attack(HEADS, 60, 80, {"408": 300, "": 100})


@pytest.mark.parametrize(
    ("attacks", "met"),
    [
        ((SCHOOL, REFUSED, HELD), True),
        ((SCHOOL, replace(REFUSED, statuses={"200": 5000})), False),
        ((replace(SCHOOL, statuses={"200": 799, "429": 1}), REFUSED), False),
        ((replace(HELD, statuses={"429": 1}), REFUSED), False),
        ((SCHOOL,), False),
    ],
    ids=["well", "flood", "crowd", "others", "no flood"],
)
def test_one_address_that_asks_for_too_much_is_refused(
    attacks: tuple[Attack, ...], met: bool
) -> None:
    assert host_expectations.who_asks_too_much_is_refused()(attacked(*attacks)).met == met


@pytest.mark.parametrize(
    ("attacks", "met"),
    [
        ((SCHOOL, REFUSED, HELD), True),
        ((SCHOOL, REFUSED, replace(HELD, statuses={})), False),
        ((SCHOOL, REFUSED, replace(HELD, statuses={NOT_CONNECTED: 400})), False),
        ((), False),
    ],
    ids=["well", "nobody", "refused", "none"],
)
def test_attackers_that_never_came_prove_nothing(attacks: tuple[Attack, ...], met: bool) -> None:
    finding = host_expectations.attackers_come()(attacked(*attacks))
    assert finding.met == met, finding.measured


@pytest.mark.parametrize(("due", "met"), [(39, False), (40, True), (49, True), (50, False)])
def test_a_flood_may_cost_visitors_something_until_it_is_refused(due: int, met: bool) -> None:
    observed = attacked(SCHOOL, REFUSED, HELD)
    observed.visits[due] = replace(observed.visits[due], ok=False, status=503)
    assert host_expectations.none_fails_but_for_a_flood()(observed).met == met


def test_web_hosts_count_for_as_long_as_that() -> None:
    data = (CHECKOUT / "hieradata" / "role" / "web.yaml").read_text()
    seconds = host_expectations.LIMIT_SECONDS
    assert f"profile::web_proxy::client_seconds: {seconds}\n" in data


def test_visitors_are_not_refused_for_others() -> None:
    observed = attacked(SCHOOL, REFUSED)
    observed.visits[50] = replace(observed.visits[50], ok=False, status=429)
    assert host_expectations.who_asks_too_much_is_refused()(observed).met is False


@pytest.mark.parametrize(
    ("slow", "met"), [((), True), (range(40, 60), True), (range(60, 80), False)]
)
def test_visitors_hardly_wait_longer_in_an_attack(slow: range, met: bool) -> None:
    """The flood, of 40 to 60 s, may slow them until it is refused."""
    observed = attacked(SCHOOL, REFUSED, HELD)
    for second in slow:
        observed.visits[second] = replace(observed.visits[second], seconds=0.021)
    finding = host_expectations.attacks_hardly_slow_visitors()(observed)
    assert finding.met == met
    assert finding.measured.startswith("10 ms before; ")


def test_without_an_attack_nothing_is_met() -> None:
    assert host_expectations.attacks_hardly_slow_visitors()(attacked()).met is False
