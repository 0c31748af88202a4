"""What the lab's balancer makes of HAProxy's checks."""

from tools.lab.net.balancer import HEALTHY, INITIAL, verdict

REFUSED = {"status": "DOWN", "check_status": "L7STS", "check_code": "503"}
UNDER_WAY = {"status": "DOWN", "check_status": "* L7STS", "check_code": "0"}


def test_a_check_under_way_leaves_what_the_one_before_has_found() -> None:
    found = verdict(REFUSED, INITIAL)
    assert found.description == "Health checks failed with these codes: [503]"
    assert verdict(UNDER_WAY, found) == found
    assert verdict(UNDER_WAY, INITIAL) == INITIAL


def test_a_check_that_passes_ends_it() -> None:
    passed = {"status": "UP 1/2", "check_status": "* L7OK", "check_code": "204"}
    assert verdict(passed, verdict(REFUSED, INITIAL)) == HEALTHY
