"""EPA's own files of Chicago in 2013: on this machine, on a Spark cluster, and on the site."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import chicago
import pyspark
import pytest
from jobs import OZONE, Submits, forget_all

from airaware import settings
from airaware.science.accuracy import Residuals, errors
from airaware.science.leave_one_out import leave_one_out, month_sums
from airaware.settings import Zone
from airaware.store import queries, stations
from airaware.store.manifest import held
from airaware.store.zones import Reader
from airaware.web import create_app
from tools.environments.local import DRIVER_JAVA, Local
from tools.machine.postgres import HOST, free_port

PM25 = 88101
YEAR = 2013
WORKERS = ("worker-1", "worker-2")
STOP_SECONDS = 20


@pytest.fixture(scope="module")
def loaded(
    submits: Submits,
    real_epa: Path,
    zones: tuple[Zone, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[int, tuple[Decimal, ...]]:
    """The year on this machine: the checksums of its parameters, zone by zone."""
    folder = tmp_path_factory.mktemp("bulk")
    status, said = submits.run(real_epa, str(YEAR), environ={"AIRAWARE_BULK": str(folder)})
    assert status == 0
    # Of each parameter all ZIP codes and all counties, as Parquet and as CSV.
    assert len(list(folder.glob("*/*/airaware_*"))) == 8
    assert said.count(": in bulk: zip_codes.parquet ") == 2
    assert "145,284 rows read; excluded by rule: none; rejected as bad: none; 23 stations" in said
    return checksums(zones)


def checksums(zones: tuple[Zone, ...]) -> dict[int, tuple[Decimal, ...]]:
    """Each parameter's checksums in the zones, having checked that the tables have them."""
    found = {
        parameter: [held(zone, parameter, YEAR) for zone in zones] for parameter in (OZONE, PM25)
    }
    assert all(year and year.whole for years in found.values() for year in years)
    return {
        parameter: tuple(year.checksum for year in years if year)
        for parameter, years in found.items()
    }


def test_both_zones_hold_the_same(loaded):
    for first, second in loaded.values():
        assert first == second


@pytest.mark.usefixtures("loaded")
def test_the_site_answers_with_twelve_months(reader_zones, monkeypatch):
    monkeypatch.setenv(
        "AIRAWARE_ZONES", "; ".join(f"{zone.name}={zone.dsn}" for zone in reader_zones)
    )
    client = create_app(settings.read()).test_client()
    answer = client.get("/api/v1/air?address=60614").get_json()
    assert answer["year"] == YEAR
    assert answer["synthetic"] is False
    months = {found["parameter"]: found["months"] for found in answer["pollutants"]}
    for parameter in (OZONE, PM25):
        assert [month["month"] for month in months[parameter]] == list(range(1, 13))
        assert all(month["hourly_mean"] is not None for month in months[parameter])


@pytest.mark.usefixtures("loaded")
def test_the_page_opens_with_the_index_of_an_independent_calculation(
    reader_zones, real_epa, monkeypatch
):
    """60614: 148 Good, 216 Moderate, 1 Unhealthy for Sensitive Groups; 288 days of PM2.5."""
    monkeypatch.setenv(
        "AIRAWARE_ZONES", "; ".join(f"{zone.name}={zone.dsn}" for zone in reader_zones)
    )
    client = create_app(settings.read()).test_client()
    found = client.get(f"/api/v1/air?address=60614&year={YEAR}&figures=point").get_json()
    ozone, pm25 = chicago.indices(*chicago.ozone_and_pm25(real_epa))
    aqi = found["daily_aqi"]
    assert {day["date"]: day["aqi"] for day in aqi["by_day"]} == {
        day.isoformat(): max(ozone.get(day, -1), pm25.get(day, -1)) for day in chicago.every_day()
    }
    assert [days for days in aqi["aqi_days"].values() if days] == [148, 216, 1]
    leads = {each["name"]: (each["leads"], each["ties"]) for each in aqi["pollutants"]}
    assert leads == {"ozone": (73, 4), "PM2.5": (288, 4)}
    page = client.get(f"/air?address=60614&year={YEAR}").text
    assert "Good on 148 days, Moderate on 216 and Unhealthy for Sensitive Groups on 1." in page
    assert found["against_standards"]["pm25"]["annual_mean"] == pytest.approx(11.05, abs=0.01)
    assert found["against_standards"]["ozone"]["fourth_highest"] == 63


@pytest.mark.slow
def test_a_spark_cluster_computes_the_same(loaded, submits, real_epa, zones, region, tmp_path):
    for zone in zones:
        forget_all(zone)
    with spark_cluster(region, tmp_path) as master:
        local = {"SPARK_LOCAL_IP": HOST}
        status, _ = submits.run(real_epa, str(YEAR), master=master, environ=local)
    assert status == 0
    assert checksums(zones) == loaded
    # The tasks ran in both workers: each has made a folder for its executor.
    assert all(list((tmp_path / worker).glob("app-*/*")) for worker in WORKERS)


@contextmanager
def spark_cluster(region: Local, folder: Path) -> Iterator[str]:
    """A standalone Spark cluster of WORKERS on the loopback interface; its address."""
    spark_class = Path(pyspark.__file__).parent / "bin" / "spark-class"
    port = free_port()
    master = f"spark://{HOST}:{port}"
    with ExitStack() as stack:

        def start(name: str, role: str, *arguments: str) -> None:
            log = stack.enter_context((folder / f"{name}.log").open("w"))
            process = subprocess.Popen(
                [
                    *(str(spark_class), f"org.apache.spark.deploy.{role.lower()}.{role}"),
                    *("--host", HOST, "--webui-port", "0", *arguments),
                ],
                env=region.submit_environ("local") | {"SPARK_DAEMON_JAVA_OPTS": DRIVER_JAVA},
                stdout=log,
                stderr=log,
            )
            stack.callback(stop, process)

        start("master", "Master", "--port", str(port))
        for worker in WORKERS:
            work = ("--work-dir", str(folder / worker))
            start(worker, "Worker", "--cores", "1", "--memory", "1g", *work, master)
        yield master


def stop(process: subprocess.Popen) -> None:
    """End the process, and with a worker its executors."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    finally:
        process.kill()


@pytest.mark.usefixtures("loaded")
def test_the_errors_kept_are_those_of_the_stations_in_the_store(
    reader_zones: tuple[Zone, ...],
) -> None:
    """What was summed up in the tasks comes out again of what the store gives back."""
    for parameter in (OZONE, PM25):
        kept = {
            (r.month, r.quantity, r.from_miles): r
            for r in queries.residuals(Reader(reader_zones), parameter, YEAR)
        }
        months = list(stations.months(reader_zones[1], parameter, YEAR))
        assert [month.month for month in months] == list(range(1, 13))
        found = [
            Residuals(number, quantity.decode(), *rest)
            for m in months
            for number, quantity, *rest in month_sums(
                m.month, leave_one_out(m.latitude, m.longitude, m.hours, m.daily, m.offsets)
            ).tolist()
        ]
        assert len(found) == len(kept)
        for r in found:
            expected = kept[r.month, r.quantity, r.from_miles]
            assert (r.observed, r.estimated) == (expected.observed, expected.estimated)
            # The store's hours are single precision.
            assert errors([r]).rmse == pytest.approx(errors([expected]).rmse, rel=1e-4)
            assert errors([r]).bias == pytest.approx(errors([expected]).bias, rel=1e-4, abs=1e-6)
