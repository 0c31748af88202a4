"""The method's page, and plain words on all others."""

import hashlib
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from handmade import PAGES

from airaware.raw.verdicts import FIRES
from airaware.science.pollutants import POLLUTANTS
from airaware.web import method

# The version, and the digest of the page's words.
RECORDED = (5, "a5ed164eaff7ef36")


def words(client: FlaskClient, path: str) -> str:
    """Return what a page says, without its markup."""
    (main,) = re.findall(r"<main[^>]*>(.*)</main>", client.get(path).text, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_the_words_change_only_with_the_version(client: FlaskClient) -> None:
    digest = hashlib.sha256(words(client, "/method").encode()).hexdigest()[:16]
    assert (method.VERSION, digest) == RECORDED, "raise VERSION and DATED, and record them here"


def test_it_can_be_cited_and_names_every_pollutant(client: FlaskClient) -> None:
    said = words(client, "/method")
    assert f"version {method.VERSION}, {method.DATED}, http://localhost/method" in said
    for each in POLLUTANTS.values():
        for text in (each.label, str(each.code), each.standard.text):
            assert text in said
    for code, fire in FIRES.items():
        assert f"{code} {fire.name} {'yes' if fire.smoke else 'no'}" in said


@pytest.mark.parametrize("name", [name for name in PAGES if name != "method"])
def test_no_other_page_speaks_of_grids_and_statistics_by_their_short_names(
    client: FlaskClient, name: str
) -> None:
    said = words(client, PAGES[name])
    assert len(said) > 50
    assert re.findall(r"\bH3\b|\bRMSE\b", said) == []
    assert 'href="/method"' in client.get(PAGES[name]).text
