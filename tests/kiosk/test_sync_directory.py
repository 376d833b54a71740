"""What the school decides at the centre holds at the gate, and nothing faulty replaces what is good."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from centre_school import CentreSchool, DownDesk, a_school, at_the_desk, opened, student
from gate_data import GateData
from small_centre import Answered, Told

from attendance.clock import rfc3339
from attendance.domain.answer import Wish
from attendance.domain.message import MessageKind
from attendance.kiosk import erasure
from attendance.kiosk.store import centre_refusals, closures, preferences, roster
from attendance.kiosk.store.database import reading, writing
from attendance.kiosk.sync.applying import Limits

EVENING = {
    "start_time": "18:00",
    "end_time": "21:00",
    "login_window_start": "17:30",
    "login_window_end": "18:30",
    "logout_window_start": "20:30",
    "logout_window_end": "21:30",
}


centre = pytest.fixture(a_school)
desk = pytest.fixture(at_the_desk)


def keys(desk: DownDesk) -> dict[str, str]:
    with reading(desk.database) as conn:
        return {row["student_id"]: row["student_key"] for row in roster.enrolled(conn)}


def value(desk: DownDesk, sql: str) -> Any:
    return desk.gate.value(sql)


def test_a_student_keeps_the_key_of_this_gate(desk: DownDesk, centre: CentreSchool) -> None:
    """Who is known by number is brought up to date under the old key; who is new gets the centre's."""
    before = keys(desk)
    centre.put("student", "c1", student("1", "Ana Cruz", key="a" * 32))
    centre.put("student", "c9", student("9", "Ben Diaz", key="b" * 32))
    centre.put("student", "c2", student("2", key="c" * 32))
    centre.put("student", "c3", student("3", key="d" * 32))
    desk.work()
    assert keys(desk) == {**before, "9": "b" * 32}
    with reading(desk.database) as conn:
        assert roster.by_number(conn, "1").name == "Ana Cruz"
    assert desk.problems == []


def test_only_who_is_new_is_told_to_the_centre_again(desk: DownDesk, centre: CentreSchool) -> None:
    """A student whom the centre sent does not go back to it; one with a key of this gate's does, for the key."""
    centre.enrol_students("1", "9")
    desk.work()
    with reading(desk.database) as conn:
        waiting = {row[0] for row in conn.execute("SELECT record_id FROM sync_queue WHERE record_type = 'student'")}
    assert keys(desk)["9"] not in waiting
    assert keys(desk)["1"] in waiting


def test_guardians_keep_what_they_have_said(desk: DownDesk, centre: CentreSchool) -> None:
    """Language, STOP and muted kinds stay with the number; who is no longer named goes; new ones come."""
    with writing(desk.database) as conn:
        preferences.speak(conn, "1", "+639170000001", "fil")
        preferences.mute(conn, "1", "+639170000001", [MessageKind.CHECK_OUT])
        preferences.opt(conn, "1", "+639170000001", Wish.OUT, desk.clock.now())
    centre.put("student", "c1", student("1", phones=("+639170000001", "+639179999999")))
    centre.put("student", "c2", student("2", phones=("+639178888888",)))
    desk.work()
    with reading(desk.database) as conn:
        [old, new] = preferences.of_student(conn, "1")
        assert (old.language, old.muted, bool(old.opted_out_at)) == ("fil", {"check_out"}, True)
        assert (new.phone, new.name, new.opted_out_at) == ("+639179999999", "Ma", None)
        assert [each.phone for each in preferences.of_student(conn, "2")] == ["+639178888888"]


def test_numbers_go_only_when_the_centre_knew_them(desk: DownDesk, centre: CentreSchool) -> None:
    """A list without numbers takes none away; one that had some, and has none now, does."""
    centre.put("student", "c1", student("1", phones=()))
    centre.put("student", "c2", student("2"))
    desk.work()
    centre.put("student", "c2", student("2", phones=()))
    desk.work()
    with reading(desk.database) as conn:
        assert [each.phone for each in preferences.of_student(conn, "1")] == ["+639170000001"]
        assert preferences.of_student(conn, "2") == []


