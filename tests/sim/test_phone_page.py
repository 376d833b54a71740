"""The page of the simulated phone in a real browser: what a parent reads, answers, and what can be made to go wrong."""

import http.client
import json
import re
from collections.abc import Callable, Iterator

import pytest
from phone_client import ANA, BEN, PASSWORD, Listener, call, message
from playwright.sync_api import Browser, Page, expect

from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_settings import LimitPeriod, PhoneSettings
from attendance.sim.web.phone_page import view


@pytest.fixture
def phone() -> Iterator[SimulatedPhone]:
    with SimulatedPhone(password=PASSWORD, seed=1, settings=PhoneSettings(speed=40)) as phone:
        yield phone


@pytest.fixture
def page(browser: Browser, phone: SimulatedPhone) -> Iterator[Page]:
    """The open page; it must say nothing in the console and ask no other machine."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text))
    page.on("request", lambda request: None if _own(request.url) else complaints.append(request.url))
    page.goto(f"{phone.url}/")
    expect(page.locator("body")).to_have_attribute("data-link", "ok")
    yield page
    page.close()
    assert complaints == []


def _own(url: str) -> bool:
    return re.match(r"http://127\.0\.0\.1:\d+/", url) is not None


def test_a_message_appears_where_its_parent_reads_it(phone: SimulatedPhone, page: Page) -> None:
    """Words, time and two ticks; before, the page says that there is none."""
    expect(page.locator("#empty")).to_be_visible()
    call(phone, "POST", "/messages", message(text="Ana arrived at 7:02 AM."))
    bubble = page.locator(".said")
    expect(bubble).to_have_attribute("data-state", "Delivered")
    expect(bubble.locator("p")).to_have_text("Ana arrived at 7:02 AM.")
    expect(bubble.locator("use")).to_have_attribute("href", "#i-delivered")
    expect(bubble.locator("small")).to_have_text(re.compile(r"^\d\d:\d\d"))
    expect(page.locator("#n-delivered")).to_have_text("1")
    expect(page.locator("#whose")).to_have_text("The phone of +63 917 123 4567")


def test_each_parent_has_a_phone_of_their_own(phone: SimulatedPhone, page: Page) -> None:
    """The newest is followed; another one is chosen by a click, and stays."""
    call(phone, "POST", "/messages", message("m-1", ANA, "for Ana's mother"))
    expect(page.locator(".said p")).to_have_text(["for Ana's mother"])
    call(phone, "POST", "/messages", message("m-2", BEN, "for Ben's father"))
    expect(page.locator(".said p")).to_have_text(["for Ben's father"])
    page.locator(f'[data-phone="{ANA}"]').click()
    expect(page.locator(".said p")).to_have_text(["for Ana's mother"])
    call(phone, "POST", "/messages", message("m-3", BEN, "again"))
    expect(page.locator(f'[data-phone="{BEN}"]')).to_have_attribute("data-new", "yes")
    expect(page.locator(".said p")).to_have_text(["for Ana's mother"])


def test_a_parent_can_answer(phone: SimulatedPhone, page: Page, eventually: Callable[..., None]) -> None:
    """With a word at hand or in own words; the gate is told, the conversation shows it."""
    listener = Listener()
    phone.register(listener.url)
    call(phone, "POST", "/messages", message())
    expect(page.locator(".said")).to_have_count(1)
    page.get_by_role("button", name="STOP").click()
    expect(page.locator(".parent-said p")).to_have_text(["STOP"])
    page.locator("#answer").fill("Salamat <b>po</b>!")
    page.locator("#answer").press("Enter")
    expect(page.locator(".parent-said p")).to_have_text(["STOP", "Salamat <b>po</b>!"])
    eventually(lambda: len(listener.of("sms:received")) == 2)
    assert {each["payload"]["sender"] for each in listener.of("sms:received")} == {ANA}
    listener.close()


def test_what_does_not_arrive_is_shown_as_such(phone: SimulatedPhone, page: Page) -> None:
    """A failed message with its reason, a waiting one as waiting; neither looks like one that was read."""
    phone.phone.switch(Fault.NO_SERVICE, True)
    call(phone, "POST", "/messages", message("m-1"))
    failed = page.locator('.said[data-state="Failed"]')
    expect(failed.locator("small")).to_contain_text("service is currently unavailable")
    expect(failed).to_have_attribute("data-arrived", "no")
    phone.phone.configure(PhoneSettings(limit_period=LimitPeriod.PER_HOUR, limit_value=1))
    call(phone, "POST", "/messages", message("m-2"))
    expect(page.locator('.said[data-state="Pending"] small')).to_contain_text("waits on the school’s phone")
    expect(page.locator("#rule")).to_have_text("At most 1 an hour, the newest first.")


def test_a_fault_is_a_switch(phone: SimulatedPhone, page: Page, eventually: Callable[..., None]) -> None:
    """On and off, here and wherever else it was switched."""
    error = page.locator('[data-fault="error"]')
    page.get_by_text("Server error").click()
    eventually(lambda: phone.phone.faults.on() == [Fault.ERROR])
    assert call(phone, "POST", "/messages", message()).status == 500
    phone.phone.switch(Fault.ERROR, False)
    expect(error).not_to_be_checked()
    expect(page.locator("[data-fault]")).to_have_count(len(Fault))


def test_a_ping_and_the_reports_can_be_seen(phone: SimulatedPhone, page: Page) -> None:
    """Who is told, and what was answered."""
    listener = Listener()
    phone.register(listener.url)
    expect(page.locator("#told")).to_contain_text(listener.url)
    page.get_by_role("button", name="Send a ping").click()
    expect(page.locator("#posted li")).to_have_text(["system:ping200"])
    listener.close()


def test_the_page_says_when_the_phone_is_off_and_goes_on_by_itself(phone: SimulatedPhone, browser: Browser) -> None:
    """A restarted phone on the same port is found again."""
    page = browser.new_page()
    page.goto(f"{phone.url}/")
    expect(page.locator("body")).to_have_attribute("data-link", "ok")
    port = phone.port
    assert phone.stop()
    expect(page.locator("#lost")).to_be_visible()
    with SimulatedPhone(port=port, password=PASSWORD, settings=PhoneSettings(speed=40)) as again:
        call(again, "POST", "/messages", message(text="after the restart"))
        expect(page.locator(".said p")).to_have_text(["after the restart"])
        expect(page.locator("#lost")).to_be_hidden()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (1100, 640), (390, 844)])
def test_everything_is_inside_the_phone(
    phone: SimulatedPhone, browser: Browser, size: tuple[int, int], scheme: str
) -> None:
    """At every size and in both schemes: nothing runs over the edge, and words can be read on their ground."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    call(phone, "POST", "/messages", message(text="word " * 60 + "x" * 80))
    page.goto(f"{phone.url}/")
    expect(page.locator(".said")).to_have_attribute("data-state", "Delivered")
    glass = page.locator("#glass").bounding_box()
    assert glass is not None
    for part in ("#status-bar", "#app-bar", "#thread", "#composer", ".chips", "#answer", "#home"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] >= glass["x"] - 1, part
        assert box["x"] + box["width"] <= glass["x"] + glass["width"] + 1, part
        assert box["y"] + box["height"] <= glass["y"] + glass["height"] + 1, part
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for words in (".said p", ".said small", "h1", "#told"):
        assert page.evaluate(_CONTRAST, words) >= 4.5, words
    context.close()


