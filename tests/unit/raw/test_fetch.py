"""Fetching, from a real HTTP server that misbehaves on demand, and from a folder."""

import os
import socket
import threading
import zipfile
from dataclasses import dataclass, field, replace
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from moto import mock_aws

from airaware import settings
from airaware.errors import AirAwareError
from airaware.raw import epa, fetch, rawstore, synthetic
from airaware.science.pollutants import POLLUTANTS
from tools.machine.steps import console
from tools.tasks import data

NAME = "hourly_44201_2017.zip"
JUNE_SECONDS = 1_780_000_000.0


@dataclass
class Mirror:
    """What the server has, how it misbehaves, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    modified_seconds: float = JUNE_SECONDS
    ranges: bool = True
    dated: bool = True
    etag: str = '"1"'
    content_type: str = "application/zip"
    busy_answers: int = 0  # 503 before the first good one
    cut_after: list[int] = field(default_factory=list)  # bytes of the next bodies, then whole ones
    asked: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        mirror = self.server.mirror
        mirror.asked.append(dict(self.headers))
        if mirror.busy_answers:
            mirror.busy_answers -= 1
            return self.answer(503)
        body = mirror.files.get(self.path.removeprefix("/"))
        if body is None:
            return self.answer(404)
        since = self.headers.get("If-Modified-Since")
        if since and mirror.modified_seconds <= parsedate_to_datetime(since).timestamp():
            return self.answer(304)
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if not begin or not mirror.ranges or self.headers["If-Range"] != mirror.etag:
            return self.answer(200, body)
        if begin >= len(body):
            return self.answer(416)
        return self.answer(206, body[begin:], {"Content-Range": f"bytes {begin}-/{len(body)}"})

    def answer(self, status, body=b"", headers=None):
        mirror = self.server.mirror
        mirror.statuses.append(status)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", mirror.content_type)
        self.send_header("Content-Length", str(len(body)))
        if mirror.dated:
            self.send_header("ETag", mirror.etag)
            self.send_header("Last-Modified", formatdate(mirror.modified_seconds, usegmt=True))
        self.end_headers()
        cut = mirror.cut_after.pop(0) if body and mirror.cut_after else len(body)
        self.wfile.write(body[:cut])
        self.close_connection = True

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def mirror(ozone):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.mirror = Mirror(f"http://127.0.0.1:{server.server_port}", {NAME: ozone})
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.mirror
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def ozone(tmp_path_factory):
    path = tmp_path_factory.mktemp("ozone") / NAME
    synthetic.write(path, 44201, 2017, stations=1)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(fetch, "RETRIES", fetch.RETRIES.new(backoff_factor=0))


@pytest.fixture
def at(tmp_path):
    """Settings with a source and a raw store of this test's own."""
    return lambda url: replace(settings.read(), epa_url=str(url), raw=str(tmp_path / "raw"))


def stored(config):
    return rawstore.open(config.raw)


def assert_nothing_stored(config, tmp_path):
    assert stored(config).names() == []
    assert list((tmp_path / "partial").glob("*")) == []


def test_fetches_into_the_store_that_it_is_given(mirror, at, tmp_path):
    elsewhere = rawstore.FolderStore(tmp_path / "elsewhere" / "raw")
    fetch.fetch_year(at(mirror.url), 2017, [44201], store=elsewhere)
    assert elsewhere.names() == [NAME]
    assert_nothing_stored(at(mirror.url), tmp_path)


def test_fetches_checks_and_reports(mirror, at, ozone):
    seen = []
    config = at(mirror.url)
    report = fetch.fetch_year(config, 2017, [44201], progress=lambda *now: seen.append(now))
    (file,) = report.files
    assert (file.name, file.status, file.size) == (NAME, "fetched", len(ozone))
    assert stored(config).sha256(NAME) == file.sha256
    assert seen[-1] == (NAME, len(ozone), len(ozone))
    with stored(config).local(NAME) as path:
        assert path.read_bytes() == ozone


def test_keeps_what_is_there(mirror, at):
    first = fetch.fetch_year(at(mirror.url), 2017, [44201]).files[0]
    mirror.asked.clear()
    again = fetch.fetch_year(at(mirror.url), 2017, [44201]).files[0]
    assert again == replace(first, status="kept")
    assert mirror.asked == []


def test_refresh_asks_whether_the_source_has_changed(mirror, at):
    config = at(mirror.url)
    fetch.fetch_year(config, 2017, [44201])
    assert fetch.fetch_year(config, 2017, [44201], refresh=True).files[0].status == "kept"
    assert mirror.statuses == [200, 304]
    mirror.modified_seconds += 86400
    assert fetch.fetch_year(config, 2017, [44201], refresh=True).files[0].status == "fetched"


