"""The pages in a real browser: on a phone and a desk, light and dark, by keyboard, live, without scripts, on paper."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from centre_with_gates import NOW, PASSWORD
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update
from visitors import PagesDesk

from attendance.fleet.sight import FRESH_S
from attendance.fleet.store import commands
from attendance.fleet.store.engine import open_engine, transaction
from attendance.fleet.store.tables import gate_health
from attendance.ops.webserver import Streams, WebServer

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
LOOK = "document.dispatchEvent(new Event('visibilitychange'))"
"""The page looks at once instead of in five seconds."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesDesk]:
    folder = tmp_path_factory.mktemp("pages")
    desk = PagesDesk(f"sqlite:///{folder / 'centre.db'}", folder)
    yield desk
    desk.close()


def serve(desk: PagesDesk, port: int = 0) -> WebServer:
    server = WebServer(desk.process.app, "127.0.0.1", port, streams=Streams(0), name="pages of a test")
    server.start()
    return server


@pytest.fixture(scope="module")
def server(desk: PagesDesk) -> Iterator[WebServer]:
    server = serve(desk)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def session(desk: PagesDesk) -> str:
    """An operator's."""
    cookie = desk.fresh("olga-operator").client.get_cookie("attendance")
    assert cookie is not None
    return cookie.value


