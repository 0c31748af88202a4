"""Every kind of answer comes compressed to whoever accepts it, with the same content."""

import gzip

import brotli
import pytest
from backports import zstd
from flask.testing import FlaskClient
from handmade import YEAR

DECODERS = {"zstd": zstd.decompress, "br": brotli.decompress, "gzip": gzip.decompress}
# A small page, a large one, JSON, a file that is streamed, a style sheet, a tile.
PATHS = (
    "/",
    "/air?address=60614",
    "/api/v1/air?address=60614",
    f"/api/v1/days.csv?address=60614&parameter=44201&from={YEAR}-01-01",
    "/static/site.css",
    "/tiles/3/2/2.mvt",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("coding", DECODERS)
def test_an_answer_is_the_same_compressed(client: FlaskClient, path: str, coding: str) -> None:
    plain = client.get(path)
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]
    packed = client.get(path, headers={"Accept-Encoding": coding})
    assert packed.headers["Content-Encoding"] == coding
    assert DECODERS[coding](packed.data) == plain.data
    assert len(packed.data) < len(plain.data)


def test_a_browser_gets_the_quickest_coding(client: FlaskClient) -> None:
    packed = client.get("/", headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert packed.headers["Content-Encoding"] == "zstd"
    refused = client.get("/", headers={"Accept-Encoding": "zstd;q=0, identity"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip;q=0", None),
        ("gzip;q=0, *;q=0.5", "zstd"),
        ("zstd;q=0, br;q=0, *", "gzip"),
        ("*;q=0", None),
        ("gzip;q=0.5, br;q=0.8", "br"),
        ("identity, gzip;q=0.5", None),
        ("gzip; q=1", "gzip"),
    ],
)
def test_quality_values_are_heeded(client: FlaskClient, accepted: str, coding: str | None) -> None:
    sent = client.get("/", headers={"Accept-Encoding": accepted})
    assert sent.headers.get("Content-Encoding") == coding


@pytest.mark.parametrize("path", PATHS)
def test_head_has_the_headers_of_get(client: FlaskClient, path: str) -> None:
    accepted = {"Accept-Encoding": "gzip"}
    got, head = client.get(path, headers=accepted), client.head(path, headers=accepted)
    assert head.data == b""
    for name in ("Content-Encoding", "Content-Length", "Content-Type", "ETag", "Vary"):
        assert head.headers.get(name) == got.headers.get(name), name


@pytest.mark.parametrize("coding", ["identity", *DECODERS])
def test_a_file_that_is_known_is_not_sent_again(client: FlaskClient, coding: str) -> None:
    accepted = {"Accept-Encoding": coding}
    tag = client.get("/static/site.css", headers=accepted).headers["ETag"]
    again = client.get("/static/site.css", headers={**accepted, "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_a_part_of_a_file_is_sent_as_it_is(client: FlaskClient) -> None:
    whole = client.get("/static/site.css").data
    part = client.get(
        "/static/site.css", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-999"}
    )
    assert (part.status_code, part.headers.get("Content-Encoding")) == (206, None)
    assert part.data == whole[:1000]


@pytest.mark.parametrize("path", ["/api/v1/air?address=60614", "/api/v1/openapi.json"])
def test_a_tag_names_the_content_in_every_coding(client: FlaskClient, path: str) -> None:
    tags = {
        client.get(path, headers={"Accept-Encoding": coding}).headers["ETag"]
        for coding in ("identity", *DECODERS)
    }
    assert len(tags) == 1
    known = {"If-None-Match": tags.pop(), "Accept-Encoding": "gzip"}
    again = client.get(path, headers=known)
    assert (again.status_code, again.data) == (304, b"")


def test_parquet_and_short_answers_are_sent_as_they_are(client: FlaskClient) -> None:
    span = f"address=60614&parameter=44201&from={YEAR}-07-01&to={YEAR}-07-02"
    for path in (f"/api/v1/hours.parquet?{span}", "/healthz"):
        sent = client.get(path, headers={"Accept-Encoding": "gzip, br, zstd"})
        assert "Content-Encoding" not in sent.headers
