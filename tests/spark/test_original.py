"""The batch's kernel against the first AirAware's algorithm, on real rows and its own lattice."""

from collections.abc import Iterator

import numpy as np
import pytest
from jobs import OZONE
from pyspark.sql import SparkSession

from airaware.raw import epa
from airaware.science.interpolate import Points, mean_over_time, weights
from airaware.science.sphere import REACH_KM
from bench import original

YEAR, MONTH, DAYS = 2013, 7, 2


@pytest.fixture(scope="module")
def lattice() -> original.Lattice:
    return original.lattice()


@pytest.fixture
def spark(monkeypatch) -> Iterator[SparkSession]:
    """A Spark session in this process."""
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.getOrCreate()
    yield session
    session.stop()


def test_the_lattice_is_the_first_airawares(lattice):
    """67,353 points lie in its outlines; in finer ones, bays and islets make a hundredth."""
    print(f"{len(lattice[0]):,} points inside the US; with the original's outlines 67,353")
    assert len(lattice[0]) == pytest.approx(67_353, rel=0.015)


def test_monthly_means_agree(spark, lattice, real_epa):
    stations = original.stations_of(real_epa / epa.file_name(OZONE, YEAR), OZONE, YEAR, MONTH)
    rows = original.rows_of_days(stations, MONTH, DAYS)
    near = original.neighbours(rows, lattice)
    theirs = original.monthly_means(spark.sparkContext, rows, near).collectAsMap()

    ours = weights(Points(*lattice), Points(stations.latitude, stations.longitude))
    mean, hours = mean_over_time(ours.matrix, stations.hours_of_month[:, : 24 * DAYS])
    reached = (ours.nearest_km <= REACH_KM) & (hours > 0)
    assert reached.sum() > 100
    assert set(theirs) == {(point, MONTH) for point in ours.points[reached].tolist()}
    expected = [theirs[point, MONTH] for point in ours.points[reached].tolist()]
    np.testing.assert_allclose(mean[reached], expected, rtol=1e-5)