def test_who_has_left_is_off_the_roster_and_may_come_back(desk: DownDesk, centre: CentreSchool) -> None:
    """A tombstone sets the day of removal, and a later entry takes it back; the key is the same."""
    before = keys(desk)
    centre.enrol_students("1", "2", "3")
    desk.work()
    centre.put("student", f"{2:032x}", None)
    desk.work()
    assert desk.numbers() == ["1", "3"]
    assert value(desk, "SELECT removed_at FROM students WHERE student_id = '2'") is not None
    centre.enrol_students("2")
    desk.work()
    assert keys(desk) == before


def test_who_comes_back_counts_from_that_day(desk: DownDesk, centre: CentreSchool) -> None:
    """A student who is on the list again since today has no card yet, and is not absent; others keep their day."""
    centre.enrol_students("1", "2", "3")
    with writing(desk.database) as conn:
        conn.execute("UPDATE students SET added_at = '2026-01-01T00:00:00.000000Z'")
    desk.work()
    centre.put("student", f"{2:032x}", None)
    desk.work()
    centre.enrol_students("2")
    centre.put("student", f"{3:032x}", student("3", "Renamed"))
    desk.work()
    assert value(desk, "SELECT added_at FROM students WHERE student_id = '2'") == rfc3339(centre.now)
    assert value(desk, "SELECT added_at FROM students WHERE student_id = '3'") == "2026-01-01T00:00:00.000000Z"


def test_students_who_change_numbers_with_each_other_stay_themselves(desk: DownDesk, centre: CentreSchool) -> None:
    """After the first time they are known by the centre's key, not by number."""
    centre.put("student", "c1", student("1", "Ana"))
    centre.put("student", "c2", student("2", "Ben"))
    desk.work()
    before = keys(desk)
    centre.put("student", "c1", student("2", "Ana"))
    centre.put("student", "c2", student("1", "Ben"))
    desk.work()
    assert keys(desk) == {**before, "1": before["2"], "2": before["1"]}


def test_a_number_that_another_student_has_is_refused(desk: DownDesk, centre: CentreSchool) -> None:
    """Two students cannot be one; the roster stays as it was, and health says so."""
    centre.put("student", "c1", student("1", key="a" * 32))
    desk.work()
    centre.put("student", "c1", student("3", key="a" * 32))
    desk.work()
    assert desk.numbers() == ["1", "2", "3"]
    assert desk.problems == ["centre-roster-faulty"]


def test_a_card_is_called_back_and_stays_so(desk: DownDesk, centre: CentreSchool) -> None:
    """Revocations come down; what was called back here is not revived by an older card, only by a newer one."""
    issued, later = rfc3339(desk.clock.now().at), rfc3339(centre.now)
    card = {"kind": "number", "value": "1", "issue": 1, "student_id": "1", "issued_at": issued, "revoked_at": later}
    centre.put("card", "k1", card)
    badge = {"kind": "rfid", "value": "04A1B2", "issue": 0, "student_id": "2", "issued_at": issued}
    centre.put("card", "k2", badge)
    desk.work()
    with writing(desk.database) as conn:
        assert roster.card(conn, "number", "1", 1).revoked
        assert roster.card(conn, "rfid", "04A1B2").student_key == roster.key_of(conn, "2")
        roster.revoke_card(conn, "rfid", "04A1B2", "lost", desk.clock.now())
    centre.put("card", "k2", badge | {"reason": "seen"})
    desk.work()
    with reading(desk.database) as conn:
        assert roster.card(conn, "rfid", "04A1B2").revoked
    centre.put("card", "k2", badge | {"issued_at": "2026-06-09T00:00:00.000000Z"})
    centre.put("card", "k1", None)
    desk.work()
    with reading(desk.database) as conn:
        assert not roster.card(conn, "rfid", "04A1B2").revoked
        assert roster.card(conn, "number", "1", 1) is None


