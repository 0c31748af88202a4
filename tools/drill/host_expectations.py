"""Expectations of web hosts that hang, and of malicious clients."""

import math
from collections.abc import Callable

from tools.drill.attackers import KINDS
from tools.drill.expectations import failed, in_time, p99_of_a_second, seconds_text
from tools.drill.model import Expectation, Finding
from tools.drill.observations import Observations
from tools.drill.world import Sample

LIMIT_SECONDS = 10  # in which web hosts count what an address asks (profile::web_proxy)


def stays_in_service() -> Expectation:
    """Expect the load balancer to have whoever served before in service all the time."""

    def judge(observed: Observations) -> Finding:
        samples = [s for s in observed.samples if (observed.breaking or 0) <= s.at]
        lacking = sum(bool(observed.missing(sample)) for sample in samples)
        return Finding(
            "no web host leaves service",
            bool(observed.in_service_before()) and not lacking,
            f"one was out at {lacking} of {len(samples)} looks",
        )

    return judge


def healed(within_seconds: float) -> Expectation:
    """Expect what the drill's action has waited for, in time."""
    return lambda observed: in_time(
        "another worker takes the place of the one that hangs",
        observed.notes.get("seconds"),
        within_seconds,
    )


def replaced_one_by_one(within_seconds: float) -> Expectation:
    """Expect hosts that hang to be replaced in the order of their ids, each once all is well."""

    def judge(observed: Observations) -> Finding:
        hung = sorted(observed.notes.get("hung", ()))
        lefts = [observed.first_sample(observed.since_fault(0), _lacks(id_)) for id_ in hung]
        left = [seconds for seconds in lefts if seconds is not None]
        # At the last look before a host leaves, all others but those that hang serve.
        ready = all(
            sample.in_service >= _members(sample) - {*hung}
            and all(len(sample.members[zone]) == sample.wanted[zone] for zone in sample.members)
            for seconds in left
            for sample in [s for s in observed.samples if s.at < observed.since_fault(seconds)][-1:]
        )
        # Afterwards the zone gives a host up: it is as small as before again.
        looks = [s for s in observed.samples if s.at < (observed.returned or math.inf)]
        others = frozenset().union(*map(_members, looks)) - _members(looks[-1]) - {*hung}
        return Finding(
            f"hosts that hang are replaced one by one within {within_seconds:g} s, lowest id first",
            len(left) == len(hung) > 0
            and left == sorted(set(left))
            and ready
            and not others
            and max(left) <= within_seconds,
            ", ".join(f"{id_} {seconds_text(at)}" for id_, at in zip(hung, lefts, strict=True))
            + ("" if ready else "; another was not yet in service")
            + "".join(f"; {id_}, too" for id_ in sorted(others)),
        )

    return judge


def none_fails_but_for_a_flood() -> Expectation:
    """Expect that no visitor fails, but while one address has not yet asked for too much."""

    def judge(observed: Observations) -> Finding:
        floods = [each.began for each in observed.attacks if KINDS[each.kind].limited]
        asked = [
            visit
            for visit in observed.visits
            if not any(began <= visit.due < began + LIMIT_SECONDS for began in floods)
        ]
        return failed(asked, f"no visitor fails, but in the first {LIMIT_SECONDS} s of a flood")

    return judge


def attackers_come(share: float = 0.75) -> Expectation:
    """Expect most of the attackers to get a connection; otherwise surviving them proves nothing."""

    def judge(observed: Observations) -> Finding:
        wanted = {
            each.kind: KINDS[each.kind].rate * (each.ended - each.began)
            for each in observed.attacks
        }
        return Finding(
            f"at least {share:.0%} of the attackers get a connection",
            bool(wanted)
            and all(each.connections >= share * wanted[each.kind] for each in observed.attacks),
            ", ".join(
                f"{each.connections} of {wanted[each.kind]:.0f} {each.kind}"
                for each in observed.attacks
            )
            or "no attack",
        )

    return judge


def attacks_hardly_slow_visitors() -> Expectation:
    """Expect the visitors' p99 at most to double in each attack, but for those of one address.

    It compares medians of the p99 of each second, as for a zone that is lost.
    """

    def judge(observed: Observations) -> Finding:
        before = p99_of_a_second(observed.before)
        during = {
            attack.kind: p99_of_a_second(observed.due(attack.began, attack.ended))
            for attack in observed.attacks
            if KINDS[attack.kind].limited is None
        }
        text = ", ".join(f"{1000 * (p99 or 0):.0f} ms with {kind}" for kind, p99 in during.items())
        return Finding(
            "visitors' p99 is at most doubled in each attack",
            before is not None
            and bool(during)
            and all(p99 is not None and p99 <= 2 * before for p99 in during.values()),
            f"{1000 * (before or 0):.0f} ms before; {text or 'no attack'}",
        )

    return judge


def who_asks_too_much_is_refused() -> Expectation:
    """Expect 429 for one address that asks for too much, and for nobody else."""

    def judge(observed: Observations) -> Finding:
        got = {attack.kind: attack.statuses.get("429", 0) for attack in observed.attacks}
        limited = [refused > 0 for kind, refused in got.items() if KINDS[kind].limited]
        others = [refused for kind, refused in got.items() if not KINDS[kind].limited]
        visitors = sum(visit.status == 429 for visit in observed.visits)
        return Finding(
            "one address that asks for too much gets 429, and nobody else",
            bool(limited) and all(limited) and not visitors and not any(others),
            "; ".join(
                f"{attack.kind}: {got[attack.kind]} of {sum(attack.statuses.values())}"
                for attack in observed.attacks
            )
            + f"; visitors: {visitors}",
        )

    return judge


def _lacks(instance_id: str) -> Callable[[Sample], bool]:
    return lambda sample: instance_id not in _members(sample)


def _members(sample: Sample) -> frozenset[str]:
    return frozenset[str]().union(*sample.members.values())
