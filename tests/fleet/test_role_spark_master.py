"""The role spark_master: it has all the workers."""

import json

import pytest
from inspected import Inspected, inspected

from tools.environments.fleet import Fleet

STATE = (
    "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/json/').read().decode())"
)


@pytest.fixture(scope="module")
def master(fleet: Fleet) -> Inspected:
    (host,) = inspected(fleet, "spark_master")
    return host


def test_services_and_ports(master: Inspected) -> None:
    assert master.active("spark-master")
    assert master.ports() == {22, 7077, 8080, 9100}
    assert "Master" in master.root.check_output("ps -ww -u airaware -o args")


def test_every_worker_has_registered(fleet: Fleet, master: Inspected) -> None:
    state = json.loads(master.root.check_output("python3 -c %s", STATE))
    assert state["status"] == "ALIVE"
    alive = [worker for worker in state["workers"] if worker["state"] == "ALIVE"]
    assert len(alive) == len(inspected(fleet, "spark_worker"))


def test_versions(master: Inspected) -> None:
    assert '"17.' in master.root.run("java -version").stderr
    assert master.package("pyspark").startswith("4.")


def test_it_has_no_secret(master: Inspected) -> None:
    assert not master.root.file("/etc/airaware/passwords").exists
