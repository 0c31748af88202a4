"""The site's own way to the addresses of its pages gives what Flask's gives."""

from typing import Any

import pytest
from flask import Flask

from airaware.settings import Settings, Zone
from airaware.web import create_app
from airaware.web.app import Site

# No database is asked.
APP = create_app(Settings("", "", (Zone("a", "host=127.0.0.1"),), "a", 0.05, 0, ""))
WITHOUT_VARIABLES = [rule.endpoint for rule in APP.url_map.iter_rules() if not rule.arguments]
VALUES: tuple[dict[str, Any], ...] = (
    {},
    {"address": "60614"},
    {"address": "Coeur d'Alène & <b>, ID #2 50%+~", "year": 2017, "from": None},
    {"address": ["60614", "Fargo, ND"], "year": 2017},
    {"year": 2017, "_external": True, "_anchor": "main"},
)


@pytest.mark.parametrize("values", VALUES)
def test_an_address_is_flasks(values: dict[str, Any]) -> None:
    assert len(WITHOUT_VARIABLES) > 20
    with APP.test_request_context("/air"):
        for endpoint in WITHOUT_VARIABLES:
            assert APP.url_for(endpoint, **values) == Flask.url_for(APP, endpoint, **values)


def test_one_with_a_variable_too() -> None:
    assert isinstance(APP, Site)
    with APP.test_request_context("/air"):
        assert APP.url_for("static", filename="site.css") == "/static/site.css"
