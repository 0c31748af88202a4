"""The raw store: the same behaviour of a folder and of a bucket on moto's server."""

import errno
import hashlib
import os
import re
import subprocess
import time
from datetime import UTC, datetime

import boto3
import pytest
from moto.server import ThreadedMotoServer
from promtool import CHECKOUT

from airaware.errors import AirAwareError
from airaware.raw import rawstore

NAME = "hourly_44201_2017.zip"
SEPTEMBER_2001_SECONDS = 1_000_000_000.25


@pytest.fixture(scope="module")
def s3_endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint, monkeypatch, tmp_path):
    for name, value in {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    resource = boto3.resource("s3").Bucket("epa-data")
    resource.create()
    yield resource
    resource.objects.delete()
    resource.delete()


@pytest.fixture(params=["folder", "bucket", "prefix"])
def store(request, tmp_path):
    if request.param == "folder":
        return rawstore.open(str(tmp_path / "raw"))
    request.getfixturevalue("bucket")
    return rawstore.open("s3://epa-data" + ("/some/where" if request.param == "prefix" else ""))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "download"
    path.write_bytes(b"zip" * 5_000_000)  # S3 takes it in several parts.
    os.utime(path, (SEPTEMBER_2001_SECONDS, SEPTEMBER_2001_SECONDS))
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_stores_a_file_with_its_checksum_size_and_time(store, file):
    assert not store.exists(NAME)
    assert store.names() == []

    store.put(NAME, file, sha256(file))

    assert store.exists(NAME)
    assert store.names() == [NAME]
    assert store.sha256(NAME) == sha256(file)
    assert store.size(NAME) == file.stat().st_size
    assert store.modified_seconds(NAME) == pytest.approx(SEPTEMBER_2001_SECONDS, abs=1e-3)
    with store.local(NAME) as path:
        assert path.name == NAME
        assert path.read_bytes() == file.read_bytes()


def test_replaces_a_file(store, file):
    store.put(NAME, file, sha256(file))
    file.write_bytes(b"another")
    store.put(NAME, file, sha256(file))
    assert store.sha256(NAME) == sha256(file)
    with store.local(NAME) as path:
        assert path.read_bytes() == b"another"


def test_a_replaced_file_is_kept_and_can_come_back(store, file):
    first = sha256(file)
    store.put(NAME, file, first)
    store.put(NAME, file, first)  # the same again replaces nothing
    assert [(each.sha256, each.current) for each in store.kept(NAME)] == [(first, True)]
    file.write_bytes(b"another")
    second = sha256(file)
    store.put(NAME, file, second)
    kept = store.kept(NAME)
    assert [(each.sha256, each.current) for each in kept] == [(first, False), (second, True)]
    assert kept[0].modified_seconds == pytest.approx(SEPTEMBER_2001_SECONDS, abs=1e-3)
    assert kept[1].modified_seconds > kept[0].modified_seconds
    assert store.names() == [NAME]
    with store.version(NAME, first) as path:
        store.put(NAME, path, first)
    assert store.sha256(NAME) == first
    assert [(each.sha256, each.current) for each in store.kept(NAME)] == [
        (first, True),
        (second, False),
    ]
    absent = store.version(NAME, "0" * 64)
    with pytest.raises(AirAwareError, match="no version"), absent:
        pass


def test_a_version_is_forgotten_after_its_time(tmp_path, file):
    store = rawstore.FolderStore(tmp_path / "raw")
    for content in (b"first", b"second", b"third"):
        file.write_bytes(content)
        store.put(NAME, file, sha256(file))
        for folder in store.folder.glob(f"{rawstore.REPLACED}/*"):
            long_ago = time.time() - (rawstore.KEEP_DAYS + 1) * 86400
            os.utime(folder, (long_ago, long_ago))
    assert len(store.kept(NAME)) == 2


def test_a_bucket_forgets_a_version_after_the_same_time():
    text = (CHECKOUT / "terraform" / "modules" / "bucket" / "main.tf").read_text()
    rule = text.partition(f'prefix = "raw/{rawstore.REPLACED}/"')[2]
    assert re.search(r"days = (\d+)", rule)[1] == str(rawstore.KEEP_DAYS)


def test_an_absent_file_is_a_persons_error(store):
    for ask in (store.sha256, store.size, store.modified_seconds):
        with pytest.raises(AirAwareError, match=f"has no {NAME}. Fetch it"):
            ask(NAME)
    with pytest.raises(AirAwareError, match=f"has no {NAME}. Fetch it"), store.local(NAME):
        pass


def test_the_folders_checksum_is_sha256sums(tmp_path, file):
    store = rawstore.open(str(tmp_path / "raw"))
    store.put(NAME, file, sha256(file))
    check = ["sha256sum", "--check", "--strict", f"{NAME}.sha256"]
    subprocess.run(check, cwd=store.folder, capture_output=True, check=True)


def test_a_file_put_by_hand_has_a_checksum_too(tmp_path, bucket, file):
    (tmp_path / NAME).write_bytes(file.read_bytes())
    bucket.upload_file(str(file), NAME)
    for url in (str(tmp_path), "s3://epa-data"):
        assert rawstore.open(url).sha256(NAME) == sha256(file)


def test_a_copy_that_differs_never_gets_its_name(tmp_path, file):
    store = rawstore.open(str(tmp_path / "raw"))
    with pytest.raises(AirAwareError, match="damaged or changed"):
        store.put(NAME, file, "0" * 64)
    assert list(store.folder.iterdir()) == []


def test_an_interrupted_put_leaves_the_old_file(tmp_path, file, monkeypatch):
    store = rawstore.open(str(tmp_path / "raw"))
    store.put(NAME, file, sha256(file))
    before = sha256(file)
    file.write_bytes(b"another")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.put(NAME, file, sha256(file))
    with store.local(NAME) as path:
        assert sha256(path) == before
    assert store.sha256(NAME) == before
    assert store.names() == [NAME]


@pytest.mark.usefixtures("bucket")
def test_a_damaged_object_is_not_handed_out(file):
    store = rawstore.open("s3://epa-data")
    store.put(NAME, file, "0" * 64)
    with pytest.raises(AirAwareError, match="damaged or changed"), store.local(NAME):
        pass


@pytest.mark.usefixtures("bucket")
def test_a_missing_bucket_is_named():
    with pytest.raises(AirAwareError, match=r"s3://nowhere.*AIRAWARE_RAW"):
        rawstore.open("s3://nowhere").exists(NAME)


@pytest.mark.parametrize("url", ["gs://bucket", "s3://", "https://example.org/raw"])
def test_other_addresses_are_refused(url):
    with pytest.raises(AirAwareError, match="AIRAWARE_RAW"):
        rawstore.open(url)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, file):
    (tmp_path / "raw").write_text("a file")
    with pytest.raises(AirAwareError, match=f"Cannot store {NAME} in {tmp_path}"):
        rawstore.open(str(tmp_path / "raw")).put(NAME, file, sha256(file))


