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
