"""fab logs against a bucket: which journal is meant, and its last lines."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import boto3
import pytest
from moto import mock_aws

from airaware.errors import AirAwareError
from tools.fleet.hosts import Host
from tools.tasks import logs

BUCKET = "epa-data"
LIVING = [
    Host(
        *("web-a-1111", "web", "us-west-2a", "i-1111", IPv4Address("10.20.0.9"), "running"),
        launched_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
]


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        for key, text in {
            "web/i-1111/i-1111/20261124T100000.000000Z.gz": "one\ntwo\n",
            "web/i-1111/i-1111/20261124T100500.000000Z.gz": "three\n",
            "database/database-a/i-old/20261123T100000.000000Z.gz": "of the first\n",
            "database/database-a/i-new/20261124T110000.000000Z.gz": "of the second\n",
        }.items():
            client.put_object(Bucket=BUCKET, Key=f"logs/{key}", Body=gzip.compress(text.encode()))
        yield client


def told(s3, host: str, lines: int = 200) -> list[list[str]]:
    found = logs.meant(logs.journals(s3, BUCKET), LIVING, host)
    return [logs.tail(s3, BUCKET, each, lines) for each in found]


@pytest.mark.parametrize("host", ["web-a-1111", "i-1111", "10.20.0.9"])
def test_a_host_that_runs_by_any_of_its_names(s3, host: str) -> None:
    assert told(s3, host) == [["one", "two", "three"]]


def test_all_hosts_that_had_a_name_the_latest_at_the_end(s3) -> None:
    assert told(s3, "database-a") == [["of the first"], ["of the second"]]
    assert told(s3, "i-old") == [["of the first"]]


@pytest.mark.parametrize(("lines", "last"), [(1, ["three"]), (2, ["two", "three"])])
def test_the_last_lines_over_several_objects(s3, lines: int, last: list[str]) -> None:
    assert told(s3, "i-1111", lines) == [last]


def test_all_lines(s3) -> None:
    assert told(s3, "i-1111", 0) == [["one", "two", "three"]]


def test_an_unknown_host(s3) -> None:
    with pytest.raises(AirAwareError, match="no journal of 'nobody'"):
        told(s3, "nobody")
