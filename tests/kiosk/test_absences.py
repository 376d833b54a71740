"""Guardians are told of an absence once, when the gate can know it; otherwise the office is told why not."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from school_morning import MONDAY, MORNING, SchoolMorning

from attendance.clock import rfc3339
from attendance.domain.absence import Limits, Order, Others, Reason
from attendance.domain.answer import Wish
from attendance.domain.calendar import Closure, ClosureKind
from attendance.domain.contact import ForeignScan
from attendance.domain.message import MessageKind
from attendance.domain.scan import Direction, GateDirection, Refusal
from attendance.kiosk.sms.absence import look, recipients
from attendance.kiosk.store import absence, closures, foreign_scans, ledger, outbox, preferences, roster
from attendance.kiosk.store.database import begin_epoch, reading, writing

ANA = [("9", "absence", "2026-06-08", "morning")]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolMorning]:
    school = SchoolMorning(tmp_path)
    yield school
    school.close()


def usual(school: SchoolMorning) -> None:
    """The gate works all morning, nine of ten come, and it is time."""
    school.works("06:00", "08:00")
    school.go_to("06:45")
    school.come(range(9))
    school.go_to("08:00")


def rounds(school: SchoolMorning) -> list[tuple[str, str]]:
    return school.rows("SELECT decision, reasons FROM absence_rounds ORDER BY session, kind")


def test_the_guardian_of_the_missing_student_is_told(school: SchoolMorning) -> None:
    """With day and session, from which the text is made, and before arrivals."""
    usual(school)
    absences = school.absences()
    absences.step()
    assert school.queued() == ANA
    assert school.rows("SELECT priority, body, made_trusted, state FROM sms_outbox") == [(30, None, 1, "waiting")]
    assert absences.probe().problems == []
    assert absences.probe().values["rounds"][0] == {
        "day": "2026-06-08",
        "session": "morning",
        "kind": "absence",
        "decision": "told",
        "reasons": [],
        "expected": 10,
        "named": 1,
        "messages": 1,
    }


def test_nothing_before_its_time(school: SchoolMorning) -> None:
    """Latecomers have until half an hour after the window."""
    usual(school)
    school.clock.advance(-1)
    school.absences().step()
    assert (school.queued(), rounds(school)) == ([], [])


def test_once_over_restarts(school: SchoolMorning) -> None:
    """Whoever comes or goes afterwards, and whichever process looks."""
    usual(school)
    for _ in range(3):
        absences = school.absences()
        absences.step()
        school.clock.advance(60)
        absences.step()
    with writing(school.database) as conn:
        new = [roster.Guardian("+639170000009"), roster.Guardian("+639189999999")]
        roster.enrol(conn, roster.Enrolment("9", "Child 9", guardians=new), school.clock.now())
    school.absences().step()
    assert school.queued() == ANA


def test_a_kill_before_the_commit_leaves_nothing(school: SchoolMorning) -> None:
    """The messages and the decision are one transaction: after a crash in it the next process tells once."""
    usual(school)
    with writing(school.database) as conn:
        conn.execute("CREATE TRIGGER crash BEFORE INSERT ON absence_rounds BEGIN SELECT RAISE(ABORT, 'killed'); END")
    with pytest.raises(Exception, match="killed"):
        school.absences().step()
    assert school.queued() == []
    with writing(school.database) as conn:
        conn.execute("DROP TRIGGER crash")
    school.absences().step()
    assert school.queued() == ANA


def fresh_roster(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        conn.execute("UPDATE students SET added_at = '2026-06-07T17:00:00.000000Z'")  # 01:00 of that day in Manila


def empty_roster(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        conn.execute("UPDATE students SET removed_at = '2026-06-01T00:00:00.000000Z'")


def suspended(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        closures.add(conn, Closure(MONDAY, MONDAY, ClosureKind.SUSPENSION, "Storm"))


def switched_off(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        absence.give_order(conn, MONDAY, "", Order.OFF, school.clock.now())


def jumped(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        conn.execute("UPDATE proof_of_work SET after_jump = 1")


def hole(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        conn.execute("DELETE FROM proof_of_work")
    school.works("06:00", "07:00")
    school.works("07:04", "08:00")


def repaired(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        begin_epoch(conn, "repaired", school.clock.now())


def nobody(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        conn.execute("DROP TRIGGER attendance_is_append_only_delete")
        conn.execute("DELETE FROM attendance")


def nothing(school: SchoolMorning) -> None:
    """The rules alone do it."""


def many(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        conn.execute(
            "UPDATE students SET allowed_session = 'afternoon' WHERE student_id IN ('0', '1', '2', '3', '4', '5')"
        )


def unproven(day: date, session: str, kind: MessageKind) -> Others:
    """The scans of the other gates are here, but the camera of one was dead."""
    return Others.UNPROVEN


@pytest.mark.parametrize(
    ("harm", "rules", "reason", "problem"),
    [
        (hole, {}, Reason.NOT_PROVEN, "absence-not-proven"),
        (repaired, {}, Reason.NOT_PROVEN, "absence-not-proven"),
        (jumped, {}, Reason.CLOCK_JUMPED, "absence-clock-jumped"),
        (fresh_roster, {}, Reason.ROSTER_FRESH, "absence-roster-fresh"),
        (empty_roster, {}, Reason.ROSTER_EMPTY, "absence-roster-empty"),
        (nobody, {}, Reason.NOBODY_CAME, "absence-nobody-came"),
        (many, {}, Reason.TOO_MANY, "absence-too-many"),
        (suspended, {}, Reason.NO_CLASSES, None),
        (switched_off, {}, Reason.SWITCHED_OFF, None),
        (nothing, {"gates": 2}, Reason.OTHER_GATES, "absence-other-gates"),
        (nothing, {"gates": 2, "others_confirmed": unproven}, Reason.OTHERS_UNPROVEN, "absence-others-unproven"),
        (nothing, {"direction": GateDirection.OUT}, Reason.ONE_WAY, "absence-one-way"),
    ],
)
def test_each_guard_alone_holds_it_and_the_office_sees_why(
    school: SchoolMorning, harm: Any, rules: dict[str, Any], reason: Reason, problem: str | None
) -> None:
    """Nothing is queued, the reason is stored, and health says what to do, unless somebody wanted it so."""
    usual(school)
    harm(school)
    absences = school.absences(**rules)
    absences.step()
    assert school.queued() == []
    assert rounds(school) == [("held", reason.value)]
    assert [found.code for found in absences.probe().problems] == ([problem] if problem else [])


def test_the_office_reads_when_the_gate_was_away(school: SchoolMorning) -> None:
    """In the school's time."""
    usual(school)
    hole(school)
    absences = school.absences()
    absences.step()
    assert "of 2026-06-08, morning: the gate did not provably work at 07:00-07:04." in absences.probe().problems[0].text


