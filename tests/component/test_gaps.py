"""moto's gaps: each is there without the lab's patch, and is filled by it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROBES = Path(__file__).with_name("probes.py")

# What AWS answers, and moto does not.
AWS = {
    "public_addresses_are_of_test_net_3": [True, True],
    "a_volume_is_as_large_as_its_image": "ok",
    "a_group_launches_with_a_volume_as_large_as_its_image": 1,
    "a_launch_that_fails_leaves_nothing": 0,
    "an_instance_without_a_public_address_has_no_association": True,
    "groups_of_an_interface_are_the_instances": ["web"],
    "a_rule_for_a_group_has_its_description": "why",
    "a_template_keeps_its_own_tags_to_itself": ["volume"],
    "dhcp_options_have_their_tags": ["tagged"],
    "starts_and_reboots_are_counted": 2,
    "a_dead_host_shows": ["initializing", "ok", "impaired"],
    "an_image_takes_its_time": ["pending", "IncorrectState"],
    "a_zone_with_a_network_is_private": True,
    "a_bucket_for_tls_alone_takes_an_object": "ok",
    "targets_have_the_health_that_the_balancer_sees": ["initial", "unhealthy", "draining", "gone"],
    "a_target_may_be_deregistered_twice": "ok",
    "a_balancer_has_an_interface_in_each_subnet": [2, 3, 0],
    "a_group_spreads_over_its_subnets": [2, 2],
    "members_are_as_the_template_says": [
        *("t3.small", "web", "required", "us-west-2.compute.internal", "web"),
    ],
    "any_version_of_a_template_has_user_data": ["I2EK", "I2EK"],
    "suspended_processes_rest": [1, 3],
    "an_unhealthy_member_is_replaced": True,
    "a_young_member_has_its_grace": ["Healthy", "Unhealthy"],
    "a_tracking_policy_has_two_alarms_while_it_is_there": [
        *(True, False, [[40.5, 10, 15], [45.0, 10, 3]], 0),
    ],
    "a_step_policy_is_executed": 7,
    "a_member_drains_before_it_is_terminated": ["draining", "running", "gone", "terminated"],
}
# What both answer, and the lab would not if it only left launches to its loop.
BOTH = {
    "a_new_least_size_moves_only_what_is_wanted": 3,
    "a_deleted_group_takes_its_members_along": ["terminated"],
}


def ask(whom: str) -> dict[str, Any]:
    """All answers of a process of its own: patches of this one would stay."""
    done = subprocess.run(
        [sys.executable, PROBES, whom],
        env=os.environ | {"PYTHONPATH": str(PROBES.parents[1])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def moto() -> dict[str, Any]:
    return ask("moto")


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return ask("lab")


@pytest.mark.parametrize("question", AWS)
def test_moto_needs_its_patch(question: str, moto: dict[str, Any]) -> None:
    assert moto[question] != AWS[question], "moto does it now: remove its patch"


@pytest.mark.parametrize("question", AWS | BOTH)
def test_the_lab_answers_as_aws(question: str, lab: dict[str, Any]) -> None:
    assert lab[question] == (AWS | BOTH)[question]


def test_every_answer_is_judged(lab: dict[str, Any]) -> None:
    assert lab.keys() == (AWS | BOTH).keys()