def test_the_calendar_follows(desk: DownDesk, centre: CentreSchool) -> None:
    """A closure comes, moves and goes; what the office entered here stays."""
    with writing(desk.database) as conn:
        closures.add(conn, closures.Closure(date(2026, 12, 25), date(2026, 12, 25), closures.ClosureKind.HOLIDAY, "X"))
    body = {"first_day": "2026-06-12", "last_day": "2026-06-12", "kind": "holiday", "name": "Independence Day"}
    centre.put("closure", "7", body)
    desk.work()
    centre.put("closure", "7", body | {"first_day": "2026-06-11", "kind": "suspension"})
    desk.work()
    with reading(desk.database) as conn:
        assert [str(each.first_day) for _, each in closures.all_closures(conn)] == ["2026-06-11", "2026-12-25"]
    centre.put("closure", "7", None)
    desk.work()
    with reading(desk.database) as conn:
        assert [str(each.first_day) for _, each in closures.all_closures(conn)] == ["2026-12-25"]


def test_a_pull_of_many_pages_is_one_change(desk: DownDesk, centre: CentreSchool) -> None:
    """Nothing is entered before the last page is here, whatever happens in between."""
    centre.page = 2
    centre.enrol_students(*map(str, range(1, 8)))
    asked = []

    def after_two(told: Told) -> bool:
        asked.append(told.path)
        return asked.count("/changes") != 3

    centre.before = after_two
    desk.work()
    assert len(desk.numbers()) == 3
    desk.work(3)
    assert len(desk.numbers()) == 7


@pytest.mark.parametrize(
    "body",
    [
        student("1", phones=("0917",)),
        student("1") | {"student_key": "short"},
        student("1") | {"sex": "X"},
        student("1") | {"name": "A\x00B"},
        student("1") | {"student_id": ""},
        {"name": "Nobody"},
    ],
    ids=["number", "key", "sex", "NUL", "no number", "half"],
)
def test_a_faulty_student_replaces_nothing(desk: DownDesk, centre: CentreSchool, body: dict[str, Any]) -> None:
    """The whole list is refused, health names the entry and no person, and a corrected one is taken."""
    centre.put("student", "c2", student("2", "Somebody Else"))
    centre.put("student", "c1", body)
    desk.work()
    with reading(desk.database) as conn:
        assert roster.by_number(conn, "2").name == "Student 2"
    [refusal] = desk.refusals()
    assert "'c1'" in refusal.reason
    assert not any(word in refusal.reason for word in ("0917", "Nobody", "Student"))
    assert desk.problems == ["centre-roster-faulty"]
    centre.put("student", "c1", student("1", "Corrected"))
    desk.work()
    with reading(desk.database) as conn:
        assert (roster.by_number(conn, "1").name, roster.by_number(conn, "2").name) == ("Corrected", "Somebody Else")
    assert desk.problems == []


def test_a_refused_list_is_not_asked_for_again_and_again(desk: DownDesk, centre: CentreSchool) -> None:
    """It is when it changes, or when the gate starts anew."""
    centre.put("student", "c1", student("1") | {"sex": "X"})
    desk.work()
    pulls = centre.paths().count("GET /changes")
    desk.work(3)
    assert centre.paths().count("GET /changes") == pulls
    again = DownDesk(desk.gate)
    again.writer.start()
    again.work(3)
    again.writer.stop()
    assert centre.paths().count("GET /changes") == pulls + 1


def test_a_refused_list_holds_up_no_closure(desk: DownDesk, centre: CentreSchool) -> None:
    """Calendar and erasures come in although the roster does not."""
    centre.put("student", "c1", student("1") | {"sex": "X"})
    body = {"first_day": "2026-06-12", "last_day": "2026-06-12", "kind": "suspension", "name": "Typhoon"}
    centre.put("closure", "7", body)
    desk.work()
    with reading(desk.database) as conn:
        assert len(closures.all_closures(conn)) == 1