def test_an_untrusted_clock_judges_nothing(school: SchoolMorning) -> None:
    """Which day it is would be a guess. When the clock is right again, the hole that it left speaks."""
    usual(school)
    school.clock.trusted = False
    absences = school.absences()
    absences.step()
    assert (school.queued(), rounds(school)) == ([], [])
    assert [problem.code for problem in absences.probe().problems] == ["absence-clock-unsure"]
    with reading(school.database) as conn:
        now = school.clock.now()
        found = look(conn, school.rules(), MONDAY, MORNING, MessageKind.ABSENCE, now)
    assert found.reasons == (Reason.CLOCK_UNSURE,)


def test_a_switched_off_kind_is_not_judged(school: SchoolMorning) -> None:
    """Off is the default: no decision, no problem."""
    usual(school)
    absences = school.absences(kinds=frozenset())
    absences.step()
    assert (school.queued(), rounds(school)) == ([], [])
    assert absences.probe().status == "stopped"


def test_a_person_confirms_that_so_many_are_right(school: SchoolMorning) -> None:
    """Then they are told, once."""
    usual(school)
    many(school)
    absences = school.absences()
    absences.step()
    assert school.queued() == []
    with writing(school.database) as conn:
        absence.give_order(conn, MONDAY, "morning", Order.CONFIRM, school.clock.now())
    absences.step()
    absences.step()
    assert school.queued() == ANA
    assert absences.probe().problems == []


