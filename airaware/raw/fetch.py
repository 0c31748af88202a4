"""Bring a year's hourly files from EPA, or from a mirror, into the raw store.

The source (AIRAWARE_EPA_URL) is an http(s) address, a folder, or s3://BUCKET/PREFIX. A download
that breaks off resumes where it stopped, also in a later run; a file reaches the raw store only
when it is whole and what its name says.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from airaware.errors import AirAwareError, explained
from airaware.raw import edges, epa, rawstore
from airaware.science.pollutants import DEFAULT_PARAMETERS, get
from airaware.settings import Settings

CONNECT_SECONDS = 10
READ_SECONDS = 60
# A source that cannot be reached at all is given up sooner than one that is busy: 1 + 2 s.
RETRIES = Retry(
    total=5, connect=2, backoff_factor=1, status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
)  # fmt: skip
# Connections that break off in a row without one byte gained.
FRUITLESS_TRIES = 3
# A connection that breaks off loses the chunk under way: small ones.
CHUNK_BYTES = 1 << 14

Progress = Callable[[str, int, int], None]


class SourceUnreachableError(AirAwareError):
    """No connection to the source: the network's fault, not the file's."""


@dataclass(frozen=True)
class FileReport:
    """What became of one file; `error` says why it failed.

    fetched, or kept as it was; no rows: fetched, with a header only; absent: not at the source.
    """

    name: str
    status: Literal["fetched", "kept", "no rows", "absent", "failed"]
    size: int = 0
    sha256: str = ""
    error: str = ""


@dataclass(frozen=True)
class FetchReport:
    """What became of a year's files, in the order in which they were asked for."""

    year: int
    files: tuple[FileReport, ...]


class FilesFailedError(AirAwareError):
    """Some files failed; `report` has all of them."""

    def __init__(self, report: FetchReport) -> None:
        """Say what went wrong with each file, and keep the whole report."""
        failed = [file for file in report.files if file.status == "failed"]
        super().__init__("\n".join(file.error for file in failed))
        self.report = report


class Source(Protocol):
    """Where files come from."""

    def get(self, name: str, newer_than: float | None, progress: Progress) -> Path | None:
        """Give a local, unchecked copy of the file, with the source's time of modification.

        None where the source's file has not changed since `newer_than` (seconds since 1970).
        Raises AbsentError where the source has no such file.
        """

    def discard(self, name: str) -> None:
        """Forget the copy: it is stored, or was no good."""


class AbsentError(Exception):
    """The source has no such file."""


def fetch_year(
    settings: Settings,
    year: int,
    parameters: list[int] | None = None,
    refresh: bool = False,
    progress: Progress = lambda *_: None,
    store: rawstore.Store | None = None,
) -> FetchReport:
    """Bring the year's files of the parameters (None: the defaults) into the raw store.

    The store is `store`, or if there is none the one that the settings name.

    Files that the store has are kept. With `refresh` the source is asked whether it has newer ones,
    and files whose bytes are not those that were stored are fetched whole. A default file that the
    source does not have is reported as absent. A file that fails does not keep the others from
    being fetched. Raises FilesFailedError at the end where a file is not what it should be, or was
    named and is absent; AirAwareError where none of the defaults is there; SourceUnreachableError
    at once where there is no way to the source. `progress` is called with the file's name, bytes so
    far, and all bytes (0 where the source does not say).
    """
    store = store or rawstore.open(settings.raw)
    source = _source(settings.epa_url, store)
    files = []
    for parameter in parameters or DEFAULT_PARAMETERS:
        try:
            file = _fetch(source, store, parameter, year, refresh, progress)
            if parameters and file.status == "absent":
                raise AirAwareError(f"{settings.epa_url} has no {file.name}. {_choice(parameter)}")
        except SourceUnreachableError:
            raise
        except AirAwareError as error:
            file = FileReport(epa.file_name(parameter, year), "failed", error=str(error))
        files.append(file)
    if all(file.status == "absent" for file in files):
        names = ", ".join(file.name for file in files)
        raise AirAwareError(
            f"{settings.epa_url} has none of {names}. Choose another year, or another source"
            " by AIRAWARE_EPA_URL."
        )
    report = FetchReport(year, tuple(files))
    if any(file.status == "failed" for file in files):
        raise FilesFailedError(report)
    return report


def _choice(parameter: int) -> str:
    pollutant = get(parameter)
    return (
        f"Choose another year (EPA's hourly files of {pollutant.label} begin in"
        f" {pollutant.first_year}), or another source by AIRAWARE_EPA_URL."
    )


