"""The variant `single`: one zone, one web host, no balancer; by Terraform's variables alone."""

from collections import Counter
from pathlib import Path

import pytest
import requests
from fleets import Fab, deployed

pytestmark = pytest.mark.slow


def test_the_single_variant_answers(fab: Fab, state: Path) -> None:
    with deployed("lab-single", fab, state) as fleet:
        roles = Counter(host.role for host in fleet.hosts())
        assert roles["web"] == roles["database"] == 1
        assert len({host.zone for host in fleet.hosts()}) == 1
        assert "balancer_dns_name" not in fleet.terraform.outputs()  # Terraform names no null
        assert requests.get(f"{fleet.urls()['site']}/readyz", timeout=5).ok
        assert not fleet.plan().changes
