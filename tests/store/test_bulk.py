"""Where files of years in bulk lie: the same behaviour of a folder and of a bucket."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from airaware.errors import AirAwareError
from airaware.store import bulk
from airaware.store.bulk import BulkFile, Store

CONTENT = b"zip_code\n00601\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = BulkFile("0123456789ab", SHA256, bulk.ZIP_CODES, 44201, 2017, "-12", bulk.CSV, len(CONTENT))


@pytest.fixture(params=["folder", "bucket"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    if request.param == "folder":
        yield bulk.open(str(tmp_path / "bulk"))
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="region")
        boto3.client("s3").put_object(Bucket="region", Key="bulk/README", Body=b"not one of ours")
        yield bulk.open("s3://region/bulk")


def test_a_file_is_listed_read_and_deleted(store: Store) -> None:
    other = FILE._replace(checksum="7", places=bulk.COUNTIES)
    assert store.files() == []
    for file in (FILE, other):
        store.put(file, CONTENT)
    assert set(store.files()) == {FILE, other}
    assert store.read(FILE) == CONTENT
    store.delete(FILE)
    assert store.files() == [other]
    assert store.read(FILE) is None


def test_a_damaged_file_is_refused(store: Store) -> None:
    store.put(FILE, b"others")
    with pytest.raises(AirAwareError, match=r"_44201_2017_-12\.csv is damaged"):
        store.read(FILE)


@pytest.mark.parametrize(
    "key",
    [
        "", "README", f"../{FILE.key}", FILE.key.upper(), FILE.key.replace("zip_codes", "cities"),
        FILE.key.replace("csv", "exe"), f"{FILE.key}\n", FILE.key.replace("/", "//"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_no_file(key: str) -> None:
    assert bulk.parsed(FILE.key, len(CONTENT)) == FILE
    assert bulk.parsed(key) is None


def test_a_place_that_is_none_is_named() -> None:
    for url in ("http://127.0.0.1/", "s3://", "s3://region", "s3://region/"):
        with pytest.raises(AirAwareError, match="AIRAWARE_BULK"):
            bulk.open(url)