@pytest.mark.parametrize(("gone", "taken"), [(5, True), (6, False), (10, False)])
def test_a_suspiciously_small_list_is_refused(tmp_path: Path, gone: int, taken: bool) -> None:
    """More than half of the known students do not leave at once, all of them never."""
    with CentreSchool() as centre, opened(tmp_path, centre, students=10) as desk:
        centre.enrol_students(*map(str, range(1, 11)))
        desk.work()
        for number in range(1, gone + 1):
            centre.put("student", f"{number:032x}", None)
        desk.work()
        assert len(desk.numbers()) == (10 - gone if taken else 10)
        assert desk.problems == ([] if taken else ["centre-roster-small"])


def test_no_list_empties_the_roster_however_lenient_the_gate(tmp_path: Path) -> None:
    """Zero percent still means: not all."""
    limits = Limits(wanted=True, smallest_percent=0)
    with CentreSchool() as centre, opened(tmp_path, centre, limits=limits) as desk:
        centre.enrol_students("1", "2", "3")
        desk.work()
        for number in (1, 2, 3):
            centre.put("student", f"{number:032x}", None)
        desk.work()
        assert desk.numbers() == ["1", "2", "3"]


def test_a_person_may_mean_it(tmp_path: Path) -> None:
    """What was accepted is taken, and holds for no smaller list than the one that was seen."""
    with CentreSchool() as centre, opened(tmp_path, centre, students=10) as desk:
        centre.enrol_students(*map(str, range(1, 11)))
        desk.work()
        for number in range(1, 9):
            centre.put("student", f"{number:032x}", None)
        desk.work()
        with writing(desk.database) as conn:
            [accepted] = centre_refusals.accept(conn)
        assert (accepted.students, accepted.remaining) == (10, 2)
        centre.put("student", f"{9:032x}", None)
        desk.work()
        assert len(desk.numbers()) == 10
        with writing(desk.database) as conn:
            centre_refusals.accept(conn)
        desk.work()
        assert desk.numbers() == ["10"]
        assert desk.problems == []


def test_a_truncated_list_is_noticed(desk: DownDesk, centre: CentreSchool) -> None:
    """The centre says how many students there are; a gate that got fewer asks anew, and refuses what stays short."""
    centre.enrol_students("1", "2", "3")
    desk.work()
    centre.enrol_students("4", "5")
    lost = centre.entries.pop(("student", f"{4:032x}"))
    centre.students = 5
    desk.work()
    assert desk.numbers() == ["1", "2", "3"]
    assert desk.problems == ["centre-roster-faulty"]
    centre.entries["student", lost["key"]] = lost
    centre.version += 1
    desk.work()
    assert desk.numbers() == ["1", "2", "3", "4", "5"]


def test_a_gate_with_a_list_of_its_own_takes_only_the_rest(tmp_path: Path) -> None:
    """Switched off, students and cards stay as they are here; calendar and erasures still come."""
    limits = Limits(wanted=False, smallest_percent=50)
    with CentreSchool() as centre, opened(tmp_path, centre, limits=limits) as desk:
        centre.enrol_students("1", "9")
        body = {"first_day": "2026-06-12", "last_day": "2026-06-12", "kind": "holiday", "name": "Independence Day"}
        centre.put("closure", "7", body)
        desk.work()
        assert desk.numbers() == ["1", "2", "3"]
        assert value(desk, "SELECT count(*) FROM closures") == 1
        pulls = centre.paths().count("GET /changes")
        desk.work(2)
        assert centre.paths().count("GET /changes") == pulls


