"""The role controller: nothing listens there until a job runs; the main job is one command."""

import pytest
from inspected import Inspected, inspected

from tools.environments.fleet import Fleet


@pytest.fixture(scope="module")
def controller(fleet: Fleet) -> Inspected:
    (host,) = inspected(fleet, "controller")
    return host


def test_it_listens_for_its_operator_alone(controller: Inspected) -> None:
    assert controller.ports() == {22, 9100}


def test_the_main_job_is_a_command(controller: Inspected) -> None:
    assert controller.owned("/usr/local/bin/airaware-batch") == ("root", "root", 0o755)
    help_text = controller.root.check_output(
        "runuser -u airaware -- env SPARK_CONF_DIR=/etc/spark /usr/local/bin/airaware-batch --help"
    )
    assert "--years" in help_text


def test_its_spark_is_the_fleets(fleet: Fleet, controller: Inspected) -> None:
    defaults = controller.root.file("/etc/spark/spark-defaults.conf").content_string
    master = f"spark.master spark://spark-master.{fleet.domain()}:7077"
    assert master in defaults.splitlines()
    assert "password" not in defaults.lower()


def test_versions(controller: Inspected) -> None:
    assert '"17.' in controller.root.run("java -version").stderr
    assert controller.package("pyspark").startswith("4.")


def test_a_job_may_read_its_settings_and_nobody_else_the_password(controller: Inspected) -> None:
    assert controller.owned("/etc/airaware/passwords")[0::2] == ("airaware", 0o600)
    settings = controller.root.file("/etc/airaware/settings")
    assert "airaware_owner" in settings.content_string
    assert "sslmode=verify-full" in settings.content_string