def _fetch(
    source: Source,
    store: rawstore.Store,
    parameter: int,
    year: int,
    refresh: bool,
    progress: Progress,
) -> FileReport:
    name = epa.file_name(parameter, year)
    stored = store.exists(name)
    if stored and not refresh:
        return _kept(store, parameter, year)
    if year < get(parameter).first_year:
        return FileReport(name, "absent")
    whole = stored and store.whole(name)
    try:
        path = source.get(name, store.modified_seconds(name) if whole else None, progress)
    except AbsentError:
        if stored and not whole:
            raise AirAwareError(
                f"{name} is damaged in {store}, and the source has no such file. Name another"
                " source by AIRAWARE_EPA_URL."
            ) from None
        return _kept(store, parameter, year) if stored else FileReport(name, "absent")
    if path is None:
        return _kept(store, parameter, year)
    try:
        info = epa.check_file(path, parameter, year)
    except epa.BadFileError as error:
        source.discard(name)
        raise AirAwareError(
            f"{name}: {error.why}. Nothing was stored. If it came broken, `fab fetch-year {year}`"
            " once more helps; if the source has it so, name another one by AIRAWARE_EPA_URL."
        ) from None
    store.put(name, path, info.sha256)
    edges.make(store, parameter, year, path)
    source.discard(name)
    return FileReport(name, "fetched" if info.has_rows else "no rows", info.size, info.sha256)


def _kept(store: rawstore.Store, parameter: int, year: int) -> FileReport:
    """Report a file that the store keeps, once its edges are there as well."""
    name = epa.file_name(parameter, year)
    edges.ensure(store, parameter, year)
    return FileReport(name, "kept", store.size(name), store.sha256(name))


def _source(url: str, store: rawstore.Store) -> Source:
    if url.startswith(("http://", "https://")):
        return HttpSource(url, _partial_folder(store))
    if url.startswith("file://"):
        return FolderSource(Path(unquote(urlsplit(url).path)))
    if url.startswith("s3://"):
        return BucketSource(rawstore.open(url), _partial_folder(store) / "mirror")
    if "://" in url:
        raise AirAwareError(
            f"AIRAWARE_EPA_URL: '{url}' is neither a folder, nor an http address, nor"
            " s3://BUCKET/PREFIX"
        )
    return FolderSource(Path(url))


def _partial_folder(store: rawstore.Store) -> Path:
    """Where unfinished downloads wait: beside a raw folder, or in the account's cache."""
    if isinstance(store, rawstore.FolderStore):
        return store.folder.parent / "partial"
    return Path.home() / ".cache" / "airaware" / "partial"


class FolderSource:
    """A mirror in a folder. Its files are stored from where they lie."""

    def __init__(self, folder: Path) -> None:
        """Read from a folder of EPA's files."""
        if not folder.is_dir():
            raise AirAwareError(f"AIRAWARE_EPA_URL: there is no folder {folder}")
        self.folder = folder

    def get(self, name: str, newer_than: float | None, progress: Progress) -> Path | None:
        """As Source.get."""
        path = self.folder / name
        if not path.is_file():
            raise AbsentError
        status = path.stat()
        if newer_than is not None and status.st_mtime <= newer_than:
            return None
        progress(name, status.st_size, status.st_size)
        return path

    def discard(self, name: str) -> None:
        """Nothing to forget: the file is the mirror's."""


class BucketSource:
    """A mirror in a bucket. Copies of its files wait in `folder` until they are stored."""

    def __init__(self, mirror: rawstore.Store, folder: Path) -> None:
        """Copy from a bucket's prefix; `folder` has the copies."""
        self.folder = folder
        self._mirror = mirror

    def get(self, name: str, newer_than: float | None, progress: Progress) -> Path | None:
        """As Source.get."""
        if not self._mirror.exists(name):
            raise AbsentError
        if newer_than is not None and self._mirror.modified_seconds(name) <= newer_than:
            return None
        copy = self.folder / name
        with self._mirror.local(name) as path:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy)
            except OSError as error:
                raise AirAwareError(f"Cannot write {copy}: {explained(error)}") from None
        progress(name, _size(copy), _size(copy))
        return copy

    def discard(self, name: str) -> None:
        """As Source.discard."""
        (self.folder / name).unlink(missing_ok=True)