@pytest.mark.usefixtures("ozone")
def test_refresh_replaces_a_synthetic_file(mirror, at, tmp_path):
    config = at(mirror.url)
    path = tmp_path / "synthetic.zip"
    synthetic.write(path, 44201, 2017, stations=1)
    stored(config).put(NAME, path, epa.check_file(path, 44201, 2017).sha256)
    assert fetch.fetch_year(config, 2017, [44201], refresh=True).files[0].status == "fetched"


def test_refresh_keeps_a_file_that_the_source_has_no_more(mirror, at):
    fetch.fetch_year(at(mirror.url), 2017, [44201])
    mirror.files.clear()
    report = fetch.fetch_year(at(mirror.url), 2017, [44201], refresh=True)
    assert report.files[0].status == "kept"


def test_waits_for_a_busy_server(mirror, at):
    mirror.busy_answers = 3
    assert fetch.fetch_year(at(mirror.url), 2017, [44201]).files[0].status == "fetched"
    assert mirror.statuses == [503, 503, 503, 200]


def test_a_server_that_stays_busy_is_reported(mirror, at, tmp_path):
    mirror.busy_answers = 99
    with pytest.raises(AirAwareError, match=f"{NAME} answers 503"):
        fetch.fetch_year(at(mirror.url), 2017, [44201])
    assert_nothing_stored(at(mirror.url), tmp_path)


@pytest.mark.usefixtures("ozone")
def test_resumes_where_it_broke_off(mirror, at):
    mirror.cut_after = [6 * fetch.CHUNK_BYTES, 3 * fetch.CHUNK_BYTES + 99]
    assert fetch.fetch_year(at(mirror.url), 2017, [44201]).files[0].status == "fetched"
    assert mirror.statuses == [200, 206, 206]
    assert mirror.asked[2]["Range"] == f"bytes={9 * fetch.CHUNK_BYTES}-"


def test_resumes_in_a_later_run(mirror, at, tmp_path):
    mirror.cut_after = [6 * fetch.CHUNK_BYTES, 0, 0, 0]
    with pytest.raises(AirAwareError, match="broke off 3 times after 98,304 bytes"):
        fetch.fetch_year(at(mirror.url), 2017, [44201])
    assert stored(at(mirror.url)).names() == []
    mirror.asked.clear()
    assert fetch.fetch_year(at(mirror.url), 2017, [44201]).files[0].status == "fetched"
    assert mirror.asked[0]["Range"] == f"bytes={6 * fetch.CHUNK_BYTES}-"
    assert list((tmp_path / "partial").iterdir()) == []


def test_does_not_join_two_versions(mirror, at, ozone):
    mirror.cut_after = [6 * fetch.CHUNK_BYTES, 0, 0, 0]
    mirror.files[NAME] = b"?" * len(ozone)
    with pytest.raises(AirAwareError, match="broke off"):
        fetch.fetch_year(at(mirror.url), 2017, [44201])
    mirror.files[NAME], mirror.etag = ozone, '"2"'
    assert fetch.fetch_year(at(mirror.url), 2017, [44201]).files[0].status == "fetched"


@pytest.mark.parametrize("without", ["ranges", "dated"])
def test_starts_anew_where_the_server_cannot_resume(mirror, at, without):
    setattr(mirror, without, False)
    mirror.cut_after = [6 * fetch.CHUNK_BYTES]
    assert fetch.fetch_year(at(mirror.url), 2017, [44201]).files[0].status == "fetched"
    assert mirror.statuses == [200, 200]


def test_starts_anew_where_all_is_there_already(mirror, at, tmp_path, ozone):
    mirror.cut_after = [6 * fetch.CHUNK_BYTES, 0, 0, 0]
    with pytest.raises(AirAwareError, match="broke off"):
        fetch.fetch_year(at(mirror.url), 2017, [44201])
    (tmp_path / "partial" / NAME).write_bytes(ozone)
    assert fetch.fetch_year(at(mirror.url), 2017, [44201]).files[0].status == "fetched"
    assert mirror.statuses[-2:] == [416, 200]


def test_a_server_that_always_breaks_off_is_reported(mirror, at):
    mirror.ranges = False
    mirror.cut_after = [1000] * 10
    with pytest.raises(AirAwareError, match=f"{NAME} broke off 3 times"):
        fetch.fetch_year(at(mirror.url), 2017, [44201])


