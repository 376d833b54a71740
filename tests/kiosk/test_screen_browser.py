"""The screen in a real browser."""

import re
import time
from collections.abc import Iterator

import pytest
from gate_screen import Gate, picture, scan_event
from playwright.sync_api import Browser, Page, expect

from attendance.kiosk.web.access import Access
from attendance.ops.webserver import WebServer


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def server(gate: Gate) -> Iterator[WebServer]:
    server = gate.server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def page(browser: Browser, server: WebServer) -> Iterator[Page]:
    """The open screen; it must say nothing in the console and ask no other machine."""
    page = browser.new_page(viewport={"width": 800, "height": 480})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if _own(request.url) else complaints.append(request.url))
    page.goto(f"http://127.0.0.1:{server.port}/")
    expect(page.locator("body")).to_have_attribute("data-link", "ok")
    yield page
    page.close()
    assert complaints == []


def _own(url: str) -> bool:
    return re.match(r"http://127\.0\.0\.1:\d+/", url) is not None


@pytest.mark.parametrize("size", [(800, 480), (1920, 1080)])
@pytest.mark.parametrize(
    ("tone", "title"),
    [
        ("in", "In"),
        ("out", "Left early"),
        ("late", "Late"),
        ("duplicate", "Already scanned"),
        ("unknown", "Not known"),
        ("wrong_time", "Wrong time"),
        ("refused", "Card refused"),
    ],
)
def test_each_result_is_shown_whole(gate: Gate, page: Page, tone: str, title: str, size: tuple[int, int]) -> None:
    """The word, the student and the sentence, all inside the screen and not cut off."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    name = "Maria Cristina Dela Cruz-Villanueva"
    gate.events.publish(
        "scan", scan_event(tone, title, name=name, sentence="Please go to the office of your adviser now.")
    )
    expect(page.locator("body")).to_have_attribute("data-tone", tone)
    expect(page.locator("#headline-word")).to_have_text(title.upper())
    expect(page.locator("#name")).to_have_text(name)
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    for part in ("#headline-word", "#name", "#section", "#sentence", "#when"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] >= stage["x"]
        assert box["x"] + box["width"] <= stage["x"] + stage["width"] + 1, part
        assert box["y"] >= stage["y"], part
        assert box["y"] + box["height"] <= stage["y"] + stage["height"] + 1, part


def test_results_are_told_to_those_who_cannot_see_them(gate: Gate, page: Page) -> None:
    """The result region is live, and has the word and the student."""
    gate.events.publish("scan", scan_event("late", "Late"))
    region = page.get_by_role("status")
    expect(region).to_have_attribute("aria-live", "assertive")
    expect(region).to_contain_text("Late")
    expect(region).to_contain_text("Maria Santos")


def test_a_new_result_wins_at_once_and_the_last_four_stay(gate: Gate, page: Page) -> None:
    """Six students in a row: the sixth has the screen, the list has the newest four, newest first."""
    for number in range(6):
        gate.events.publish("scan", scan_event(name=f"Student {number}", scan_id=f"s{number}", count=number))
    expect(page.locator("#name")).to_have_text("Student 5")
    expect(page.locator("#recent b")).to_have_text(["Student 5", "Student 4", "Student 3", "Student 2"])
    expect(page.locator("#count")).to_have_text("5")


def test_the_result_gives_the_screen_back(gate: Gate, page: Page) -> None:
    """After about two and a half seconds the live view is back."""
    gate.events.publish("scan", scan_event())
    expect(page.locator("body")).to_have_attribute("data-tone", "in")
    began = time.monotonic()
    expect(page.locator("body")).to_have_attribute("data-tone", "standby", timeout=6000)
    assert 1.5 < time.monotonic() - began < 4
    expect(page.locator("#invitation")).to_be_visible()


def test_the_photo_of_the_student_on_show_is_shown(gate: Gate, page: Page) -> None:
    """A photo that follows its scan appears; one of another scan does not."""
    gate.photos = {"scan-1": picture(48, 64), "scan-2": picture(48, 64)}
    gate.events.publish("scan", scan_event(scan_id="scan-1"))
    gate.events.publish("photo", {"scan_id": "scan-2"})
    gate.events.publish("photo", {"scan_id": "scan-1"})
    expect(page.locator("#photo")).to_be_visible()
    expect(page.locator("#photo")).to_have_attribute("src", re.compile(r"/photo/scan-1\.jpg"))


def test_each_tone_has_its_own_sound(browser: Browser, gate: Gate, server: WebServer) -> None:
    """Seven tones, seven different sequences of notes."""
    page = browser.new_page()
    page.add_init_script("""
        window.notes = [];
        window.OscillatorNode = class extends OscillatorNode {
            constructor(context, options) { super(context, options); notes.push([options.type, options.frequency]); }
        };
    """)
    page.goto(f"http://127.0.0.1:{server.port}/")
    expect(page.locator("body")).to_have_attribute("data-link", "ok")
    melodies = set()
    for tone in ("in", "out", "late", "duplicate", "unknown", "wrong_time", "refused"):
        gate.events.publish("scan", scan_event(tone))
        expect(page.locator("body")).to_have_attribute("data-tone", tone)
        melodies.add(str(page.evaluate("notes.splice(0)")))
    assert len(melodies) == 7
    assert "[]" not in melodies
    page.close()


def test_names_are_text(gate: Gate, page: Page) -> None:
    """A name that looks like markup is shown as it is."""
    gate.events.publish("scan", scan_event(name="<img src=x onerror=alert(1)>"))
    expect(page.locator("#name")).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#recent img")).to_have_count(0)


def read(page: Page, text: str) -> None:
    """Press keys as a reader does, all in one moment, however busy the machine of the test is."""
    page.evaluate(
        """text => {
            const press = key => dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
            for (const letter of text) {
                if (letter !== letter.toLowerCase()) press("Shift");
                press(letter === "\\n" ? "Enter" : letter);
            }
        }""",
        text,
    )


def test_a_reader_s_keys_become_a_scan(gate: Gate, page: Page) -> None:
    """Text followed by Enter, capitals with Shift, anywhere on the page; and the next one starts afresh."""
    with page.expect_response("**/scan") as first:
        read(page, "Att1:7/2024-001\n")
    with page.expect_response("**/scan") as second:
        read(page, "0012345678\n")
    assert (first.value.status, second.value.status) == (202, 202)
    assert gate.scans == [b"Att1:7/2024-001", b"0012345678"]


def test_slow_typing_is_no_scan(gate: Gate, page: Page) -> None:
    """Somebody who plays with the keyboard does not make scans: only the quick end counts."""
    page.keyboard.type("12")
    page.wait_for_timeout(400)
    with page.expect_response("**/scan"):
        read(page, "345\n")
    assert gate.scans == [b"345"]


def test_a_card_that_was_not_taken_is_said(gate: Gate, page: Page) -> None:
    """A reader's card that the gate refuses to take is not silently lost."""
    gate.takes_scans = False
    read(page, "345\n")
    expect(page.locator("#problems")).to_contain_text("Scan it again")