def test_a_day_switched_off_and_on_again(school: SchoolMorning) -> None:
    """Off for all sessions; on takes back what was said of each."""
    usual(school)
    switched_off(school)
    absences = school.absences()
    absences.step()
    assert school.queued() == []
    with writing(school.database) as conn:
        absence.take_order_back(conn, MONDAY, "")
    absences.step()
    assert school.queued() == ANA


def test_the_other_gates_may_be_confirmed(school: SchoolMorning) -> None:
    """By whoever has their scans, for a day and session."""
    usual(school)
    asked: list[tuple[date, str]] = []

    def confirmed(day: date, session: str, kind: MessageKind) -> Others:
        asked.append((day, session))
        return Others.PROVEN

    school.absences(gates=3, others_confirmed=confirmed).step()
    assert school.queued() == ANA
    assert set(asked) == {(MONDAY, "morning")}


def test_a_gate_for_one_way_knows_of_the_other_from_others(school: SchoolMorning) -> None:
    """The way out has the scans of the way in."""
    usual(school)
    told = school.absences(
        gates=2, direction=GateDirection.OUT, others_confirmed=lambda day, session, kind: Others.PROVEN
    )
    told.step()
    assert school.queued() == ANA


def test_who_came_through_another_gate_has_come(school: SchoolMorning) -> None:
    """The centre names students by the school's number."""
    usual(school)
    with writing(school.database) as conn:
        scan = ForeignScan(
            scan_id="0197a000-0000-7000-8000-000000000001",
            student_id="9",
            device_id="gate-2",
            day=MONDAY.isoformat(),
            session="morning",
            direction="in",
            status="on_time",
            scanned_at=rfc3339(school.at("07:00")),
            received=1,
        )
        foreign_scans.take(conn, [scan])
    school.absences(gates=2, others_confirmed=lambda day, session, kind: Others.PROVEN).step()
    assert school.queued() == []


def test_who_started_too_late_tells_nobody(school: SchoolMorning) -> None:
    """Until the afternoon nobody could be asked; the office learns it."""
    usual(school)
    school.works("08:00", "12:00")
    school.go_to("11:01")
    absences = school.absences()
    absences.step()
    assert school.queued() == []
    assert rounds(school) == [("held", "too-late")]


def test_the_reason_of_the_morning_is_kept(school: SchoolMorning) -> None:
    """That it is too late meanwhile is no news."""
    usual(school)
    hole(school)
    absences = school.absences()
    absences.step()
    school.go_to("12:00")
    absences.step()
    assert rounds(school) == [("held", "not-proven")]


def test_who_wants_no_message_gets_none(school: SchoolMorning) -> None:
    """Opted out, or this kind muted; the other guardian of the same child is told."""
    usual(school)
    with writing(school.database) as conn:
        people = [roster.Guardian(f"+6391800000{n:02}") for n in range(3)]
        roster.enrol(conn, roster.Enrolment("9", "Child 9", guardians=people), school.clock.now())
        preferences.opt(conn, "9", people[0].phone, Wish.OUT, school.clock.now())
        preferences.mute(conn, "9", people[1].phone, [MessageKind.ABSENCE])
    with reading(school.database) as conn:
        found = look(conn, school.rules(), MONDAY, MORNING, MessageKind.ABSENCE, school.clock.now())
        told = {each.guardian.phone: each.told for each in recipients(conn, found) if each.guardian}
    assert told == {people[0].phone: False, people[1].phone: False, people[2].phone: True}
    school.absences().step()
    assert school.queued() == ANA
    assert school.rows("SELECT g.phone FROM sms_outbox o JOIN guardians g USING (guardian_id)") == [(people[2].phone,)]