def test_an_html_page_is_no_zip(mirror, at, tmp_path):
    mirror.files[NAME], mirror.content_type = b"<html>Please sign in", "text/html; charset=utf-8"
    with pytest.raises(AirAwareError, match=f"{NAME} is an HTML page.*sign-in"):
        fetch.fetch_year(at(mirror.url), 2017, [44201])
    assert_nothing_stored(at(mirror.url), tmp_path)


def test_no_connection_is_told_apart(at):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound, not listening: connections are refused.
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        told = "Connection refused.*AIRAWARE_EPA_URL"
        with pytest.raises(fetch.SourceUnreachableError, match=told):
            fetch.fetch_year(at(url), 2017)


def test_an_unknown_host_is_unreachable(at):
    with pytest.raises(fetch.SourceUnreachableError, match=r"nowhere.invalid/.* cannot be reached"):
        fetch.fetch_year(at("http://nowhere.invalid"), 2017)


def test_absent_defaults_are_reported(mirror, at):
    report = fetch.fetch_year(at(mirror.url), 2017)
    assert [(file.name, file.status) for file in report.files] == [
        (NAME, "fetched"),
        ("hourly_88101_2017.zip", "absent"),
        ("hourly_88502_2017.zip", "absent"),
    ]


def test_an_absent_file_that_was_named_is_an_error(mirror, at):
    with pytest.raises(AirAwareError, match=r"has no hourly_88101_2017.zip.*begin in 2008"):
        fetch.fetch_year(at(mirror.url), 2017, [44201, 88101])


def test_none_of_the_defaults_is_an_error(mirror, at):
    with pytest.raises(AirAwareError, match=r"has none of hourly_44201_2016.zip, "):
        fetch.fetch_year(at(mirror.url), 2016)


def test_years_before_a_parameters_first_are_absent_unasked(mirror, at):
    with pytest.raises(AirAwareError, match="has none of"):
        fetch.fetch_year(at(mirror.url), 1979)
    assert mirror.asked == []


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    modified = path.stat()
    path.write_bytes(content)
    os.utime(path, (modified.st_mtime, modified.st_mtime))


@pytest.mark.parametrize("source", ["http", "folder"])
def test_refresh_replaces_a_stored_file_with_one_bit_changed(mirror, at, tmp_path, ozone, source):
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / NAME).write_bytes(ozone)
    config = at(mirror.url if source == "http" else folder)
    fetch.fetch_year(config, 2017, [44201])
    flip_a_bit(tmp_path / "raw" / NAME)
    assert fetch.fetch_year(config, 2017, [44201]).files[0].status == "kept"
    assert fetch.fetch_year(config, 2017, [44201], refresh=True).files[0].status == "fetched"
    assert (tmp_path / "raw" / NAME).read_bytes() == ozone
    assert fetch.fetch_year(config, 2017, [44201], refresh=True).files[0].status == "kept"


def test_a_damaged_file_that_the_source_has_no_more_is_an_error(mirror, at, tmp_path):
    fetch.fetch_year(at(mirror.url), 2017, [44201])
    flip_a_bit(tmp_path / "raw" / NAME)
    del mirror.files[NAME]
    with pytest.raises(AirAwareError, match=f"{NAME} is damaged in .*no such file"):
        fetch.fetch_year(at(mirror.url), 2017, [44201], refresh=True)


def header_only(tmp_path, parameter):
    path = tmp_path / "header.zip"
    header = ",".join(f'"{name}"' for name in epa.COLUMNS_24) + "\n"
    zipped(path, header, f"hourly_{parameter}_2017.csv")
    return path.read_bytes()


