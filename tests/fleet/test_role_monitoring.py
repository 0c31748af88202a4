"""The role monitoring: Prometheus sees every host."""

import json

import pytest
from inspected import Inspected, inspected
from wait import until

from tools.environments.fleet import Fleet

UP = "http://127.0.0.1:9090/api/v1/query?query=up%7Bjob%3D%22node%22%7D"
ASK = f"import urllib.request as u; print(u.urlopen({UP!r}).read().decode())"
DISCOVERY_SECONDS = 120


@pytest.fixture(scope="module")
def monitoring(fleet: Fleet) -> Inspected:
    (host,) = inspected(fleet, "monitoring")
    return host


def test_services_and_ports(monitoring: Inspected) -> None:
    assert monitoring.active("prometheus", "prometheus-alertmanager", "airaware-scaling")
    assert monitoring.ports() == {22, 3000, 9090, 9100}
    assert "prometheus" in monitoring.root.check_output("ps -ww -u prometheus -o args")


def test_it_sees_every_host(fleet: Fleet, monitoring: Inspected) -> None:
    def seen() -> bool:
        answer = json.loads(monitoring.root.check_output("python3 -c %s", ASK))
        up = [each for each in answer["data"]["result"] if each["value"][1] == "1"]
        return len(up) == len(inspected(fleet))

    until(seen, "every host's metrics", DISCOVERY_SECONDS, poll_seconds=3)


def test_its_data_are_its_own(monitoring: Inspected) -> None:
    assert monitoring.owned("/var/lib/prometheus")[0] == "prometheus"


def test_versions(monitoring: Inspected) -> None:
    assert "version 2." in monitoring.root.run("prometheus --version").stdout