class HttpSource:
    """EPA's site, or a mirror's. Unfinished downloads wait in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        """Download from a URL; `folder` keeps unfinished downloads."""
        self.url = url
        self.folder = folder
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=RETRIES))

    def get(self, name: str, newer_than: float | None, progress: Progress) -> Path | None:
        """As Source.get; takes up an unfinished download where the source's file is the same."""
        path, most_bytes, fruitless = self.folder / name, _size(self.folder / name), 0
        while fruitless < FRUITLESS_TRIES:
            with self._ask(name, newer_than) as response:
                if response.status_code == requests.codes.not_modified:
                    return None
                if self._receive(response, path, progress):
                    _set_modified(path, response.headers.get("Last-Modified", ""))
                    return path
            fruitless = 0 if _size(path) > most_bytes else fruitless + 1
            most_bytes = max(most_bytes, _size(path))
        raise AirAwareError(
            f"{self.url}/{name} broke off {FRUITLESS_TRIES} times after {most_bytes:,} bytes."
            " Try again later: it goes on where it stopped."
        )

    def discard(self, name: str) -> None:
        """As Source.discard."""
        (self.folder / name).unlink(missing_ok=True)
        self._version(name).unlink(missing_ok=True)

    def _version(self, name: str) -> Path:
        """Says which version of which address an unfinished download is of."""
        return self.folder / f"{name}.version"

    def _ask(self, name: str, newer_than: float | None) -> requests.Response:
        """Ask the source for the whole file, its rest, or whether it has changed."""
        address = f"{self.url}/{name}"
        headers = {"Accept-Encoding": "identity"}  # Ranges and lengths count the zip's own bytes.
        if have := self._resumable(name):
            headers |= {"Range": f"bytes={_size(self.folder / name)}-", "If-Range": have}
        elif newer_than is not None:
            headers["If-Modified-Since"] = formatdate(newer_than, usegmt=True)
        try:
            response = self._session.get(
                address, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise SourceUnreachableError(
                f"{address} cannot be reached ({_reason(error)}). Check the network, or name a"
                " mirror or a folder by AIRAWARE_EPA_URL."
            ) from None
        # With a netrc file, requests lets urlsplit's ValueError of a broken URL through.
        except (requests.RequestException, ValueError) as error:
            raise AirAwareError(f"{address}: {error}. Check AIRAWARE_EPA_URL.") from None
        if have and not _goes_on(response, _size(self.folder / name)):
            response.close()
            self.discard(name)
            return self._ask(name, newer_than)
        _check_answer(response, address)
        return response

    def _resumable(self, name: str) -> str:
        """Return the version of the unfinished download; empty if there is none to resume."""
        if not _size(self.folder / name) or not self._version(name).is_file():
            return ""
        address, _, version = self._version(name).read_text().partition("\n")
        return version if address == f"{self.url}/{name}" else ""

    def _receive(self, response: requests.Response, path: Path, progress: Progress) -> bool:
        """Write the answer's body to `path`; whether all of it came."""
        resumed = response.status_code == requests.codes.partial_content
        done = _size(path) if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not resumed:
                self.discard(path.name)
                self._version(path.name).write_text(f"{self.url}/{path.name}\n{_tag(response)}")
            with path.open("ab") as file:
                for chunk in response.iter_content(CHUNK_BYTES):
                    file.write(chunk)
                    done += len(chunk)
                    progress(path.name, done, total)
        except requests.RequestException:
            return False
        except OSError as error:
            raise AirAwareError(f"Cannot write {path}: {explained(error)}") from None
        return not total or done == total


def _goes_on(response: requests.Response, begin: int) -> bool:
    """Whether the answer to a request from byte `begin` on is of use: from there, or the whole."""
    if response.status_code == requests.codes.partial_content:
        return response.headers.get("Content-Range", "").startswith(f"bytes {begin}-")
    return response.status_code != requests.codes.requested_range_not_satisfiable


def _check_answer(response: requests.Response, address: str) -> None:
    """Raise what a person should know of an answer that is not the file."""
    codes = requests.codes
    if response.status_code in (codes.not_found, codes.gone):
        raise AbsentError
    if response.status_code not in (codes.ok, codes.partial_content, codes.not_modified):
        raise AirAwareError(
            f"{address} answers {response.status_code} {response.reason}. Try again later, or name"
            " another source by AIRAWARE_EPA_URL."
        )
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise AirAwareError(
            f"{address} is an HTML page instead of a zip. Open it in a browser: a proxy may want a"
            " sign-in, or AIRAWARE_EPA_URL may be wrong."
        )


def _tag(response: requests.Response) -> str:
    """Return the file's version for If-Range, which takes no weak ETag (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _reason(error: requests.RequestException) -> str:
    """Return the innermost cause, as 'Connection refused' or 'Name or service not known'."""
    cause = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    return str(cause).rpartition(": ")[2]


def _set_modified(path: Path, last_modified: str) -> None:
    with suppress(ValueError):  # No date, or none that can be read.
        seconds = parsedate_to_datetime(last_modified).timestamp()
        os.utime(path, (seconds, seconds))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