def test_the_clock_is_the_gate_s(page: Page) -> None:
    """The gate's time in the school's zone, whatever this machine believes."""
    expect(page.locator("#clock-time")).to_have_text("07:12")
    expect(page.locator("#date")).to_have_text("Tuesday 9 June")


def test_problems_and_what_to_do_are_shown(gate: Gate, page: Page) -> None:
    """The worst one, with its remedy and how many more there are; gone when they are."""
    low = {"code": "disk-low", "severity": "warning", "text": "The disk is full.", "remedy": "Empty it."}
    lost = {"code": "camera", "severity": "error", "text": "The camera is lost.", "remedy": "Check its cable."}
    gate.events.publish(
        "state", {"count": 3, "problems": [low, lost], "camera": {"status": "lost", "detail": "Cable?"}}
    )
    expect(page.locator("#problems")).to_contain_text("The camera is lost. Check its cable.")
    expect(page.locator("#problem-more")).to_have_text("+ 1 more")
    expect(page.locator("#no-camera")).to_contain_text("Cable?")
    gate.events.publish("state", {"count": 3, "problems": [], "camera": {"status": "ok"}})
    expect(page.locator("#problems")).to_be_hidden()
    expect(page.locator("#no-camera")).to_be_hidden()


def test_the_live_view_is_seen(gate: Gate, page: Page) -> None:
    """Pictures reach the page, the camera was asked for them, and a lost camera leaves no old picture standing."""
    _show(gate, page, picture(320, 240), width=320)
    _show(gate, page, b"", width=1)
    _show(gate, page, picture(320, 240), width=320)
    assert gate.watched[0] == 12.0


def _show(gate: Gate, page: Page, jpeg: bytes, width: int) -> None:
    """Put pictures until the page has one that is ``width`` wide."""
    deadline = time.monotonic() + 5
    while page.locator("#live").evaluate("live => live.naturalWidth") != width:
        gate.preview.put(jpeg)
        assert time.monotonic() < deadline, f"no picture of width {width}"


def test_a_lost_gate_is_said_and_found_again(gate: Gate, server: WebServer, page: Page) -> None:
    """The page says that the connection is lost, and shows results again when the gate is back."""
    port = server.port
    server.stop()
    expect(page.locator("#lost")).to_be_visible()
    again = gate.server(port)
    again.start()
    expect(page.locator("#lost")).to_be_hidden(timeout=10_000)
    gate.events.publish("scan", scan_event(name="Juan Reyes"))
    expect(page.locator("#name")).to_have_text("Juan Reyes")
    again.stop()


def test_reduced_motion_is_respected(browser: Browser, server: WebServer) -> None:
    """Nothing moves for those who asked for it."""
    page = browser.new_page(reduced_motion="reduce")
    page.goto(f"http://127.0.0.1:{server.port}/")
    assert page.locator("#hold").evaluate("hold => getComputedStyle(hold).animationName") == "none"
    page.close()


def test_a_token_opens_the_screen_and_leaves_the_address(browser: Browser) -> None:
    """From a proxied machine: refused, then let in by the token, which is gone from the address bar."""
    gate = Gate(Access(screen_token="s3cret", trusted_proxies=["127.0.0.1"]))
    server = gate.server()
    server.start()
    context = browser.new_context(extra_http_headers={"X-Forwarded-For": "192.168.1.20"})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/")
    expect(page.locator("h1")).to_have_text("This screen is for the gate itself")
    page.goto(f"http://127.0.0.1:{server.port}/?token=s3cret")
    expect(page.locator("body")).to_have_attribute("data-link", "ok")
    assert page.url == f"http://127.0.0.1:{server.port}/"
    context.close()
    server.stop()