_CONTRAST = """(selector) => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).map(Number);
    const shares = parts.slice(0, 3).map((c) => c / 255);
    const linear = shares.map((c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4));
    return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2];
  };
  const element = document.querySelector(selector);
  let ground = element;
  while (/, 0\\)$|transparent/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
  const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(ground).backgroundColor)];
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}"""


@pytest.mark.parametrize(
    ("host", "kind", "status"),
    [
        ("evil.example", "application/json", 403),
        ("127.0.0.1", "text/plain", 415),
        ("127.0.0.1", "application/json", 204),
    ],
)
def test_a_foreign_page_cannot_speak_for_parents(phone: SimulatedPhone, host: str, kind: str, status: int) -> None:
    """Neither by a name bent to this address, nor by a form."""
    body = json.dumps({"phone": ANA, "text": "STOP"}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", phone.port, timeout=10)
    connection.request("POST", "/answers", body, {"Host": host, "Content-Type": kind})
    assert connection.getresponse().status == status
    connection.close()
    assert len(phone.phone.heard) == (status == 204)


def test_a_screen_that_was_seen_is_not_sent_again(phone: SimulatedPhone) -> None:
    """204, until something changes; without a password, because it is a page."""
    seen = call(phone, "GET", "/screen", auth=None).json["revision"]
    assert call(phone, "GET", f"/screen?seen={seen}", auth=None).status == 204
    phone.phone.answer(ANA, "Hello")
    assert call(phone, "GET", f"/screen?seen={seen}", auth=None).status == 200


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/answers", {}),
        ("/answers", {"phone": ANA, "text": " "}),
        ("/answers", {"phone": ANA, "text": "x" * 481}),
        ("/faults", {"fault": "invented", "on": True}),
        ("/faults", {"fault": "error", "on": 1}),
        ("/faults", {"fault": "error", "on": True, "seconds": -1}),
        ("/faults", {"fault": [], "on": True}),
    ],
)
def test_nonsense_is_refused(phone: SimulatedPhone, path: str, fields: object) -> None:
    """400 with a reason."""
    assert call(phone, "POST", path, fields, auth=None).status == 400


def test_a_school_of_messages_is_shown_in_bounds(phone: SimulatedPhone) -> None:
    """Of many parents the newest, of much that was said the end."""
    for number in range(100):
        phone.phone.answer(f"+63917000{number:04}", "Hello")
    for number in range(50):
        phone.phone.answer(ANA, f"answer {number}")
    parents = view(phone.phone)["parents"]
    assert len(parents) == 60
    assert parents[0]["phone"] == ANA
    assert [parents[0]["said"][0]["text"], parents[0]["said"][-1]["text"]] == ["answer 10", "answer 49"]