def test_a_full_disk_is_named_with_its_remedy(tmp_path, file, monkeypatch):
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", f"{tmp_path}/raw/{NAME}")

    monkeypatch.setattr(rawstore.shutil, "copy2", fill)
    with pytest.raises(AirAwareError, match=f"Cannot store {NAME} in .*: the disk is full.*room"):
        rawstore.open(f"{tmp_path}/raw").put(NAME, file, sha256(file))
    assert not list(tmp_path.glob("raw/*"))


def test_a_changed_bit_of_a_stored_file_is_seen(store, file):
    store.put(NAME, file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert store.whole(NAME)
    changed = b"zip" * 4_999_999 + b"zig"
    if isinstance(store, rawstore.FolderStore):
        (store.folder / NAME).write_bytes(changed)
    else:
        key = store._client.head_object(Bucket=store.bucket, Key=store.prefix + NAME)
        store._client.put_object(
            Bucket=store.bucket, Key=store.prefix + NAME, Body=changed, Metadata=key["Metadata"]
        )
    assert not store.whole(NAME)


def test_a_file_that_was_put_by_hand_counts_as_whole(tmp_path):
    folder = rawstore.FolderStore(tmp_path)
    (tmp_path / NAME).write_bytes(b"zip")
    assert folder.whole(NAME)


def test_exactly_one_version_is_read(store, file):
    store.put(NAME, file, sha256(file))
    exact = store.exact(NAME)
    assert exact.sha256 == sha256(file)
    assert exact.date == f"{datetime.fromtimestamp(file.stat().st_mtime, UTC):%Y-%m-%d}"
    with store.reading(exact) as path:
        assert path.name == NAME
        assert path.read_bytes() == file.read_bytes()
        read = path.read_bytes()
        file.write_bytes(b"another")
        store.put(NAME, file, sha256(file))
        assert path.read_bytes() == read
    assert store.exact(NAME) != exact
    with pytest.raises(rawstore.DamagedError, match="submit the year again"), store.reading(exact):
        pass


@pytest.mark.usefixtures("s3_endpoint", "bucket")
def test_a_bucket_that_keeps_versions_gives_the_one_that_was_named(file):
    versioned = boto3.resource("s3").Bucket("epa-versions")
    versioned.create()
    try:
        versioned.Versioning().enable()
        store = rawstore.open("s3://epa-versions")
        store.put(NAME, file, sha256(file))
        exact, read = store.exact(NAME), file.read_bytes()
        file.write_bytes(b"another")
        store.put(NAME, file, sha256(file))
        with store.reading(exact) as path:
            assert path.read_bytes() == read
        assert store.exact(NAME).version not in ("", exact.version)
        # The same bytes again are another version all the same.
        assert store.exact(NAME).sha256 == sha256(file)
    finally:
        versioned.object_versions.delete()
        versioned.delete()
