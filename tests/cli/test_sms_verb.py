"""``attendance sms``, as an office uses it, against a simulated phone where one is needed."""

import json
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance.cli import main
from attendance.clock import SystemClock
from attendance.domain.receipt import GatewayState, Report
from attendance.kiosk.store import receipts
from attendance.kiosk.store.database import writing
from attendance.kiosk.store.receipts import Rules
from attendance.sim.phone_device import SimulatedPhone

Verb = Callable[..., tuple[int, str, str]]


class Office:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.config = folder / "config.json"
        self.where = ["--config", str(self.config), "--data-dir", str(folder / "data")]
        self.configure({})

    def configure(self, sms: dict[str, Any], **sections: Any) -> None:
        self.config.write_text(json.dumps({"sms_notifications": {"enabled": True, **sms}, **sections}))

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, *self.where])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def json(self, *words: str) -> Any:
        code, out, err = self(*words, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    office = Office(tmp_path, capsys)
    added = office("students", "add", "2026-0001", "Cruz, Ana", "--phone", "0917 123 4567", "--section", "7-A")
    assert added[0] == 0, added
    return office


def test_a_message_that_was_written_waits_masked_and_can_be_cancelled_and_retried(office: Office) -> None:
    """Who looks over a shoulder sees neither number nor text."""
    code, out, _ = office("sms", "send", "No classes tomorrow.", "--student", "2026-0001")
    assert code == 0
    message_id = out.strip()
    [row] = office.json("sms", "list")
    assert (row["message_id"], row["state"], row["phone"]) == (message_id, "waiting", "+63917•••4567")
    assert "No classes" not in office("sms", "show", message_id)[1]
    assert "No classes" in office("sms", "show", message_id, "--reveal")[1]
    assert "+639171234567" in office("sms", "list", "--reveal")[1]
    assert office.json("sms", "status")["states"] == {"waiting": 1}
    assert office("sms", "cancel", message_id)[0] == 0
    assert office("sms", "cancel", message_id)[0] == 1
    again = office("sms", "retry", message_id)[1].strip()
    assert again != message_id
    assert [row["message_id"] for row in office.json("sms", "list", "--state", "waiting")] == [again]


@pytest.mark.parametrize(
    "words",
    [
        ("sms", "show", "nonsense"),
        ("sms", "retry", "nonsense"),
        ("sms", "cancel", "nonsense"),
        ("sms", "send", "x", "--student", "nobody"),
        ("sms", "send", "x", "--to", "12"),
        ("sms", "send", "", "--student", "2026-0001"),
        ("sms", "send", "a\udcff", "--student", "2026-0001"),
        ("sms", "send", "red\x1b[31m", "--student", "2026-0001"),
        ("sms", "test", "--send-to", "12"),
        ("sms", "webhooks", "register", "https://gate.school.ph/sms-webhook", "--signing-key", "short"),
        ("sms", "absences", "--session", "night"),
        ("sms", "webhooks", "register", "http://192.168.1.5:8081/sms-webhook"),
    ],
)
def test_what_cannot_be_done_is_explained(office: Office, words: tuple[str, ...]) -> None:
    """One line that says what to do, and nothing is queued."""
    code, _, err = office(*words)
    assert code == 1
    assert err.startswith("attendance: ")
    assert "should not have happened" not in err
    assert office.json("sms", "list") == []


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--limit", "9" * 25),
        ("list", "--limit", "0"),
        ("list", "--student", "\udcff"),
        ("show", "\udcff"),
        ("retry", "\udcff"),
        ("cancel", "\udcff"),
        ("send", "x", "--student", "\udcff"),
    ],
)
def test_words_that_cannot_be_are_a_wrong_use(
    office: Office, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """A terminal passes any bytes on; the answer names the argument."""
    with pytest.raises(SystemExit) as ended:
        office("sms", *words)
    assert ended.value.code == 2
    assert "argument" in capsys.readouterr().err


def test_programs_can_write_cancel_and_retry(office: Office) -> None:
    """Each verb answers in JSON with the id that the next one needs."""
    [message_id] = office.json("sms", "send", "No classes 👨‍👩‍👧.", "--student", "2026-0001")["message_ids"]
    assert office.json("sms", "cancel", message_id) == {"message_id": message_id, "state": "cancelled"}
    again = office.json("sms", "retry", message_id)
    assert again["retry_of"] == message_id
    assert office.json("sms", "show", again["message_id"])["state"] == "waiting"


def test_what_a_phone_says_of_a_number_is_masked(office: Office, tmp_path: Path) -> None:
    """In the reports about a message, too."""
    [message_id] = office.json("sms", "send", "Hello.", "--student", "2026-0001")["message_ids"]
    rules = Rules(log_deliveries=True, retry_failed=False, expire_after=timedelta(hours=2), zone=UTC)
    failed = Report("e", "sms:failed", message_id, GatewayState.FAILED, reason="no service for 0917 123 4567")
    with writing(tmp_path / "data" / "attendance.db") as conn:
        receipts.record(conn, failed, SystemClock().now(), rules)
    for words in (("sms", "show", message_id), ("sms", "show", message_id, "--json"), ("sms", "list")):
        out = office(*words)[1]
        assert "123 4567" not in out
        assert "no service" in out
    assert "0917 123 4567" in office("sms", "show", message_id, "--reveal")[1]


def test_the_texts_are_shown_with_their_parts(office: Office) -> None:
    """Each built-in text is one part of GSM-7; the school's own is shown as it would be sent."""
    shown = office.json("sms", "preview")
    assert {text["parts"] for text in shown.values()} == {1}
    assert {text["encoding"] for text in shown.values()} == {"GSM-7"}
    office.configure({"login_message_template": "{student_name} is here, {time}."})
    assert "is here" in office.json("sms", "preview", "check_in")["check_in"]["text"]


def test_a_faulty_template_stops_the_start_and_names_the_key(office: Office) -> None:
    """Exit code 2, like any other fault of the configuration, and found by ``config check``."""
    office.configure({"login_message_template": "{student_nmae} is here."})
    for words in (("sms", "preview"), ("config", "check"), ("run", "--headless")):
        code, _, err = office(*words)
        assert code == 2, words
        assert "login_message_template" in err
        assert "student_name" in err


def test_the_gateway_is_tried_without_sending_anything(office: Office) -> None:
    """Right and wrong credentials, and no phone at all, are told apart; no message leaves."""
    with SimulatedPhone(password="right", seed=1) as phone:
        office.configure({"api_url": phone.url, "username": phone.username, "password": "right"})
        code, out, _ = office("sms", "test")
        assert (code, "ok " in out) == (0, True)
        office.configure({"api_url": phone.url, "username": phone.username, "password": "wrong"})
        code, out, _ = office("sms", "test")
        assert (code, "problem" in out) == (1, True)
        assert phone.phone.arrivals == []
        url = phone.url
    office.configure({"api_url": url, "username": "sms", "password": "right"})
    assert office("sms", "test")[0] == 1
    office.configure({})
    code, out, _ = office("sms", "test")
    assert (code, "->" in out) == (1, True)


def test_the_test_of_the_gateways_can_be_read_by_programs(office: Office) -> None:
    """What works, what does not, and the message that it has sent; a gateway that cannot be used is a failure, too."""
    with SimulatedPhone(password="right", seed=1) as phone:
        account = {"api_url": phone.url, "username": phone.username, "password": "right"}
        office.configure(account)
        found = office.json("sms", "test")
        assert [(each["name"], each["works"]) for each in found["gateways"]] == [("sms_gate", True)]
        assert (found["problems"], found["message_id"]) == ([], None)
        message_id = office.json("sms", "test", "--send-to", "0917 123 4567")["message_id"]
        assert office.json("sms", "show", message_id)["kind"] == "notice"
        office.configure({**account, "backup_phone": {"enabled": True}})
        code, out, _ = office("sms", "test", "--json")
        assert (code, json.loads(out)["problems"][0]["code"]) == (1, "sms-not-configured")


def test_webhooks_are_registered_listed_and_removed(office: Office) -> None:
    """The phone knows where to report, and strangers' registrations stay."""
    with SimulatedPhone(password="right", seed=1) as phone:
        phone.register("http://127.0.0.1:9/other", events=["sms:sent"])
        office.configure({"api_url": phone.url, "username": phone.username, "password": "right"})
        assert office("sms", "webhooks", "register", "http://127.0.0.1:8081/sms-webhook")[0] == 0
        listed = office("sms", "webhooks", "list")[1]
        assert "sms:delivered" in listed
        assert "(not of this gate)" in listed
        assert {each["ours"] for each in office.json("sms", "webhooks", "list")} == {True, False}
        assert office("sms", "webhooks", "remove")[0] == 0
        assert office("sms", "webhooks", "list")[1].strip().endswith("1 webhooks.")


def test_limits_that_cannot_carry_the_school_are_said(office: Office, tmp_path: Path) -> None:
    """A thousand students at sixty an hour: how many parents would not be told, and what would fit."""
    assert office.json("sms", "status")["limits"] == []
    listing = tmp_path / "school.csv"
    assert main(["demo-school", "--count", "1000", "--out", str(listing)]) == 0
    assert office("students", "import", str(listing))[0] == 0
    sentences = office.json("sms", "status")["limits"]
    assert "parents would not be told" in sentences[0]
    assert any("max_per_hour" in sentence for sentence in sentences)
    findings = [each for each in json.loads(office("doctor", "--json")[1]) if each["what"] == "messages"]
    assert any("parents would not be told" in each["found"] and "max_per_hour" in each["remedy"] for each in findings)


def test_absences_say_why_nothing_is_sent(office: Office) -> None:
    """A dry run for a day names the students, masks the numbers and gives every reason against telling."""
    rounds = office.json("sms", "absences", "--date", "2026-06-08", "--dry-run")
    absence = next(each for each in rounds if (each["session"], each["kind"]) == ("morning", "absence"))
    assert absence["switched_on"] is False
    assert absence["reasons"]
    assert office("sms", "absences", "--date", "2026-06-08", "--off")[0] == 0
    off = office.json("sms", "absences", "--date", "2026-06-08")
    assert all("switched-off" in each["reasons"] for each in off)
    assert office("sms", "absences", "--date", "2026-06-08", "--on")[0] == 0
    assert all("switched-off" not in each["reasons"] for each in office.json("sms", "absences", "--date", "2026-06-08"))


def test_a_guardian_s_wishes_are_shown_and_changed(office: Office) -> None:
    """By the office, for whoever asks there instead of answering STOP; a message to them is refused then."""
    assert "gets messages" in office("sms", "guardian", "2026-0001")[1]
    code, out, _ = office(
        "sms", "guardian", "2026-0001", "09171234567", "--stop", "--language", "fil", "--mute", "check_in"
    )
    assert code == 0
    assert "no messages since" in out
    assert "no check_in" in out
    assert office("sms", "send", "x", "--student", "2026-0001")[0] == 1
    assert "gets messages  fil" in office("sms", "guardian", "2026-0001", "09171234567", "--start", "--mute")[1]
    assert office("sms", "guardian", "2026-0001", "--stop")[0] == 1
    assert office("sms", "guardian", "2026-0001", "09170000000", "--stop")[0] == 1
