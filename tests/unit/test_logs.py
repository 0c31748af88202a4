"""What the site's logs tell of failures."""

import io
import logging

import pytest
from flask import Flask
from gunicorn.config import Config

from airaware.settings import Settings, Zone
from airaware.web import create_app
from airaware.web.logs import GunicornLogger

ADDRESS = "12 Secretville Road"


def fail(*_: object) -> None:
    raise ValueError(f"no good: {ADDRESS}")


@pytest.fixture
def gunicorn_log() -> tuple[GunicornLogger, io.StringIO]:
    """Gunicorn's logger, and what it wrote."""
    logger, written = GunicornLogger(Config()), io.StringIO()
    logger.error_log.handlers = [logging.StreamHandler(written)]
    return logger, written


def test_gunicorn_names_no_request_that_fails(
    gunicorn_log: tuple[GunicornLogger, io.StringIO],
) -> None:
    logger, written = gunicorn_log
    try:
        fail()
    except ValueError as error:
        logger.exception("Error handling request %s %s", "GET", f"/air?address={ADDRESS}")
        logger.warning(f"Invalid request from ip=192.0.2.1: {error}")
    assert "A request failed: ValueError" in written.getvalue()
    assert ", in fail\n" in written.getvalue()
    assert "A request was not understood: ValueError" in written.getvalue()
    assert "Secretville" not in written.getvalue()
    logger.warning("%s is about to stop", "worker")
    assert "worker is about to stop" in written.getvalue()


def test_an_error_of_our_own_is_logged_without_its_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    zone = Zone("a", "host=127.0.0.1 port=1 dbname=airaware")
    app: Flask = create_app(Settings("", "", (zone,), "a", 0.05, 0, ""))
    monkeypatch.setattr(app.extensions["geocoder"], "locate", fail)
    found = app.test_client().get("/api/v1/air", query_string={"address": ADDRESS})
    assert found.status_code == 500
    assert found.mimetype == "application/problem+json"
    assert "Secretville" not in found.text
    assert "api.air failed: ValueError" in caplog.text
    assert ", in fail\n" in caplog.text
    assert "Secretville" not in caplog.text