def test_who_came_back_today_is_as_new(school: SchoolMorning) -> None:
    """Off the roster since March, enrolled again this morning: they may have no card yet."""
    usual(school)
    with writing(school.database) as conn:
        roster.remove(conn, "9", school.clock.now())
        roster.enrol(conn, roster.Enrolment("9", "Child 9"), school.clock.now())
    school.absences().step()
    assert school.queued() == []


def test_a_student_without_a_number_is_shown(school: SchoolMorning) -> None:
    """The office must call; nothing is queued for nobody."""
    usual(school)
    with writing(school.database) as conn:
        conn.execute("DELETE FROM guardians")
    with reading(school.database) as conn:
        found = look(conn, school.rules(), MONDAY, MORNING, MessageKind.ABSENCE, school.clock.now())
        [only] = recipients(conn, found)
    assert (only.student.student_id, only.guardian, only.told) == ("9", None, False)


def test_a_confirmation_is_about_numbers_that_are_known(school: SchoolMorning) -> None:
    """Who says send in the morning has not seen how many are missing at the end of the day, nor tomorrow. And nobody at
    all in the morning is a holiday, whoever comes later."""
    school.works("06:00", "18:00")
    school.go_to("07:00")
    with writing(school.database) as conn:
        absence.give_order(conn, MONDAY, "", Order.CONFIRM, school.clock.now())
    school.go_to("12:45")
    school.come(range(6), "afternoon")
    school.go_to("14:00")
    absences = school.absences()
    absences.step()
    assert school.queued() == []
    with writing(school.database) as conn:
        absence.give_order(conn, MONDAY, "", Order.CONFIRM, school.clock.now())
    absences.step()
    assert [row[0] for row in school.queued()] == ["6", "7", "8", "9"]


def waiting(school: SchoolMorning) -> list[tuple[str, str]]:
    return school.rows("SELECT state, reason FROM sms_outbox WHERE scan_id IS NULL ORDER BY rowid")


@pytest.mark.parametrize(
    ("harm", "reason"), [(switched_off, "A person has switched it off."), (suspended, "There are no classes.")]
)
def test_what_waits_when_a_person_says_no_is_cancelled(
    school: SchoolMorning, harm: Callable[[SchoolMorning], None], reason: str
) -> None:
    """The messages of many absences wait for an hour: a day that is switched off, or a storm, meanwhile ends them."""
    usual(school)
    absences = school.absences()
    absences.step()
    harm(school)
    absences.step()
    assert waiting(school) == [("cancelled", reason)]
    absences.step()
    assert school.queued() == ANA


def test_what_a_person_sends_all_the_same_is_sent(school: SchoolMorning) -> None:
    """A cancelled message that somebody retries is not cancelled again."""
    usual(school)
    school.absences().step()
    switched_off(school)
    school.absences().step()
    with writing(school.database) as conn:
        [cancelled] = conn.execute("SELECT message_id FROM sms_outbox").fetchone()
        outbox.retry(conn, cancelled, school.clock.now())
    school.absences().step()
    assert [state for state, _ in waiting(school)] == ["cancelled", "waiting"]


