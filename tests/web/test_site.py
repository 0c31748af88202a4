"""The site under gunicorn: what visitors do in a browser, and what its log and metrics tell."""

import re

import requests
from browser import Site, visit
from handmade import YEAR, YEAR_BEFORE
from playwright.sync_api import Browser, Page, expect


def test_from_home_to_an_address_s_air(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("Chicago, IL 60614")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Chicago, IL 60614")
    ozone = page.get_by_role("region", name="Ozone", exact=True)
    expect(ozone.get_by_role("img").first).to_be_visible()
    expect(ozone.get_by_role("img").first).to_have_accessible_name(
        f"Ozone: daily maximum 8-hour mean by month in {YEAR} at Chicago, IL 60614"
    )
    assert ozone.locator("rect.bar").count() == 11  # March has no data
    assert ozone.locator(".calendar rect").count() == 365
    assert ozone.locator(".calendar rect.aqi-4").count() == 2
    assert ozone.locator(".calendar rect.aqi-0").count() == 31
    expect(ozone.locator(".sentence")).to_contain_text("on 2 days")
    assert ozone.locator(".monitor-list li").count() == 2
    ozone.get_by_text("The months as a table").click()
    rows = ozone.get_by_role("table").first.locator("tbody tr")
    assert rows.count() == 12
    expect(rows.first).to_contain_text("21.0")
    ozone.get_by_text("The days as a table").click()
    expect(ozone.locator("table.days tbody tr").nth(3)).to_contain_text("100 4")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name=str(YEAR_BEFORE)).click()
    expect(page).to_have_title(re.compile(rf"in {YEAR_BEFORE}"))


def test_from_an_address_to_its_hours_and_a_file(page: Page) -> None:
    page.goto(f"/air?address=60614&year={YEAR}")
    page.get_by_role("link", name="Ozone hour by hour").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(f"July 1 to July 7, {YEAR}")
    hours = page.get_by_role("table").first.locator("tbody tr")
    assert hours.count() == 24
    expect(hours.first).to_contain_text("27.0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="The week after").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(f"July 8 to July 14, {YEAR}")
    with page.expect_download() as csv:
        page.get_by_role("button", name="CSV").click()
    lines = csv.value.path().read_text().splitlines()
    assert lines[-1].startswith(f"{YEAR}-12-31T23:00,32,4,3.0")  # value, error, nearest
    assert sum(not line.startswith("#") for line in lines) == 1 + 365 * 24
    with page.expect_download() as parquet:
        page.get_by_role("button", name="Parquet").click()
    assert parquet.value.suggested_filename == f"airaware_44201_{YEAR}-01-01_{YEAR}-12-31.parquet"


def test_from_the_search_to_a_comparison_and_a_file(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("60614")
    page.get_by_role("button", name="Look up").click()
    page.get_by_role("link", name="Compare with another place").click()
    expect(page.get_by_label("Place 1")).to_have_value("60614")
    page.get_by_label("Place 2").fill("Fargo, ND")
    page.get_by_role("button", name="Compare").click()
    ozone = page.get_by_role("table").first
    expect(ozone.locator("thead")).to_contain_text("Chicago, IL 60614")
    expect(ozone.locator("thead")).to_contain_text("Fargo, ND")
    expect(ozone.locator("tbody tr").first).to_contain_text("2 of 334")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The link is the comparison: it says the same again.
    page.goto(page.url)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"The air of {YEAR}, side by side")
    page.get_by_role("table").first.get_by_role("link", name="Fargo, ND").click()
    with page.expect_download() as csv:
        page.get_by_role("link", name=f"All hours of {YEAR} (CSV)").first.click()
    assert "# place: Fargo, ND" in csv.value.path().read_text()


def test_keyboard_alone_is_enough(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("60614")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chicago, IL 60614")


def test_all_of_it_works_without_javascript(browser: Browser, site: Site) -> None:
    with visit(browser, site, java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_role("searchbox").fill("60614")
        page.get_by_role("button", name="Look up").click()
        page.get_by_text("The months as a table").first.click()
        expect(page.get_by_role("table").first.locator("tbody tr").first).to_contain_text("21.0")
        page.get_by_role("link", name="Ozone hour by hour").click()
        expect(page.get_by_role("table").first.locator("tbody tr")).to_have_count(24)
        page.goto("/map")
        expect(page.get_by_text("The map needs JavaScript")).to_be_visible()
        page.get_by_role("link", name="60614").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Chicago, IL 60614")


def test_addresses_leave_no_trace_in_the_log(site: Site) -> None:
    for path in ("/air", "/history", "/compare", "/api/v1/air", "/api/v1/hours.csv"):
        for address in ("Kalamazoo, MI", "Nowhereville 12, XY"):
            requests.get(f"{site.url}{path}", params={"address": address}, timeout=10)
    assert "Kalamazoo" not in site.log.read_text()
    assert "Nowhereville" not in site.log.read_text()


def test_ten_thousand_characters_get_the_page(site: Site) -> None:
    answer = requests.get(f"{site.url}/air", params={"address": "x" * 10_000}, timeout=10)
    assert answer.status_code == 400
    assert "too long for an address" in answer.text


def test_metrics_add_up_over_the_workers(site: Site) -> None:
    def counted() -> float:
        text = requests.get(f"{site.url}/metrics", timeout=10).text
        assert "Kalamazoo" not in text
        series = r'airaware_requests_total\{endpoint="/api/v1/air",status="404"\} (\S+)'
        return float((re.search(series, text) or ["", "0"])[1])

    before = counted()
    for _ in range(40):
        # A connection each, so that both workers get some.
        answer = requests.get(f"{site.url}/api/v1/air?address=Kalamazoo, XY", timeout=10)
        assert answer.status_code == 404
    assert counted() == before + 40
    text = requests.get(f"{site.url}/metrics", timeout=10).text
    assert 'airaware_database_failovers_total{zone="a"}' in text
    assert 'airaware_request_seconds_bucket{endpoint="/api/v1/air",le="0.1"}' in text
