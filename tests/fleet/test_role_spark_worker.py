"""The role spark_worker: runs the job's tasks, reads the bucket, loads the databases."""

import pytest
from inspected import Inspected, inspected

from tools.environments.fleet import Fleet

LOADS = """
from airaware import settings, store
for zone in settings.read().zones:
    with store.connect(zone) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user, has_schema_privilege('staging', 'CREATE')")
        print(zone.name, *cursor.fetchone())
"""


@pytest.fixture(scope="module")
def workers(fleet: Fleet) -> list[Inspected]:
    return inspected(fleet, "spark_worker")


def test_services_and_ports(workers: list[Inspected]) -> None:
    for host in workers:
        assert host.active("spark-worker"), host
        # 7079 only while a job runs.
        assert host.ports() - {7079} == {22, 7080, 8081, 9100}, host
        assert "Worker" in host.root.check_output("ps -ww -u airaware -o args"), host


def test_it_loads_every_zone(fleet: Fleet, workers: list[Inspected]) -> None:
    zones = sorted(host.instance.zone for host in inspected(fleet, "database"))
    for host in workers:
        lines = sorted(host.python(LOADS).splitlines())
        assert lines == [f"{zone} airaware_owner True" for zone in zones], host


def test_it_reads_the_bucket(workers: list[Inspected]) -> None:
    imports = "from airaware import settings; from airaware.raw import rawstore"
    code = f"{imports}; rawstore.open(settings.read().raw).names()"
    for host in workers:
        assert host.python(f"{code}\nprint('read')") == "read", host


def test_versions(workers: list[Inspected]) -> None:
    for host in workers:
        assert '"17.' in host.root.run("java -version").stderr, host
        assert host.package("pyspark").startswith("4."), host


def test_folders_are_sparks_own(workers: list[Inspected]) -> None:
    for host in workers:
        for folder in ("/var/lib/spark", "/var/lib/spark/work", "/var/log/spark/events"):
            user, _, mode = host.owned(folder)
            assert (user, mode) == ("airaware", 0o750), (host, folder)