def test_whoever_is_forgotten_at_the_centre_is_forgotten_here(desk: DownDesk, centre: CentreSchool) -> None:
    """By the key of this gate or of the centre; photos go, no backup brings them back, and nothing is sent back."""
    made = desk.gate.scan("1", photo=True)
    photo = next(desk.gate.data.glob("photos/*/*.jpg"))
    old_key = desk.gate.key("1")
    centre.enrol_students("1", "2", "3")
    centre.scan("1", centre.now)
    desk.work()
    centre.put("student", f"{1:032x}", None)
    centre.put("erasure", f"{1:032x}", {"student_key": f"{1:032x}", "student_id": None})
    desk.work()
    assert desk.numbers() == ["2", "3"]
    assert not photo.exists()
    assert value(desk, "SELECT count(*) FROM attendance") == 1
    assert value(desk, "SELECT count(*) FROM foreign_scans") == 0
    assert erasure.keys(desk.gate.data) == [old_key]
    erasure.reapply(desk.database, desk.gate.data)
    assert value(desk, "SELECT count(*) FROM sync_queue WHERE record_type = 'erasure' AND state = 'waiting'") == 0
    assert value(desk, f"SELECT reason FROM photos WHERE scan_id = '{made.scan_id}'") == "erased"


def test_a_centre_that_forgets_everybody_is_not_obeyed(tmp_path: Path) -> None:
    """So many erasures at once are a fault, and there is no way back; a person may mean it."""
    with CentreSchool() as centre, opened(tmp_path, centre, students=4) as desk:
        centre.enrol_students("1", "2", "3", "4")
        desk.work()
        for number in (1, 2, 3):
            centre.put("student", f"{number:032x}", None)
            centre.put("erasure", f"{number:032x}", {"student_key": f"{number:032x}"})
        desk.work()
        assert len(desk.numbers()) == 4
        assert erasure.keys(desk.gate.data) == []
        with writing(desk.database) as conn:
            assert centre_refusals.accept(conn)
        desk.work()
        assert desk.numbers() == ["4"]


def test_a_new_schedule_is_kept_and_the_gate_starts_anew(desk: DownDesk, centre: CentreSchool) -> None:
    """It stands in a file that settings are read from, once; a restart is asked for once."""
    schedule = {"morning_class": None, "afternoon_class": None, "evening_class": EVENING}
    centre.put("schedule", "schedule", schedule)
    centre.put("texts", "texts", {"login_message_template": "{student_name} is here."})
    desk.work()
    decided = json.loads((desk.gate.data / "centre-settings.json").read_text())
    assert decided["school_schedule"] == schedule
    assert decided["sms_notifications"] == {"login_message_template": "{student_name} is here."}
    assert len(desk.restarts) == 1
    desk.work(3)
    assert len(desk.restarts) == 1
    centre.put("schedule", "schedule", None)
    desk.work()
    assert "school_schedule" not in json.loads((desk.gate.data / "centre-settings.json").read_text())
    assert len(desk.restarts) == 2


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("schedule", {"morning_class": EVENING | {"start_time": "25:00"}}),
        ("schedule", {"morning_class": None, "afternoon_class": None}),
        ("schedule", {"no_such_key": 1}),
        ("texts", {"password": "x"}),
        ("texts", {"login_message_template": "${SMS_PASSWORD}"}),
        ("texts", {"language": "xx"}),
    ],
)
def test_faulty_settings_are_refused_and_the_old_ones_hold(
    desk: DownDesk, centre: CentreSchool, kind: str, body: dict[str, Any]
) -> None:
    """They hold up nothing else; a corrected one is taken."""
    centre.put("schedule", "schedule", {"evening_class": EVENING})
    desk.work()
    before = (desk.gate.data / "centre-settings.json").read_bytes()
    centre.put(kind, kind, body)
    centre.enrol_students("9")
    desk.work()
    assert (desk.gate.data / "centre-settings.json").read_bytes() == before
    assert desk.problems == ["centre-settings-faulty"]
    assert "9" in desk.numbers()
    centre.put(kind, kind, {"language": "fil"} if kind == "texts" else {"night_class": EVENING})
    desk.work()
    assert desk.problems == []


