"""``attendance sms absences``: the office sees who would be told and has the last word."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance.cli import main
from attendance.clock import SystemClock
from attendance.domain.message import MessageKind
from attendance.kiosk.store import foreign_scans, notices, preferences
from attendance.kiosk.store.database import writing
from attendance.kiosk.store.notices import Notice

DAY = "2026-06-08"


class Office:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.data = folder / "data"
        self._config = folder / "config.json"
        self.configure()

    def configure(self, *, enabled: bool = True, **sections: Any) -> None:
        sms = {"enabled": enabled, "notification_preferences": {"absence": True, "no_checkout": True}}
        self._config.write_text(json.dumps({"sms_notifications": sms, **sections}))

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--config", str(self._config), "--data-dir", str(self.data)])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def rounds(self, *words: str, day: str = DAY) -> list[dict[str, Any]]:
        code, out, err = self("sms", "absences", "--date", day, *words, "--json")
        assert code == 0, err
        return list(json.loads(out))


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    office = Office(tmp_path, capsys)
    for number, section in (("2026-0001", "7-A"), ("2026-0002", "9-B")):
        added = office(*f"students add {number} Child{number[-1]} --phone 09171234567 --section {section}".split())
        assert added[0] == 0
    with writing(office.data / "attendance.db") as conn:
        conn.execute("UPDATE students SET added_at = '2026-01-01T00:00:00.000000Z'")
    return office


def test_a_dry_run_shows_each_message_once(office: Office) -> None:
    """Siblings share one. Numbers are masked, and the text is left out, unless they are asked for."""
    [shown] = office.rounds("--dry-run", "--session", "morning")[0]["texts"]
    assert shown == {"phone": "+63917•••4567", "student_ids": ["2026-0001", "2026-0002"], "parts": 1}
    [revealed] = office.rounds("--dry-run", "--session", "morning", "--reveal")[0]["texts"]
    assert revealed["phone"] == "+639171234567"
    assert revealed["text"] == "School: no arrival of Child1 and Child2 was recorded on Jun 8 (morning)."
    assert revealed["text"] in office("sms", "absences", "--date", DAY, "--reveal")[1]
    assert "+639171234567" not in office("sms", "absences", "--date", DAY)[1]


@pytest.mark.parametrize(
    ("configure", "kind", "said"),
    [
        (lambda office: office.configure(enabled=False), "absence", "sms_notifications.enabled"),
        (
            lambda office: office.configure(school_schedule={"require_logout": False}),
            "no_checkout",
            "school_schedule.require_logout",
        ),
        (lambda office: office.configure(), "absence", None),
    ],
)
def test_the_setting_that_switches_a_kind_off_is_named(
    office: Office, configure: Callable[[Office], None], kind: str, said: str | None
) -> None:
    """The one that a person must change."""
    configure(office)
    assert {row["switched_off_by"] for row in office.rounds() if row["kind"] == kind} == {said}


def test_the_scans_of_other_gates_are_looked_for(office: Office) -> None:
    """The dry run knows what the gate knows of them."""
    office.configure(school={"gates": 2})
    assert all("other-gates" in row["reasons"] for row in office.rounds())
    with writing(office.data / "attendance.db") as conn:
        foreign_scans.confirm(conn, SystemClock().now().at - timedelta(days=900), SystemClock().now().at)
    assert all("other-gates" not in row["reasons"] for row in office.rounds())


def test_nothing_is_confirmed_before_it_is_known(office: Office) -> None:
    """Who confirms must have seen how many are missing."""
    code, _, err = office("sms", "absences", "--date", "2099-06-08", "--confirm")
    assert code == 1
    assert "cannot" not in err
    assert "Nothing can be confirmed yet" in err
    assert office("sms", "absences", "--date", DAY, "--confirm")[0] == 0


def test_before_its_time_only_what_somebody_chose_is_said(office: Office) -> None:
    """That nobody has come yet is no news."""
    for row in office.rounds("--off", day="2099-06-08"):
        assert set(row["sentences"]) <= {
            "It is not time yet.",
            "A person has switched it off.",
            "Its students have a later session on that day.",
        }


def test_one_session_of_a_day_that_is_off_cannot_be_switched_on(office: Office) -> None:
    """It would stay off; the office is told what to do instead."""
    assert office("sms", "absences", "--date", DAY, "--off")[0] == 0
    code, _, err = office("sms", "absences", "--date", DAY, "--session", "morning", "--on")
    assert code == 1
    assert "--on without --session" in err
    assert office("sms", "absences", "--date", DAY, "--on")[0] == 0
    assert all("switched-off" not in row["reasons"] for row in office.rounds())


def test_switching_off_calls_back_what_still_waits(office: Office) -> None:
    """At once: the gate may not even run."""
    with writing(office.data / "attendance.db") as conn:
        [guardian] = preferences.of_student(conn, "2026-0001")
        told = Notice(guardian.student_key, guardian.guardian_id, MessageKind.ABSENCE, date(2026, 6, 8), "morning")
        notices.queue(conn, told, SystemClock().now())
    assert "Messages that still waited and are cancelled: 1." in office("sms", "absences", "--date", DAY, "--off")[1]
    [row] = json.loads(office("sms", "list", "--json")[1])
    assert (row["state"], row["reason"]) == ("cancelled", "A person has switched it off.")
