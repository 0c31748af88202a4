"""The year in bulk: files of all ZIP codes and of all counties, a Parquet and a CSV of each load.

A file's key is EDITION/SHA256/NAME: the name says the load's checksum, the edition what else
decides the content (`airaware.job.bulk`). So no file is ever changed, and a listing says all about
it. They lie in a folder, or under a prefix of a bucket.
"""

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from airaware.errors import AirAwareError, explained
from airaware.raw import s3
from airaware.raw.rawstore import replacing

ZIP_CODES, COUNTIES = PLACES = ("zip_codes", "counties")
PARQUET, CSV = SUFFIXES = ("parquet", "csv")
_KEY = re.compile(
    r"(?P<edition>[0-9a-f]{12})/(?P<sha256>[0-9a-f]{64})/(?P<name>airaware_(?P<places>[a-z_]+)"
    r"_(?P<parameter>\d{5})_(?P<year>\d{4})_(?P<checksum>-?\d+)\.(?P<suffix>[a-z]+))"
)


class BulkFile(NamedTuple):
    """A file: what it holds, of which load (by its checksum), and its bytes' SHA-256 in hex."""

    edition: str
    sha256: str
    places: str
    parameter: int
    year: int
    checksum: str
    suffix: str
    size: int = 0

    @property
    def name(self) -> str:
        """Return the name that a reader keeps it under."""
        of = f"{self.parameter}_{self.year}_{self.checksum}"
        return f"airaware_{self.places}_{of}.{self.suffix}"

    @property
    def key(self) -> str:
        """Return where it lies."""
        return f"{self.edition}/{self.sha256}/{self.name}"


def parsed(key: str, size: int = 0) -> BulkFile | None:
    """Return the file of a key; None where it is none."""
    found = _KEY.fullmatch(key)
    if not found or found["places"] not in PLACES or found["suffix"] not in SUFFIXES:
        return None
    return BulkFile(
        found["edition"],
        found["sha256"],
        found["places"],
        int(found["parameter"]),
        int(found["year"]),
        found["checksum"],
        found["suffix"],
        size,
    )


def open(url: str) -> "Store":
    """Open the store at `url`: a folder's path, or s3://BUCKET/PREFIX. Raises AirAwareError."""
    if "://" not in url:
        return FolderStore(Path(url))
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
        raise AirAwareError(f"AIRAWARE_BULK: '{url}' is neither a folder nor s3://BUCKET/PREFIX")
    return BucketStore(parts.netloc, parts.path.strip("/"))


def _whole(file: BulkFile, content: bytes) -> bytes:
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise AirAwareError(f"{file.key} is damaged. Delete it, and submit the year again.")
    return content


class FolderStore:
    """Files in a folder, made when the first comes."""

    def __init__(self, folder: Path) -> None:
        """Keep files in this folder."""
        self._folder = folder

    def files(self) -> list[BulkFile]:
        """Return all files, by key."""
        paths = sorted(self._folder.glob("*/*/*"))
        return _files((str(each.relative_to(self._folder)), each.stat().st_size) for each in paths)

    def read(self, file: BulkFile) -> bytes | None:
        """Return a file's bytes, None where it is not there. Raises AirAwareError where damaged."""
        with suppress(FileNotFoundError):
            return _whole(file, (self._folder / file.key).read_bytes())
        return None

    def put(self, file: BulkFile, content: bytes) -> None:
        """Store a file, in one step. Raises AirAwareError where that cannot be done."""
        path = self._folder / file.key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path, self._folder) as copy:
                copy.write_bytes(content)
        except OSError as error:
            raise AirAwareError(f"Cannot store {path}: {explained(error)}") from None

    def delete(self, file: BulkFile) -> None:
        """Delete a file."""
        path = self._folder / file.key
        path.unlink(missing_ok=True)
        with suppress(OSError):  # others may lie there
            path.parent.rmdir()
            path.parent.parent.rmdir()


class BucketStore:
    """Objects under a prefix of a bucket."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Keep objects under this prefix."""
        self._bucket, self._prefix = bucket, f"{prefix}/"
        self._client = s3.client()

    def files(self) -> list[BulkFile]:
        """Return all files, by key. Raises AirAwareError where the bucket cannot be listed."""
        pages = self._client.get_paginator("list_objects_v2")
        with s3.explained("list the files of years in bulk", "AIRAWARE_BULK"):
            return _files(
                (item["Key"].removeprefix(self._prefix), item["Size"])
                for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix)
                for item in page.get("Contents", [])
            )

    def read(self, file: BulkFile) -> bytes | None:
        """Return a file's bytes, None where it is not there.

        Raises AirAwareError where it is damaged, or the bucket cannot be read.
        """
        with s3.explained(f"read {file.name}", "AIRAWARE_BULK"):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + file.key)
                content: bytes = found["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchKey":
                    raise
                return None
        return _whole(file, content)

    def put(self, file: BulkFile, content: bytes) -> None:
        """Store a file, in one step. Raises AirAwareError where that cannot be done."""
        with s3.explained(f"store {file.name}", "AIRAWARE_BULK"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + file.key, Body=content)

    def delete(self, file: BulkFile) -> None:
        """Delete a file. Raises AirAwareError where that cannot be done."""
        with s3.explained(f"delete {file.name}", "AIRAWARE_BULK"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + file.key)


Store = FolderStore | BucketStore


def _files(keys: Iterable[tuple[str, int]]) -> list[BulkFile]:
    return [file for key, size in keys if (file := parsed(key, size))]