def test_of_seven_files_one_damaged_and_one_empty_five_are_fetched(mirror, at, tmp_path):
    for parameter in POLLUTANTS:
        path = tmp_path / "made.zip"
        synthetic.write(path, parameter, 2017, stations=1)
        mirror.files[epa.file_name(parameter, 2017)] = path.read_bytes()
    damaged, empty = epa.file_name(88101, 2017), epa.file_name(42602, 2017)
    mirror.files[damaged] = mirror.files[damaged][:-1000]
    mirror.files[empty] = header_only(tmp_path, 42602)
    expected = {epa.file_name(parameter, 2017): "fetched" for parameter in POLLUTANTS}
    expected |= {damaged: "failed", empty: "no rows"}

    config = at(mirror.url)
    with pytest.raises(fetch.FilesFailedError) as raised:
        fetch.fetch_year(config, 2017, list(POLLUTANTS))
    assert {file.name: file.status for file in raised.value.report.files} == expected
    assert damaged in str(raised.value)
    assert "--refresh" not in str(raised.value)  # It would ask for the same bytes.
    assert stored(config).names() == sorted(set(expected) - {damaged})

    with console.capture() as shown:
        data._show(raised.value.report)
    lines = [line.strip().split(maxsplit=1) for line in shown.get().splitlines()[1:]]
    assert {name: rest for name, rest in lines if name == damaged} == {damaged: "failed"}
    assert [name for name, rest in lines if rest.startswith("fetched")] == [
        name for name, status in expected.items() if status == "fetched"
    ]
    assert [name for name, rest in lines if rest.startswith("no rows")] == [empty]


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_is_a_source(at, tmp_path, ozone, scheme):
    folder = tmp_path / "a mirror"
    folder.mkdir()
    (folder / NAME).write_bytes(ozone)
    config = at(f"{scheme}{folder}".replace(" ", "%20" if scheme else " "))
    assert fetch.fetch_year(config, 2017).files[0].status == "fetched"
    assert fetch.fetch_year(config, 2017, refresh=True).files[0].status == "kept"
    later_seconds = JUNE_SECONDS * 2
    os.utime(folder / NAME, (later_seconds, later_seconds))
    assert fetch.fetch_year(config, 2017, refresh=True).files[0].status == "fetched"
    assert (folder / NAME).read_bytes() == ozone


def test_a_bucket_is_a_source(at, tmp_path, ozone, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    path = tmp_path / NAME
    path.write_bytes(ozone)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="mirror-of-the-test")
        config = at("s3://mirror-of-the-test/raw/mirror")
        with pytest.raises(AirAwareError, match=f"none of {NAME}"):
            fetch.fetch_year(config, 2017)
        mirror = rawstore.open(config.epa_url)
        for seconds in (JUNE_SECONDS, JUNE_SECONDS * 2):
            os.utime(path, (seconds, seconds))
            mirror.put(NAME, path, epa.check_file(path, 44201, 2017).sha256)
            assert fetch.fetch_year(config, 2017, refresh=True).files[0].status == "fetched"
            assert rawstore.open(config.raw).modified_seconds(NAME) == seconds
            assert fetch.fetch_year(config, 2017, refresh=True).files[0].status == "kept"


@pytest.mark.parametrize("url", ["/no/such/folder", "ftp://example.org", "http://[bad"])
def test_a_source_that_cannot_be_is_named(at, url):
    with pytest.raises(AirAwareError, match=r"AIRAWARE_EPA_URL|folder"):
        fetch.fetch_year(at(url), 2017)


def zipped(path, text, name="hourly_44201_2017.csv"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if name:
            archive.writestr(name, text)


def bad_crc(path, text):
    """Stored, so that a changed byte breaks the CRC and nothing else."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("hourly_44201_2017.csv", text)
    content = bytearray(path.read_bytes())
    content[len(text) // 2] ^= 1
    path.write_bytes(content)


BAD = {
    "html": lambda path, _text: path.write_text("<!DOCTYPE html><html></html>"),
    "empty file": lambda path, _text: path.write_bytes(b""),
    "truncated": lambda path, _text: path.write_bytes(path.read_bytes()[:-1000]),
    "crc": bad_crc,
    "empty zip": lambda path, _text: zipped(path, "", name=""),
    "empty csv": lambda path, _text: zipped(path, ""),
    "missing column": lambda path, text: zipped(path, text.replace('"Latitude",', "", 1)),
    "renamed column": lambda path, text: zipped(path, text.replace("Latitude", "Lat", 1)),
    "other parameter": lambda path, text: zipped(path, text.replace('"44201"', '"88101"')),
    "other year": lambda path, text: zipped(path, text.replace('"2017-', '"2016-')),
    "other unit": lambda path, text: zipped(path, text.replace("per million", "per billion")),
}
SAYS = {
    "missing column": "Latitude",
    "renamed column": "Latitude",
    "other parameter": "88101",
    "other year": "2016",
    "other unit": "Parts per billion",
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_file_never_gets_its_name(at, tmp_path, ozone, mirror, fault):
    path = tmp_path / NAME
    path.write_bytes(ozone)
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0])[:500_000].decode().rpartition("\n")[0] + "\n"
    BAD[fault](path, text)
    mirror.files[NAME] = path.read_bytes()
    for source in (mirror.url, tmp_path):
        with pytest.raises(AirAwareError) as raised:
            fetch.fetch_year(at(source), 2017, [44201])
        assert NAME in str(raised.value)
        assert SAYS.get(fault, "") in str(raised.value)
        assert_nothing_stored(at(source), tmp_path)
