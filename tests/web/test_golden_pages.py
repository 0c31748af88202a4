"""Pages, API answers and files stay the same unless somebody means to change them.

    python -m pytest tests/web/test_golden_pages.py --renew-golden

writes `golden.json` anew: a digest for each address, of the text without what changes by itself.
"""

import hashlib
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient
from handmade import PAGES, YEAR, YEAR_BEFORE
from werkzeug.test import TestResponse

GOLDEN = Path(__file__).with_name("golden.json")
PLACES = ("60614", "Fargo, ND", "Honolulu, HI")
WEEK = f"from={YEAR}-07-01&to={YEAR}-07-07"
OVER_YEARS = f"from={YEAR_BEFORE}-12-30&to={YEAR}-04-02"
ADDRESSES = (
    # The downloads' page lists digests of Parquet files, which follow pyarrow's version.
    *(path for name, path in PAGES.items() if name != "downloads"),
    "/air?address=60614",
    "/air?address=96813",
    "/history?address=60614&parameter=88502",
    "/problems/unavailable",
    *(f"/api/v1/air?address={place}" for place in PLACES),
    *(f"/api/v1/air?address={place}&figures=point" for place in PLACES),
    f"/api/v1/air?address=60614&figures=point&year={YEAR_BEFORE}",
    *(f"/api/v1/days?address={place}" for place in PLACES),
    *(f"/api/v1/day?address={place}" for place in PLACES),
    f"/api/v1/hours?address=60614&{WEEK}",
    f"/api/v1/hours?address=Fargo, ND&parameter=88101&{WEEK}",
    "/api/v1/compare?address=60614&address=Fargo, ND",
    *(
        f"/api/v1/{file}?address={place}&{OVER_YEARS}"
        for file in ("hours.csv", "hours.parquet", "days.csv", "months.csv")
        for place in PLACES
    ),
    f"/api/v1/months.csv?address=Fargo, ND&parameter=88101&{WEEK}",
    "/api/v1/air?address=Springfield",
    "/api/v1/air?address=60614&year=1981",
    "/api/v1/openapi.json",
)


def test_pages_answers_and_files_are_as_they_were(
    client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    found = {address: _digest(client.get(address)) for address in ADDRESSES}
    if request.config.getoption("renew_golden", default=False):
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def _digest(response: TestResponse) -> str:
    text = f"{response.status} {response.mimetype}\n{_text(response)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(response: TestResponse) -> str:
    """Return what the response says, without its age, the front end's digest and dates of today."""
    if (response.mimetype or "").endswith("parquet"):
        table = pq.read_table(io.BytesIO(response.data))
        facts = (table.schema.metadata or {}).items()
        text = json.dumps(table.to_pylist() + [f"{key!r} {value!r}" for key, value in facts],
                          default=str)  # fmt: skip
    elif response.is_json:
        document = response.get_json()
        text = json.dumps(_inlined(document, document), sort_keys=True)
    else:
        text = response.text
    for changing, instead in (
        (r"/built/[0-9a-f]{12}/", "/built/"),
        (r'("loaded_at": )"[^"]*"', r"\1"),
        (r"(made: |b'made' b'|What was loaded on )\d{4}-\d\d-\d\d", r"\1"),
        (rf'("maximum": ){datetime.now(UTC).year}\b', r"\1"),
    ):
        text = re.sub(changing, instead, text)
    return re.sub(r"\d+\.\d{9,}", _without_last_digits, text)


def _without_last_digits(number: re.Match[str]) -> str:
    """Round what processors compute differently: BLAS sums in an order that suits each."""
    return f"{float(number[0]):.9g}"


def _inlined(part: Any, document: dict[str, Any]) -> Any:
    """Return JSON with each schema in the place of the reference to it."""
    if isinstance(part, list):
        return [_inlined(each, document) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(document["components"]["schemas"][part["$ref"].split("/")[-1]], document)
    return {name: _inlined(value, document) for name, value in part.items() if name != "components"}
