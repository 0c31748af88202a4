"""The raw store: EPA's zips as they came, whole and checked. A folder, or a bucket.

A file appears under its name only when all of it is there, and its SHA-256 with it: in a folder as
NAME.sha256 (`sha256sum --check` reads it), in a bucket as metadata of the object.

A zip that another replaces is kept for KEEP_DAYS as replaced/SHA256/NAME.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from airaware.errors import AirAwareError, explained
from airaware.raw import s3


def open(url: str) -> "Store":
    """Open the store at `url`: a folder's path, or s3://bucket or s3://bucket/prefix.

    S3 takes boto3's own configuration: credentials, AWS_REGION, AWS_ENDPOINT_URL.
    """
    if "://" not in url:
        return FolderStore(Path(url))
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise AirAwareError(f"AIRAWARE_RAW: '{url}' is neither a folder nor s3://BUCKET/PREFIX")
    return S3Store(parts.netloc, parts.path.strip("/"))


REPLACED = "replaced"
KEEP_DAYS = 400  # EPA publishes twice a year: a file is kept until there are two newer ones


@dataclass(frozen=True)
class Kept:
    """A version of a file: its SHA-256 in hex, when it was changed at its source, if it counts."""

    sha256: str
    modified_seconds: float
    current: bool


@dataclass(frozen=True)
class Exact:
    """One version of a stored file: its bytes' SHA-256 in hex, and the object's version in S3.

    modified_seconds: when it was changed at its source, since 1970; no part of what tells versions
    apart.
    """

    name: str
    sha256: str
    version: str = ""
    modified_seconds: float = field(default=0, compare=False)

    @property
    def date(self) -> str:
        """The day on which it was changed at its source, as 2014-06-12 (UTC)."""
        return f"{datetime.fromtimestamp(self.modified_seconds, UTC):%Y-%m-%d}"


FETCH_AGAIN = "Fetch it again: `fab fetch-year YEAR --refresh`."
SUBMIT_AGAIN = f"{FETCH_AGAIN} If it was replaced while its year was loaded, submit the year again."


def _absent(place: str, name: str) -> AirAwareError:
    return AirAwareError(f"{place} has no {name}. Fetch it: `fab fetch-year YEAR`.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _by_date(versions: Iterable[Kept]) -> list[Kept]:
    """Order versions by their dates at the source; of equal bytes the last counts."""
    found = {version.sha256: version for version in versions}
    return sorted(found.values(), key=lambda version: version.modified_seconds)


def _modified(head: dict[str, Any]) -> float:
    """Return when an S3 object's file was changed at its source, in seconds since 1970."""
    return float(head["Metadata"].get("modified", head["LastModified"].timestamp()))


def _no_version(name: str, sha256: str) -> AirAwareError:
    return AirAwareError(f"{name}: no version {sha256} is kept. `fab vintages YEAR` lists them.")


class DamagedError(AirAwareError):
    """A copy that is not, byte for byte, what it was made from."""


def _check(path: Path, sha256: str, name: str, remedy: str) -> None:
    if _digest(path) != sha256:
        raise DamagedError(f"{name}: its SHA-256 is not {sha256}: damaged or changed. {remedy}")


@contextmanager
def _temporary(name: str) -> Iterator[Path]:
    """Give a path of that name in a folder of its own, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="airaware-") as folder:
        yield Path(folder) / name


@contextmanager
def replacing(path: Path, folder: Path) -> Iterator[Path]:
    """Give a path in `folder` to write to; rename it to `path` once it is on the disk."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=folder)
    copy = Path(temporary)
    try:
        yield copy
        copy.chmod(0o644)
        os.fsync(handle)
        copy.replace(path)
        parent = os.open(path.parent, os.O_RDONLY)
        os.fsync(parent)
        os.close(parent)
    finally:
        os.close(handle)
        copy.unlink(missing_ok=True)


