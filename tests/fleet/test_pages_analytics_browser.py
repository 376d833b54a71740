"""The pages of the analytics in a real browser: for everybody, on a phone and a desk, light and dark, on paper."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from test_pages_analytics import RANGE, fill
from visitors import PagesDesk

from attendance.fleet.web.sheets import SHEETS
from attendance.ops.webserver import Streams, WebServer

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
SMALL_PHONE, TABLET = {"width": 320, "height": 640}, {"width": 1024, "height": 768}
A4 = {"width": 703, "height": 1009}
SMALLEST_TEXT_PX = 11
TEXTS = """() => [...document.querySelectorAll("svg text")].filter(each => each.getClientRects().length).map(each => {
  const box = each.getBoundingClientRect();
  return {
    text: each.textContent, drawing: [...document.querySelectorAll("svg")].indexOf(each.ownerSVGElement),
    px: parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().a,
    left: box.left, right: box.right, top: box.top, bottom: box.bottom,
  };
})"""
"""What is written in the drawings, how large, and where."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesDesk]:
    folder = tmp_path_factory.mktemp("analytics")
    desk = PagesDesk(f"sqlite:///{folder / 'centre.db'}", folder)
    fill(desk)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def server(desk: PagesDesk) -> Iterator[WebServer]:
    server = WebServer(desk.process.app, "127.0.0.1", 0, streams=Streams(0), name="analytics of a test")
    server.start()
    yield server
    server.stop()


def opened(browser: Browser, desk: PagesDesk, server: WebServer, **more: Any) -> Page:
    url = f"http://127.0.0.1:{server.port}"
    cookie = desk.visitor("olga-operator").client.get_cookie("attendance")
    assert cookie is not None
    context = browser.new_context(base_url=url, **more)
    context.add_cookies([{"name": "attendance", "value": cookie.value, "url": url}])
    return context.new_page()


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"])
def test_nobody_is_kept_out(browser: Browser, desk: PagesDesk, server: WebServer, size: Any, scheme: Any) -> None:
    """axe-core finds nothing on any page, nothing is wider than the screen, and nothing is said in the console."""
    page = opened(browser, desk, server, viewport=size, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    for path in ("/analytics", *(f"/schools/{desk.roque}/analytics/{part}" for part in SHEETS)):
        page.goto(f"{path}?{RANGE}")
        found = Axe().run(page)
        assert found.response["violations"] == [], f"{page.url}\n{found.generate_report()}"
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"], page.url
    assert complaints == []


@pytest.mark.parametrize("days", [RANGE, "from=2026-05-14&to=2026-06-12", "from=2025-06-13&to=2026-06-12"])
def test_drawings_can_be_read(browser: Browser, desk: PagesDesk, server: WebServer, days: str) -> None:
    """Texts are as large on a phone as on a desk, on the screen, and none touches another."""
    page = opened(browser, desk, server)
    gate = desk.made.gates["River gate"]
    for path in ("/analytics", f"/gates/{gate}", *(f"/schools/{desk.roque}/analytics/{part}" for part in SHEETS)):
        page.goto(f"{path}?{days}")
        for size in (SMALL_PHONE, PHONE, TABLET, DESK):
            page.set_viewport_size(size)
            _check_texts(page.evaluate(TEXTS), size["width"], f"{page.url} {size}")


def _check_texts(texts: list[dict[str, Any]], width: int, where: str) -> None:
    assert texts or "/together" in where
    for each in texts:
        assert each["px"] >= SMALLEST_TEXT_PX, f"{where}: {each}"
        assert 0 <= each["left"] < each["right"] <= width, f"{where}: {each}"
    assert [(one["text"], two["text"]) for one, two in combinations(texts, 2) if _touch(one, two)] == [], where


def _touch(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return (
        one["drawing"] == two["drawing"]
        and one["left"] < two["right"]
        and two["left"] < one["right"]
        and one["top"] < two["bottom"]
        and two["top"] < one["bottom"]
    )


def test_a_drawing_alone_takes_all_the_room(browser: Browser, desk: PagesDesk, server: WebServer) -> None:
    """Up to where the table below it ends."""
    page = opened(browser, desk, server, viewport={"width": 1600, "height": 900})
    page.goto(f"/schools/{desk.roque}/analytics/gates?{RANGE}")
    panel = page.get_by_role("region", name="Cards refused")
    drawing, table = (panel.locator(each).bounding_box() for each in ("svg.graph", "table"))
    assert drawing is not None
    assert table is not None
    assert (drawing["x"], drawing["width"]) == (table["x"], table["width"])


@pytest.mark.parametrize("size", [SMALL_PHONE, PHONE], ids=lambda size: size["width"])
def test_where_one_is_can_be_seen(browser: Browser, desk: PagesDesk, server: WebServer, size: Any) -> None:
    """The chosen page and the chosen part, without scrolling and without scripts."""
    page = opened(browser, desk, server, viewport=size, java_script_enabled=False)
    for path in ("/audit", *(f"/schools/{desk.roque}/analytics/{part}" for part in SHEETS)):
        page.goto(path)
        chosen = page.locator("[aria-current=page]").all()
        assert len(chosen) == (1 if path == "/audit" else 2)
        for each in chosen:
            box = each.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= size["width"]


def test_paper_has_drawings_and_numbers(browser: Browser, desk: PagesDesk, server: WebServer) -> None:
    """Not what can be clicked."""
    page = opened(browser, desk, server, viewport=DESK)
    page.goto(f"/schools/{desk.roque}/analytics/arrivals?{RANGE}")
    page.emulate_media(media="print")
    expect(page.get_by_role("img", name="River gate: arrivals each day")).to_be_visible()
    expect(page.get_by_role("table", name="Arrivals by gate")).to_be_visible()
    expect(page.get_by_role("button", name="Show")).to_be_hidden()


def test_paper_has_tables(browser: Browser, desk: PagesDesk, server: WebServer) -> None:
    """A sheet between its margins is as wide as a small screen, but a row is a row; and nothing is cut off."""
    page = opened(browser, desk, server, viewport=A4)
    page.emulate_media(media="print")
    for path in ("/?show=all", f"/schools/{desk.roque}/register", f"/schools/{desk.roque}/analytics/lateness?{RANGE}"):
        page.goto(path)
        expect(page.locator("tbody tr").first).to_have_css("display", "table-row")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= A4["width"], path


def test_other_days_are_chosen_with_the_form(browser: Browser, desk: PagesDesk, server: WebServer) -> None:
    """And kept when going to another part."""
    page = opened(browser, desk, server, viewport=DESK)
    page.goto(f"/schools/{desk.roque}/analytics/arrivals?{RANGE}")
    page.fill("[name=from]", "2026-06-03")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("2026-06-03 to 2026-06-12")).to_be_visible()
    page.get_by_role("link", name="Late and absent").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Late and absent")
    expect(page.get_by_text("2026-06-03 to 2026-06-12")).to_be_visible()
