"""A bucket that takes connections and never answers."""

import socket
from collections.abc import Iterator

import pytest

from airaware.errors import AirAwareError
from airaware.raw import rawstore, s3
from airaware.store.backup import BucketCopies


@pytest.fixture(autouse=True)
def silent_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    short = {"read_timeout": 0.1, "retries": {"total_max_attempts": 2}}
    monkeypatch.setattr(s3, "DEADLINES", s3.DEADLINES | short)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield


def test_it_is_given_up_by_an_error_that_names_the_setting() -> None:
    with pytest.raises(AirAwareError, match=r"Read timeout.*AIRAWARE_RAW"):
        rawstore.open("s3://bucket/raw").names()
    with pytest.raises(AirAwareError, match=r"Read timeout.*AIRAWARE_BACKUP"):
        BucketCopies("s3://bucket/backup").loads()