class FolderStore:
    """Files in one folder, made when the first comes."""

    def __init__(self, folder: Path) -> None:
        """Keep files in this folder."""
        self.folder = folder

    def __str__(self) -> str:
        """Return where the store is."""
        return str(self.folder)

    def names(self) -> list[str]:
        """Return the sorted names of the zips."""
        return sorted(path.name for path in self.folder.glob("*.zip"))

    def exists(self, name: str) -> bool:
        """Whether the file is there, whole."""
        return (self.folder / name).is_file()

    def put(self, name: str, path: Path, sha256: str) -> None:
        """Store a copy of `path`, whose SHA-256 was found to be `sha256`, in one step.

        The copy keeps the file's time of modification. Raises AirAwareError where the copy differs.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            checksum = self.folder / f"{name}.sha256"
            with replacing(self.folder / name, self.folder) as copy:
                shutil.copy2(path, copy)
                _check(copy, sha256, name, "Try again.")
                self._keep(name, sha256)
                # Between the two renames: no checksum rather than another file's.
                checksum.unlink(missing_ok=True)
            with replacing(self.folder / checksum.name, self.folder) as copy:
                copy.write_text(f"{sha256}  {name}\n")
        except OSError as error:
            raise AirAwareError(
                f"Cannot store {name} in {self.folder}: {explained(error)}"
            ) from None

    def _keep(self, name: str, newer: str) -> None:
        """Keep the zip that is to be replaced, and forget those that were kept long enough."""
        path, folder = self.folder / name, self.folder / REPLACED
        if name.endswith(".zip") and path.is_file() and (sha256 := _digest(path)) != newer:
            (folder / sha256).mkdir(parents=True, exist_ok=True)
            kept = folder / sha256 / name
            kept.unlink(missing_ok=True)
            kept.hardlink_to(path)
            os.utime(folder / sha256)  # since when it is kept
        for each in folder.glob("*"):
            if time.time() - each.stat().st_mtime > KEEP_DAYS * 86400:
                shutil.rmtree(each)

    def kept(self, name: str) -> list[Kept]:
        """Return the versions of a zip that are there, by their dates at the source."""
        paths = [*self.folder.glob(f"{REPLACED}/*/{name}"), *self.folder.glob(name)]
        return _by_date(
            Kept(_digest(path), path.stat().st_mtime, path.parent == self.folder) for path in paths
        )

    @contextmanager
    def version(self, name: str, sha256: str) -> Iterator[Path]:
        """Give a version of a zip that `kept` lists. Raises AirAwareError where it is not there."""
        for path in (self.folder / REPLACED / sha256 / name, self.folder / name):
            if path.is_file() and _digest(path) == sha256:
                yield path
                return
        raise _no_version(name, sha256)

    def sha256(self, name: str) -> str:
        """Return the file's SHA-256 in hex, as recorded when it came, or else computed now."""
        with self.local(name) as path:
            return self._recorded(name) or _digest(path)

    def _recorded(self, name: str) -> str | None:
        with suppress(FileNotFoundError, IndexError):
            return (self.folder / f"{name}.sha256").read_text().split()[0]
        return None

    def whole(self, name: str) -> bool:
        """Return whether the stored bytes have the SHA-256 that was recorded, if there is one."""
        with self.local(name) as path:
            return self._recorded(name) in (None, _digest(path))

    def size(self, name: str) -> int:
        """Return the file's size in bytes."""
        with self.local(name) as path:
            return path.stat().st_size

    def modified_seconds(self, name: str) -> float:
        """When the file was last changed at its source, in seconds since 1970."""
        with self.local(name) as path:
            return path.stat().st_mtime

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Give the file itself, to read. Raises AirAwareError where it is absent."""
        if not self.exists(name):
            raise _absent(str(self), name)
        yield self.folder / name

    def exact(self, name: str) -> Exact:
        """Return which version of the file is there. Raises AirAwareError where it is absent."""
        with self.local(name) as path:
            return Exact(name, _digest(path), modified_seconds=path.stat().st_mtime)

    @contextmanager
    def reading(self, file: Exact) -> Iterator[Path]:
        """Give a copy of exactly this version, which no replacement reaches.

        Raises DamagedError where the folder has other bytes by now.
        """
        with self.local(file.name) as path, _temporary(file.name) as copy:
            shutil.copyfile(path, copy)
            _check(copy, file.sha256, file.name, SUBMIT_AGAIN)
            yield copy


class S3Store:
    """Objects under one prefix of a bucket."""

    def __init__(self, bucket: str, prefix: str = "", client: Any = None) -> None:
        """`client`: boto3's for S3, where its own configuration does not lead to the bucket."""
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self._client = client or s3.client()

    def __str__(self) -> str:
        """Return where the store is."""
        return f"s3://{self.bucket}/{self.prefix}"

    def names(self) -> list[str]:
        """Return the sorted names of the zips."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._explained("list the files"):
            keys = [
                item["Key"].removeprefix(self.prefix)
                for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix)
                for item in page.get("Contents", [])
            ]
        return sorted(key for key in keys if key.endswith(".zip") and "/" not in key)

    def exists(self, name: str) -> bool:
        """Whether the object is there; S3 shows an upload only when it is whole."""
        return self._head(name) is not None

    def put(self, name: str, path: Path, sha256: str) -> None:
        """Store a copy of `path`, whose SHA-256 was found to be `sha256`, in one step.

        The object remembers the file's time of modification as well.
        """
        metadata = {"sha256": sha256, "modified": repr(path.stat().st_mtime)}
        self._keep(name, sha256)
        with self._explained(f"store {name}"):
            self._client.upload_file(
                str(path), self.bucket, self.prefix + name, ExtraArgs={"Metadata": metadata}
            )

    def _keep(self, name: str, newer: str) -> None:
        """Keep the zip that is to be replaced; the bucket's lifecycle forgets it."""
        if not name.endswith(".zip") or not self.exists(name):
            return
        sha256 = self.sha256(name)
        if sha256 != newer:
            with self._explained(f"keep the {name} that is replaced"):
                # In one request, which takes the metadata along; boto3's own copy() does not.
                self._client.copy_object(
                    Bucket=self.bucket,
                    Key=f"{self.prefix}{REPLACED}/{sha256}/{name}",
                    CopySource={"Bucket": self.bucket, "Key": self.prefix + name},
                )

    def kept(self, name: str) -> list[Kept]:
        """Return the versions of a zip that are there, by their dates at the source."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._explained(f"list the versions of {name}"):
            keys = [
                item["Key"].removeprefix(self.prefix)
                for page in pages.paginate(Bucket=self.bucket, Prefix=f"{self.prefix}{REPLACED}/")
                for item in page.get("Contents", [])
            ]
        replaced = [key for key in keys if key.endswith(f"/{name}")]
        there = [*replaced, *([name] if self.exists(name) else [])]
        return _by_date(
            Kept(self.sha256(key), self.modified_seconds(key), key == name) for key in there
        )

    @contextmanager
    def version(self, name: str, sha256: str) -> Iterator[Path]:
        """Give a version of a zip that `kept` lists. Raises AirAwareError where it is not there."""
        for key in (f"{REPLACED}/{sha256}/{name}", name):
            if self.exists(key) and self.sha256(key) == sha256:
                with self.local(key) as path:
                    yield path
                return
        raise _no_version(name, sha256)

    def sha256(self, name: str) -> str:
        """Return the file's SHA-256 in hex, as recorded when it came, or else computed now."""
        recorded = self._known(name)["Metadata"].get("sha256")
        if recorded:
            return str(recorded)
        with self.local(name) as path:
            return _digest(path)

    def size(self, name: str) -> int:
        """Return the file's size in bytes."""
        return int(self._known(name)["ContentLength"])

    def modified_seconds(self, name: str) -> float:
        """When the file was last changed at its source, in seconds since 1970."""
        return _modified(self._known(name))

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Give a checked local copy, with the file's time, while the context lasts.

        Raises AirAwareError where it is absent.
        """
        head = self._known(name)
        with self._downloaded(name) as path:
            if recorded := head["Metadata"].get("sha256"):
                _check(path, recorded, f"{self}{name}", FETCH_AGAIN)
            os.utime(path, (_modified(head), _modified(head)))
            yield path

    def exact(self, name: str) -> Exact:
        """Return which version of the file is there. Raises AirAwareError where it is absent."""
        head = self._known(name)
        version = head.get("VersionId", "")
        if recorded := head["Metadata"].get("sha256"):
            return Exact(name, recorded, version, _modified(head))
        with self._downloaded(name, version) as path:
            return Exact(name, _digest(path), version, _modified(head))

    @contextmanager
    def reading(self, file: Exact) -> Iterator[Path]:
        """Give a copy of exactly this version, also where another has taken its name since.

        Raises DamagedError where its bytes are others: the bucket keeps no versions, or the object
        is not what it was recorded as.
        """
        with self._downloaded(file.name, file.version) as path:
            _check(path, file.sha256, f"{self}{file.name}", SUBMIT_AGAIN)
            yield path

    @contextmanager
    def _downloaded(self, name: str, version: str = "") -> Iterator[Path]:
        which = {"VersionId": version} if version else None
        with _temporary(Path(name).name) as path:
            with self._explained(f"read {name}"):
                self._client.download_file(
                    self.bucket, self.prefix + name, str(path), ExtraArgs=which
                )
            yield path

    def whole(self, name: str) -> bool:
        """Return whether the stored bytes have the SHA-256 that was recorded, if there is one."""
        try:
            with self.local(name):
                return True
        except DamagedError:
            return False

    def _known(self, name: str) -> dict[str, Any]:
        head = self._head(name)
        if head is None:
            raise _absent(str(self), name)
        return head

    def _head(self, name: str) -> dict[str, Any] | None:
        """Return the object's metadata, or None if there is no such object."""
        with self._explained(f"look for {name}"):
            try:
                head: dict[str, Any] = self._client.head_object(
                    Bucket=self.bucket, Key=self.prefix + name
                )
                return head
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                    raise
        self._bucket_is_there()
        return None

    def _bucket_is_there(self) -> None:
        """Raise AirAwareError for a missing bucket, which answers like a missing object."""
        with self._explained("open the bucket"):
            self._client.head_bucket(Bucket=self.bucket)

    def _explained(self, what: str) -> AbstractContextManager[None]:
        return s3.explained(f"{what} in {self}", "AIRAWARE_RAW")


Store = FolderStore | S3Store