@pytest.mark.parametrize("of", ["itself", "the message that tells it too"])
def test_what_a_gateway_may_have_goes_on_although_a_person_says_no(school: SchoolMorning, of: str) -> None:
    """Nobody can call it back."""
    usual(school)
    school.absences(limits=Limits(timedelta(minutes=30), 100)).step()
    with writing(school.database) as conn:
        if of == "itself":
            conn.execute("UPDATE sms_outbox SET asked = 1")
        else:
            conn.execute(
                "INSERT INTO sms_outbox (message_id, student_key, guardian_id, kind, day, session, asked, made_at,"
                " made_boot_id, made_boot_ns) SELECT 'head', '', 0, kind, day, session, 1, made_at, made_boot_id,"
                " made_boot_ns FROM sms_outbox"
            )
            conn.execute("UPDATE sms_outbox SET merged_into = 'head' WHERE message_id <> 'head'")
    switched_off(school)
    school.absences().step()
    assert {state for state, _ in waiting(school)} == {"waiting"}


@pytest.mark.parametrize(("until", "told"), [("09:58", ANA), ("09:50", [])])
def test_who_was_away_since_cannot_know_who_came(
    school: SchoolMorning, until: str, told: list[tuple[str, str, str, str]]
) -> None:
    """A gate that was off when it was time, and works again two hours later, has not seen the latecomers."""
    usual(school)
    school.works("08:00", until)
    school.go_to("10:00")
    school.absences().step()
    assert school.queued() == told


def test_missing_departures_need_proof_of_the_whole_day(school: SchoolMorning) -> None:
    """Who left at noon while the gate was off has left."""
    school.works("06:00", "11:00")
    school.works("12:25", "18:00")
    school.go_to("06:45")
    school.come(range(10))
    school.go_to("18:00")
    school.absences(kinds=frozenset({MessageKind.NO_CHECKOUT})).step()
    assert school.queued() == []
    assert school.rows("SELECT session, reasons FROM absence_rounds ORDER BY session")[0] == (
        "afternoon",
        "not-proven too-many",
    )


def test_departures_of_an_earlier_session_trouble_nobody(school: SchoolMorning) -> None:
    """That the students of the morning have classes in the afternoon too is no fault that an office could mend."""
    school.works("06:00", "13:00")
    school.go_to("06:45")
    school.come(range(10))
    school.go_to("13:00")
    absences = school.absences(kinds=frozenset({MessageKind.NO_CHECKOUT}))
    absences.step()
    assert rounds(school) == [("held", "later-session")]
    assert absences.probe().problems == []


def refused(school: SchoolMorning, refusal: Refusal, payload: str = "") -> None:
    """Child 9 shows a card that the gate does not take."""
    with writing(school.database) as conn:
        key = None if payload else roster.key_of(conn, "9")
        ledger.refuse(conn, refusal, key, payload, school.clock.now(), MONDAY, ledger.Origin("gate-1", "camera"))


@pytest.mark.parametrize(
    ("refusal", "payload", "told"),
    [
        (Refusal.WRONG_TIME, "", []),
        (Refusal.WRONG_SESSION, "", []),
        (Refusal.UNSIGNED_CARD, "9", []),
        (Refusal.REVOKED_CARD, "9", []),
        (Refusal.UNKNOWN_CARD, "99", ANA),
    ],
)
def test_who_showed_a_card_that_was_refused_is_not_absent(
    school: SchoolMorning, refusal: Refusal, payload: str, told: list[tuple[str, str, str, str]]
) -> None:
    """They stood at the gate; the office has their card on its list."""
    usual(school)
    refused(school, refusal, payload)
    school.absences().step()
    assert school.queued() == told


@pytest.mark.parametrize(("refusal", "named"), [(Refusal.WRONG_TIME, 0), (Refusal.DUPLICATE, 1)])
def test_who_shows_the_card_after_the_window_has_left(school: SchoolMorning, refusal: Refusal, named: int) -> None:
    """Ten minutes after it closed the gate takes no card any more; a card that is held too long says nothing."""
    school.works("06:00", "18:00")
    school.go_to("12:45")
    school.come(range(10), "afternoon")
    school.go_to("16:45")
    school.come(range(9), "afternoon", Direction.OUT)
    school.go_to("17:40")
    refused(school, refusal)
    school.go_to("18:00")
    school.absences(kinds=frozenset({MessageKind.NO_CHECKOUT})).step()
    assert len(school.queued()) == named