def test_a_centre_that_was_set_back_is_asked_from_the_beginning(desk: DownDesk, centre: CentreSchool) -> None:
    """A centre that was restored numbers anew: the gate does not wait until it has caught up. Whom the centre has
    forgotten stays on the roster here."""
    centre.enrol_students("1", "2", "3", "4", "5")
    desk.work()
    centre.entries.clear()
    centre.version = 0
    centre.enrol_students("1", "2", "3")
    centre.put("student", f"{4:032x}", student("4", "Renamed"))
    desk.work()
    with reading(desk.database) as conn:
        assert roster.by_number(conn, "4").name == "Renamed"
    assert desk.numbers() == ["4", "1", "2", "3", "5"]
    assert desk.problems == []


def test_an_answer_that_makes_no_sense_is_none(desk: DownDesk, centre: CentreSchool) -> None:
    """Pages that never end, wrong types, and an answer nobody signed change nothing."""
    centre.enrol_students("9")
    for said in ({"version": 0, "more": True, "items": [], "counts": {"students": 1}}, {"version": "x"}, [], None):
        centre._changes = lambda after, limit, said=said: said
        desk.work()
    assert desk.numbers() == ["1", "2", "3"]

    def unsigned(told: Told, answered: Answered) -> Answered:
        answered.headers.clear()
        return answered

    del centre._changes
    centre.fault = unsigned
    desk.work(2)
    assert desk.numbers() == ["1", "2", "3"]


def test_a_restored_database_asks_again(tmp_path: Path, centre: CentreSchool) -> None:
    """A new epoch begins with everything that the centre has."""
    with opened(tmp_path, centre) as desk:
        centre.enrol_students("1", "2", "3")
        desk.work()
        with writing(desk.database) as conn:
            conn.execute("UPDATE students SET name = 'Old' WHERE student_id = '1'")
            conn.execute("INSERT INTO epochs (epoch, reason, began_at) VALUES ('e2', 'restored', 'now')")
        desk.work()
        with reading(desk.database) as conn:
            assert roster.by_number(conn, "1").name == "Student 1"


def test_another_school_begins_with_nothing_of_the_first(tmp_path: Path, centre: CentreSchool) -> None:
    """What one school's centre has said is forgotten when the gate comes to another's."""
    with opened(tmp_path, centre) as desk:
        with writing(desk.database) as conn:
            conn.execute("INSERT INTO meta VALUES ('centre.school_id', 'one')")
        centre.enrol_students("1")
        centre.scan("1", centre.now)
        desk.work()
        with writing(desk.database) as conn:
            conn.execute("UPDATE meta SET value = 'two' WHERE key = 'centre.school_id'")
        for table in ("centre_entries", "foreign_scans"):
            assert value(desk, f"SELECT count(*) FROM {table}") == 0
        assert value(desk, "SELECT max(version) FROM centre_cursors") == 0


def test_the_gate_is_told_apart_from_its_copy(tmp_path: Path) -> None:
    """A gate that is not enrolled asks nothing."""
    with CentreSchool() as centre:
        desk = DownDesk(GateData(tmp_path).create())
        desk.writer.start()
        desk.work(2)
        desk.writer.stop()
        assert centre.asked == []


def test_a_number_passes_on_within_one_pull(desk: DownDesk, centre: CentreSchool) -> None:
    """Who is new may have the number that somebody gives up at the same time: that is not the same person."""
    centre.put("student", "c1", student("1", "Ana", key="a" * 32))
    desk.work()
    anas = keys(desk)["1"]
    centre.put("student", "c9", student("1", "New", key="b" * 32))
    centre.put("student", "c1", student("9", "Ana", key="a" * 32))
    desk.work()
    assert (keys(desk)["9"], keys(desk)["1"]) == (anas, "b" * 32)


def test_a_key_stands_for_one_student(desk: DownDesk, centre: CentreSchool) -> None:
    """Two entries of the centre that claim one student here are refused."""
    centre.put("student", "c1", student("7", key="a" * 32))
    desk.work()
    centre.put("student", "c2", student("8", key="a" * 32))
    desk.work()
    assert desk.problems == ["centre-roster-faulty"]
    assert "8" not in desk.numbers()