@pytest.fixture
def opened(browser: Browser, server: WebServer, session: str) -> Iterator[Callable[..., Page]]:
    """Opens a page of its own; it must ask no other machine and say nothing in the console."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on(
            "request", lambda asked: None if asked.url.startswith("http://127.0.0.1:") else complaints.append(asked.url)
        )

    def open_page(path: str = "/", *, logged_in: bool = True, size: Any = None, **more: Any) -> Page:
        context = browser.new_context(viewport=size or DESK, base_url=f"http://127.0.0.1:{server.port}", **more)
        contexts.append(context)
        if logged_in:
            context.add_cookies([{"name": "attendance", "value": session, "url": f"http://127.0.0.1:{server.port}"}])
        page = context.new_page()
        watch(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    expected = ("ERR_CONNECTION_REFUSED", "401", "404")  # what some tests are about
    assert [each for each in complaints if not any(code in each for code in expected)] == []


def every_page(desk: PagesDesk) -> list[str]:
    north, gate = f"/schools/{desk.north}", f"/gates/{desk.made.gates['North gate']}"
    return [
        "/",
        "/?show=silent&q=nothing",
        gate,
        f"/gates/{desk.made.gates['Main gate']}",
        f"{gate}/commands/restart",
        f"{gate}/commands/config",
        "/schools",
        north,
        f"{north}/register",
        f"/schools/{desk.roque}/register",
        "/people",
        "/analytics",
        f"{north}/analytics/arrivals",
        "/letters",
        "/letters?settled=yes",
        f"/audit?school={desk.north}",
        "/password",
        "/nowhere",
    ]


@pytest.mark.parametrize(
    ("size", "scheme", "first"),
    [(DESK, "light", None), (PHONE, "dark", None), (PHONE, "light", 3), (DESK, "dark", 3)],
    ids=["desk-light", "phone-dark", "phone-light", "desk-dark"],
)
def test_nobody_is_kept_out(desk: PagesDesk, opened: Callable[..., Page], size: Any, scheme: str, first: int) -> None:
    """axe-core finds nothing on any page, and nothing is wider than the screen."""
    page = opened("/login", size=size, color_scheme=scheme, logged_in=False)
    _check(page, size)
    page = opened("/", size=size, color_scheme=scheme)
    for path in every_page(desk)[:first]:
        page.goto(path)
        _check(page, size)


def _check(page: Page, size: Any) -> None:
    found = Axe().run(page)
    assert found.response["violations"] == [], f"{page.url}\n{found.generate_report()}"
    assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"], page.url


def press_until(page: Page, focused: str, key: str = "Tab", most: int = 80) -> None:
    for _ in range(most):
        if page.evaluate("document.activeElement.id") == focused:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{focused} is not reached with {key}")


def test_all_goes_by_keyboard(desk: PagesDesk, opened: Callable[..., Page]) -> None:
    """From the login over the list and a gate to a command, without a mouse; the focus is always to be seen."""
    page = opened("/login", logged_in=False)
    expect(page.locator("[name=login]")).to_be_focused()
    page.keyboard.type("north-office")
    page.keyboard.press("Tab")
    expect(page.locator("[name=password]")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Gates")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    press_until(page, f"g-{desk.made.gates['Main gate']}")
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Main gate")
    press_until(page, "order-backup")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Back up now")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".commands")).to_contain_text("Waiting")
    expect(page.locator(".commands")).to_contain_text("Back up now")


def test_everything_works_without_scripts(desk: PagesDesk, opened: Callable[..., Page]) -> None:
    """Login, list, filter, a command and logging out."""
    page = opened("/login", logged_in=False, java_script_enabled=False)
    page.fill("[name=login]", "north-admin")
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.fill("[name=q]", "camera")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tr.gate")).to_have_count(1)
    page.get_by_role("link", name="North gate").click()
    page.get_by_role("link", name="Restart").click()
    page.get_by_role("button", name="Restart").click()
    expect(page.locator(".commands")).to_contain_text("Restart")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


@contextmanager
def health_of(desk: PagesDesk, gate: str, **values: Any) -> Iterator[None]:
    """What the centre knows of a gate, meanwhile."""
    where = gate_health.c.gate_id == desk.made.gates[gate]
    engine = open_engine(desk.url)
    before = {"queue_items": 0, "oldest_seconds": 0.0}
    for change in (values, before):
        with transaction(engine) as conn:
            conn.execute(update(gate_health).where(where).values(change))
        desk.clock.advance(FRESH_S + 1)
        if change is values:
            yield


def test_the_list_lives_and_leaves_the_focus_alone(desk: PagesDesk, opened: Callable[..., Page]) -> None:
    """What changed is there without loading the page; whoever stands on a link still does, also on the one replaced."""
    page = opened("/")
    page.evaluate("window.same = true")
    row = page.locator("tr.gate", has_text="Main gate")
    row.get_by_role("link").focus()
    with health_of(desk, "Main gate", queue_items=321, oldest_seconds=30.0):
        page.evaluate(LOOK)
        expect(row).to_contain_text("321")
        expect(row.get_by_role("link")).to_be_focused()
        assert page.evaluate("window.same")


def test_the_result_of_a_command_appears_by_itself(desk: PagesDesk, opened: Callable[..., Page]) -> None:
    """Whoever gave it only has to wait."""
    gate_id = desk.made.gates["River gate"]
    page = opened(f"/gates/{gate_id}/commands/sync")
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator(".commands")).to_contain_text("Waiting")
    with transaction(open_engine(desk.url)) as conn:
        (command,) = commands.open_for(conn, gate_id, NOW)
        commands.result(conn, gate_id, command.command_id, "done", "Everything is sent.", NOW)
    page.evaluate(LOOK)
    expect(page.locator(".commands")).to_contain_text("Everything is sent.")


def test_a_lost_centre_is_said_and_found_again(desk: PagesDesk, opened: Callable[..., Page], server: WebServer) -> None:
    """What is shown is old then, and the page says so until it is not."""
    page, port = opened("/"), server.port
    server.stop()
    for _ in range(2):
        with page.expect_event("requestfailed"):
            page.evaluate(LOOK)
    expect(page.locator("#link")).to_contain_text("connection to the centre is lost")
    again = serve(desk, port)
    page.evaluate(LOOK)
    expect(page.locator("#link")).to_be_hidden()
    again.stop()
    server.start()


def test_a_page_out_of_sight_asks_nothing(opened: Callable[..., Page]) -> None:
    """It asks again, at once, when it is seen."""
    page = opened("/")
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true })")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "fetch" else None)
    page.evaluate(f"window.away = true; {LOOK}")
    page.clock.install()
    page.clock.run_for(60_000)
    assert asked == []
    with page.expect_response(re.compile("/")):
        page.evaluate(f"window.away = false; {LOOK}")


def test_a_session_that_ended_is_said(desk: PagesDesk, opened: Callable[..., Page]) -> None:
    """With the way to log in again, not with somebody else's page inside this one."""
    page = opened("/")
    page.context.clear_cookies()
    page.evaluate(LOOK)
    expect(page.locator("#link")).to_contain_text("no longer logged in")
    page.get_by_role("link", name="Log in again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_paper_has_what_matters(desk: PagesDesk, opened: Callable[..., Page]) -> None:
    """No menu, no buttons; the gates and their states."""
    page = opened("/")
    page.emulate_media(media="print")
    expect(page.locator("tr.gate").first).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    expect(page.get_by_role("button", name="Search")).to_be_hidden()
