"""The site under gunicorn: what visitors do in a browser, and what its log and metrics tell."""

import re
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import requests
from browser import Site, visit
from handmade import PAGES, YEAR, YEAR_BEFORE
from playwright.sync_api import Browser, Locator, Page, expect


def test_from_home_to_an_address_s_air(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("Chicago, IL 60614")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Chicago, IL 60614")
    ozone = page.get_by_role("region", name="Ozone", exact=True)
    months = ozone.get_by_role("img").first
    expect(months).to_be_visible()
    expect(months).to_have_accessible_name(
        f"Ozone: daily maximum 8-hour mean by month in {YEAR} at Chicago, IL 60614"
    )
    expect(months).to_have_accessible_description(re.compile("Jan 21.0 and 21.0.* Mar no data"))
    assert colours(months) > 3  # Bars, dots, the level of the standard.
    assert ozone.locator(".calendar td[title]").count() == 365
    assert ozone.locator(".calendar td.aqi-4").count() == 2
    assert ozone.locator(".calendar td.aqi-0").count() == 31
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


def colours(picture: Locator) -> int:
    """How many colours a chart is drawn in, those of soft edges left out."""
    return picture.locator("canvas").evaluate(
        """(canvas) => {
            const { width, height } = canvas;
            const points = new Uint32Array(
                canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer);
            const counts = new Map();
            for (const each of points) counts.set(each, (counts.get(each) ?? 0) + 1);
            return [...counts.values()].filter((count) => count > 30).length;
        }"""
    )


def test_charts_are_read_by_keyboard_and_follow_the_page_s_size_and_colours(page: Page) -> None:
    page.goto(f"/air?address=60614&year={YEAR}")
    figure = page.get_by_role("region", name="Ozone", exact=True).locator(".chart").first
    months, legend = figure.get_by_role("img"), figure.locator(".u-legend")
    expect(legend).to_contain_text("Mean of the days")
    months.focus()
    page.keyboard.press("ArrowRight")
    expect(legend).to_contain_text(re.compile("Jan.*Mean of the days.*21.0 ppb"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(legend).to_contain_text(re.compile("Mar.*Mean of the days.*–"))
    page.keyboard.press("End")  # of the page; the chart stays where it is
    expect(legend).to_contain_text("Mar")
    page.set_viewport_size({"width": 600, "height": 800})
    expect(months).to_have_css("width", re.compile(r"^5\d\d"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    bar = legend.locator(".bar .u-marker")
    day = bar.evaluate("(it) => getComputedStyle(it).backgroundColor")
    page.emulate_media(color_scheme="dark")
    expect(bar).not_to_have_css("background-color", day)


def test_from_an_address_to_its_hours_and_a_file(page: Page) -> None:
    page.goto(f"/air?address=60614&year={YEAR}")
    page.get_by_role("link", name="Ozone hour by hour").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(f"July 1 to July 7, {YEAR}")
    hours = page.get_by_role("table").first.locator("tbody tr")
    assert hours.count() == 24
    expect(hours.first).to_contain_text("27.0")
    week = page.get_by_role("img", name="Ozone at Chicago, IL 60614")
    assert colours(week) > 2  # The line in its band.
    box = week.bounding_box()
    assert box
    week.hover(position={"x": box["width"] - 12, "y": 60})
    expect(page.locator(".u-legend")).to_contain_text(re.compile("Jul 7.*27.0 .*21.0 to 33.0 ppb"))
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
    name = f"airaware_hours_44201_{YEAR}-01-01_{YEAR}-12-31.parquet"
    assert parquet.value.suggested_filename == name


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
    expect(page.locator(".u-legend").first).to_contain_text("Fargo, ND")
    assert colours(page.get_by_role("img", name="Ozone by month")) > 3  # Two places, the level.
    page.get_by_text("The months as a table").first.click()
    expect(page.get_by_role("table").nth(1).locator("tbody tr").nth(3)).to_contain_text("24.0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The link is the comparison: it says the same again.
    page.goto(page.url)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"The air of {YEAR}, side by side")
    page.get_by_role("table").first.get_by_role("link", name="Fargo, ND").click()
    with page.expect_download() as csv:
        page.get_by_role("link", name=f"All hours of {YEAR} (CSV)").first.click()
    assert "# place: Fargo, ND" in csv.value.path().read_text()


def test_an_error_keeps_what_was_typed_and_the_form_it_came_from(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("Chicgo, IL")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("searchbox")).to_have_value("Chicgo, IL")
    page.get_by_role("link", name="Chicago, IL", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Chicago, IL")

    page.goto("/history?address=Chicgo, IL&parameter=88101")
    typed = page.get_by_role("searchbox")
    expect(typed).to_have_value("Chicgo, IL")
    typed.fill("60614")
    page.get_by_role("button", name="Look up").click()
    expect(page).to_have_url(re.compile(r"/history\?address=60614&parameter=88101"))

    page.goto("/compare")
    page.get_by_label("Place 1").fill("60614")
    page.get_by_label("Place 2").fill("PO Box 1400, Columbus GA 33902")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".lead")).to_contain_text("33902 is in Fort Myers, FL, not in Columbus, GA")
    expect(page.get_by_label("Place 1")).to_have_value("60614")
    expect(page.get_by_label("Place 2")).to_have_value("PO Box 1400, Columbus GA 33902")
    page.get_by_role("link", name="Columbus, GA", exact=True).click()
    expect(page.get_by_label("Place 2")).to_have_value("Columbus, GA")


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
        expect(page.get_by_text("JavaScript draws this picture").first).to_be_visible()
        expect(page.locator(".calendar td.aqi-4").first).to_be_visible()
        page.get_by_text("The months as a table").first.click()
        months = page.get_by_role("table", name="Ozone by month")
        expect(months.locator("tbody tr").first).to_contain_text("21.0")
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


def test_a_request_that_is_not_understood_leaves_no_trace_of_what_it_asked(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"GET /air?address=12 Secretville Road HTTP/1.1\r\nHost: site\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")
    logged = site.log.read_text()
    assert "A request was not understood: InvalidHTTPVersion" in logged
    assert "Secretville" not in logged


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


class _AnotherSite(BaseHTTPRequestHandler):
    """One empty page, whatever is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_page_of_another_site_reads_the_api(browser: Browser, site: Site) -> None:
    context = browser.new_context()
    other = ThreadingHTTPServer(("127.0.0.1", 0), _AnotherSite)
    Thread(target=other.serve_forever, daemon=True).start()
    try:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        ask = """async (path) => {
            const answer = await fetch(path, { headers: { "X-Of-Its-Own": "1" } });
            return [answer.status, answer.headers.get("ETag"), (await answer.text()).length];
        }"""
        status, tag, length = page.evaluate(ask, f"{site.url}/api/v1/days?address=60614")
        assert status == 200
        assert tag
        assert length > 1000
        for path, expected in (("/api/v1/days", 400), ("/api/v1/nowhere", 404)):
            assert page.evaluate(ask, f"{site.url}{path}")[0] == expected
    finally:
        context.close()
        other.shutdown()
        other.server_close()


def test_a_small_phone_scrolls_no_page_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    for path in PAGES.values():
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320, path


def test_without_javascript_no_button_is_dead(browser: Browser, site: Site) -> None:
    with visit(browser, site, java_script_enabled=False) as page:
        for path in PAGES.values():
            page.goto(path)
            controls = page.locator("button:visible, select:visible, input:visible")
            dead = [
                each.evaluate("(it) => it.outerHTML")
                for each in controls.all()
                if not each.evaluate("(it) => it.form?.querySelector('button:not([type=button])')")
            ]
            assert dead == [], path


def test_a_printed_page_has_its_tables_open(page: Page) -> None:
    page.goto("/air?address=60614")
    table = page.get_by_role("table", name=re.compile("Ozone by month"))
    expect(table).not_to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("caption", has_text="Ozone by month")).to_be_visible()
    expect(page.get_by_role("button", name="Look up")).not_to_be_visible()
    # A chart shrinks with the sheet, before any script can draw it anew.
    expect(page.locator(".chart[data-drawn] canvas").first).to_be_attached()
    width = page.locator(".chart").first.evaluate(
        "(it) => { it.style.width = '300px'; return it.querySelector('canvas').clientWidth; }"
    )
    assert width == 300
    expect(page.locator(".columns").first).to_have_css("display", "block")