def test_missing_departures(school: SchoolMorning) -> None:
    """After the last session of the day: who came and did not leave."""
    school.works("06:00", "18:00")
    school.go_to("12:45")
    school.come(range(8), "afternoon")
    school.go_to("16:45")
    school.come(range(7), "afternoon", Direction.OUT)
    school.go_to("18:00")
    school.absences(kinds=frozenset({MessageKind.NO_CHECKOUT})).step()
    assert school.queued() == [("7", "no_checkout", "2026-06-08", "afternoon")]


@pytest.mark.parametrize("zone", ["Asia/Manila", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_the_school_s_zone_decides(tmp_path: Path, zone: str) -> None:
    """Where the day begins before or after that of UTC, it is the school's day and its window."""
    school = SchoolMorning(tmp_path, ZoneInfo(zone))
    usual(school)
    school.clock.advance(-1)
    school.absences().step()
    assert school.queued() == []
    school.clock.advance(1)
    school.absences().step()
    assert school.queued() == ANA
    school.close()


@pytest.mark.parametrize(
    ("recorded", "true_day", "told"), [("2026-06-07", "2026-06-08", []), ("2026-06-08", "2026-06-07", ANA)]
)
def test_a_corrected_scan_counts_where_it_belongs(
    school: SchoolMorning, recorded: str, true_day: str, told: list[tuple[str, str, str, str]]
) -> None:
    """Of a scan that was dated again, the true day counts, and only that."""
    usual(school)
    school.come([9], day=date.fromisoformat(recorded))
    with writing(school.database) as conn:
        conn.execute(
            "INSERT INTO clock_corrections SELECT scan_id, scanned_at, ?, status, 0, scanned_at FROM attendance"
            " WHERE student_key = ?",
            (true_day, roster.key_of(conn, "9")),
        )
    school.absences().step()
    assert school.queued() == told


def states(school: SchoolMorning) -> list[tuple[str, str, str]]:
    return school.rows("SELECT kind, state, reason FROM sms_outbox WHERE scan_id IS NULL ORDER BY rowid")


def test_who_comes_while_the_message_waits_was_not_absent(school: SchoolMorning) -> None:
    """The guardian gets the news of the arrival only."""
    usual(school)
    absences = school.absences()
    absences.step()
    school.come([9])
    absences.step()
    assert states(school) == [("absence", "cancelled", "The student was seen after all.")]


def test_what_a_gateway_may_have_is_not_cancelled(school: SchoolMorning) -> None:
    """It was asked, and gave no clear answer."""
    usual(school)
    absences = school.absences()
    absences.step()
    with writing(school.database) as conn:
        conn.execute("UPDATE sms_outbox SET text = 'frozen', asked = 1 WHERE scan_id IS NULL")
    school.come([9])
    absences.step()
    assert states(school) == [("absence", "waiting", "")]


def test_who_leaves_while_the_message_waits_has_left(school: SchoolMorning) -> None:
    """An earlier departure, before a return, does not count."""
    school.works("06:00", "18:00")
    school.go_to("12:45")
    school.come(range(10), "afternoon")
    school.come([7, 8], "afternoon", Direction.OUT)
    school.come([7, 8], "afternoon", passage=2)
    school.go_to("16:45")
    school.come([0, 1, 2, 3, 4, 5, 6, 9], "afternoon", Direction.OUT)
    school.go_to("18:00")
    absences = school.absences(kinds=frozenset({MessageKind.NO_CHECKOUT}))
    absences.step()
    absences.step()
    assert [state for _, state, _ in states(school)] == ["waiting", "waiting"]
    school.come([7], "afternoon", Direction.OUT, passage=2)
    absences.step()
    assert [state for _, state, _ in states(school)] == ["cancelled", "waiting"]
