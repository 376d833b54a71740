"""What the school's other gates see counts here: in and out, duplicates, absences; silence only when it is proven."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from centre_school import CentreSchool, DownDesk, a_school, at_the_desk, opened
from gate_data import DAY, MANILA, SCHEDULE

from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, GateDirection, Refused
from attendance.kiosk.album import Album
from attendance.kiosk.identity import CardRules
from attendance.kiosk.sms.absence import Absences
from attendance.kiosk.station import GateRules, Outcome, Station
from attendance.kiosk.store import absence, foreign_scans, notices, roster
from attendance.kiosk.store.database import reading, writing
from attendance.vision.messages import Sighting

MORNING = datetime(2026, 6, 8, 6, 40, tzinfo=MANILA)


centre = pytest.fixture(a_school)
desk = pytest.fixture(at_the_desk)


def show(desk: DownDesk, number: str, at: datetime) -> Outcome:
    """Hold a card up to this gate at a time."""
    shown: list[Outcome] = []
    rules = GateRules("gate-1", MANILA, SCHEDULE, GateDirection.BOTH, CardRules({}, False), frozenset())
    album = Album(desk.gate.data, desk.writer, lambda scan_id: None)
    station = Station(
        rules, desk.clock, desk.writer, album, answer=lambda _: None, show=shown.append, ended=lambda: None
    )
    wall = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    now = desk.clock.boot_ns()
    station.receive(Sighting("s1", now, wall, now, (), number.encode()))
    station.step()
    return shown[0]


def direction(outcome: Outcome) -> str:
    assert isinstance(outcome.decision, Accepted), outcome.sentence
    return outcome.decision.direction.value


def test_in_at_one_gate_and_out_at_the_other(desk: DownDesk, centre: CentreSchool) -> None:
    """Between the windows a student who came in elsewhere goes out here."""
    centre.scan("1", MORNING)
    desk.work()
    between = datetime(2026, 6, 8, 9, 0, tzinfo=MANILA)
    assert direction(show(desk, "1", between)) == "out"
    assert direction(show(desk, "2", between)) == "in"


def test_a_card_is_a_duplicate_across_gates(desk: DownDesk, centre: CentreSchool) -> None:
    """Within the cooldown of a scan elsewhere, and for the rest of the window."""
    centre.scan("1", MORNING)
    desk.work()
    for minutes in (2, 30):
        outcome = show(desk, "1", MORNING + timedelta(minutes=minutes))
        assert isinstance(outcome.decision, Refused)
        assert outcome.decision.refusal.value == "duplicate"


def test_a_passage_never_collides(desk: DownDesk, centre: CentreSchool) -> None:
    """When a scan that was counted is dated to another day, the next number is free all the same."""
    between = datetime(2026, 6, 8, 8, 30, tzinfo=MANILA)
    scan_id = centre.scan("1", between - timedelta(minutes=10), "in")
    centre.scan("1", between - timedelta(minutes=5, seconds=1), "out")
    desk.work()
    first = show(desk, "1", between)
    assert first.decision.passage == 2
    centre.scan("1", between - timedelta(days=1), "in", scan_id, day="2026-06-07")
    desk.work()
    assert direction(show(desk, "1", between + timedelta(minutes=10))) == "out"
    again = show(desk, "1", between + timedelta(minutes=20))
    assert (direction(again), again.decision.passage) == ("in", 3)


def test_a_corrected_scan_replaces_the_first(desk: DownDesk, centre: CentreSchool) -> None:
    """The same scan comes again with a new number; it counts once, as it is now."""
    scan_id = centre.scan("1", MORNING)
    desk.work()
    centre.scan("1", MORNING + timedelta(minutes=3), scan_id=scan_id)
    desk.work()
    with reading(desk.database) as conn:
        rows = conn.execute("SELECT scanned_at, received FROM foreign_scans").fetchall()
    assert [tuple(row) for row in rows] == [("2026-06-07T22:43:00.000000Z", 2)]


def test_this_gates_own_scans_are_none_of_another(desk: DownDesk, centre: CentreSchool) -> None:
    """A scan that is in the ledger here does not count twice."""
    made = desk.gate.scan("1")
    centre.scan("1", MORNING, scan_id=made.scan_id)
    desk.work()
    assert desk.gate.value("SELECT count(*) FROM foreign_scans") == 0


def test_scans_of_students_whom_this_gate_does_not_know_wait_for_them(desk: DownDesk, centre: CentreSchool) -> None:
    """They may come before the student does."""
    centre.scan("9", MORNING)
    desk.work()
    with writing(desk.database) as conn:
        roster.enrol(conn, roster.Enrolment("9", "Late List"), desk.clock.now())
        assert set(absence.passages(conn, DAY)) == {roster.key_of(conn, "9")}


def test_many_pages_come_one_by_one(desk: DownDesk, centre: CentreSchool) -> None:
    """A page that is here stays, whatever happens to the next."""
    centre.page = 2
    for minute in range(5):
        centre.scan("1", MORNING + timedelta(minutes=minute))
    pages: list[str] = []

    def second_is_lost(told: object) -> bool:
        pages.append(told.path)
        return pages.count("/scans") != 2

    centre.before = second_is_lost
    desk.work()
    assert desk.gate.value("SELECT count(*) FROM foreign_scans") == 2
    desk.work(2)
    assert desk.gate.value("SELECT count(*) FROM foreign_scans") == 5


def test_old_scans_leave_only_that_somebody_was_there(desk: DownDesk, centre: CentreSchool) -> None:
    """After some days a scan is a day of presence, and after the month's summary not even that."""
    centre.scan("1", MORNING)
    desk.work()
    with writing(desk.database) as conn:
        foreign_scans.expire(conn, date(2026, 6, 12))
        assert conn.execute("SELECT count(*) FROM foreign_scans").fetchone()[0] == 1
        foreign_scans.expire(conn, date(2026, 6, 13))
        assert conn.execute("SELECT count(*) FROM foreign_scans").fetchone()[0] == 0
        key = roster.key_of(conn, "1")
        assert absence.days_present(conn, DAY, DAY) == {key: {DAY: False}}
        foreign_scans.expire(conn, date(2026, 7, 19))
        assert absence.days_present(conn, DAY, DAY) == {}


def at(desk: DownDesk, moment: datetime) -> None:
    """Let it be so late at this gate."""
    desk.clock.step((moment - desk.clock.now().at).total_seconds())


DUE = datetime(2026, 6, 8, 8, 30, tzinfo=MANILA)
"""Half an hour after the login window."""


def test_silence_is_proven_only_when_every_other_gate_is_synced(desk: DownDesk, centre: CentreSchool) -> None:
    """To the end of the window and the time until guardians are told, by the centre's word."""
    at(desk, DUE + timedelta(minutes=3))
    centre.sibling(DUE - timedelta(seconds=1))
    desk.work()
    assert desk.others() == "missing"
    centre.sibling(DUE + timedelta(seconds=30))
    desk.work()
    assert desk.others() == "proven"


def test_a_silent_gate_proves_nothing(desk: DownDesk, centre: CentreSchool) -> None:
    """One of which the centre knows nothing, or that is out of contact, may hold scans that nobody has."""
    at(desk, DUE + timedelta(minutes=3))
    centre.sibling(DUE + timedelta(minutes=2))
    centre.sibling(None, "gate-3")
    desk.work()
    assert desk.others() == "missing"
    centre.sibling(DUE - timedelta(minutes=20), "gate-3", live=False)
    desk.work()
    assert desk.others() == "missing"


def test_a_gate_that_is_not_enrolled_is_missed(tmp_path: Path, centre: CentreSchool) -> None:
    """Of three gates of the school two must speak."""
    with opened(tmp_path, centre, gates=3) as desk:
        at(desk, DUE + timedelta(minutes=3))
        centre.sibling(DUE + timedelta(minutes=2))
        desk.work()
        assert desk.others() == "missing"
        centre.sibling(DUE + timedelta(minutes=2), "gate-3")
        desk.work()
        assert desk.others() == "proven"


def test_nothing_is_confirmed_before_the_scans_are_here(desk: DownDesk, centre: CentreSchool) -> None:
    """That the centre has them is not enough."""
    at(desk, DUE + timedelta(minutes=3))
    centre.scan("1", MORNING)
    centre.sibling(DUE + timedelta(minutes=2))
    centre.before = lambda told: told.path != "/scans"
    desk.work()
    assert desk.others() == "missing"
    centre.before = lambda told: True
    desk.work(2)
    assert desk.others() == "proven"


def test_a_departure_asks_for_its_own_window(desk: DownDesk, centre: CentreSchool) -> None:
    """What sufficed for arrivals does not for departures, before the gates are synced to after the logout window."""
    leaving = datetime(2026, 6, 8, 13, 30, tzinfo=MANILA)
    at(desk, leaving + timedelta(minutes=3))
    centre.sibling(DUE + timedelta(minutes=2))
    desk.work()
    assert (desk.others(), desk.others(kind=MessageKind.NO_CHECKOUT)) == ("proven", "missing")
    centre.sibling(leaving + timedelta(minutes=1))
    desk.work()
    assert desk.others(kind=MessageKind.NO_CHECKOUT) == "proven"


def test_another_gate_must_have_worked_too(desk: DownDesk, centre: CentreSchool) -> None:
    """A gate whose camera was dead has sent all its scans, and proves nothing by that; nor does one that says nothing
    of itself. Of several gates each must have worked."""
    today = DAY.isoformat()
    at(desk, DUE + timedelta(minutes=3))
    centre.sibling(DUE + timedelta(minutes=2), worked={})
    desk.work()
    assert desk.others() == "unproven"
    centre.sibling(DUE + timedelta(minutes=2, seconds=30), worked={(today, "arrival"): True})
    desk.work()
    assert desk.others() == "proven"
    centre.sibling(DUE + timedelta(minutes=2), "gate-3", worked={(today, "arrival"): False})
    desk.work()
    assert desk.others() == "unproven"


def test_what_was_proven_is_remembered(desk: DownDesk, centre: CentreSchool) -> None:
    """Gates speak of two days, a summary asks for a month."""
    at(desk, DUE + timedelta(minutes=3))
    centre.sibling(DUE + timedelta(minutes=2))
    desk.work()
    centre.now += timedelta(days=2)
    at(desk, centre.now)
    centre.sibling(centre.now, worked={})
    desk.work()
    assert desk.others() == "proven"


def test_a_session_that_is_not_due_or_unknown_is_not_confirmed(desk: DownDesk, centre: CentreSchool) -> None:
    """There is nothing yet that could be here."""
    at(desk, MORNING)
    centre.sibling(MORNING + timedelta(days=1))
    desk.work()
    assert desk.others() == "missing"
    at(desk, DUE + timedelta(minutes=3))
    assert desk.others() == "proven"
    assert desk.others(session="evening") == "missing"


def test_what_the_centre_no_longer_tells_is_not_confirmed(desk: DownDesk, centre: CentreSchool) -> None:
    """After days without contact the days before it stay unproven; those of one span stay proven."""
    at(desk, DUE + timedelta(minutes=3))
    centre.sibling(DUE + timedelta(minutes=2))
    desk.work()
    assert desk.others() == "proven"
    centre.now += timedelta(days=2)
    at(desk, centre.now)
    centre.sibling(centre.now)
    desk.work()
    assert desk.others() == "proven"
    centre.now += timedelta(days=5)
    at(desk, centre.now)
    centre.sibling(centre.now)
    desk.work()
    assert desk.others() == "missing"
    assert desk.others(day=date(2026, 6, 13)) == "unproven"


def test_a_new_epoch_has_nothing_confirmed(desk: DownDesk, centre: CentreSchool) -> None:
    """A restored database may lack scans of what it says it has."""
    at(desk, DUE + timedelta(minutes=3))
    centre.sibling(DUE + timedelta(minutes=2))
    desk.work()
    with writing(desk.database) as conn:
        conn.execute("INSERT INTO epochs (epoch, reason, began_at) VALUES ('e2', 'restored', 'now')")
    assert desk.others() == "missing"


def test_an_absence_is_told_only_with_the_other_gates_word(desk: DownDesk, centre: CentreSchool) -> None:
    """Held while a gate is behind; then told of who was seen at neither, and taken back when a late scan arrives."""
    with writing(desk.database) as conn:
        conn.execute("UPDATE students SET added_at = '2026-06-01T00:00:00.000000Z'")
        conn.execute(
            "INSERT INTO proof_of_work (began_at, ended_at, after_jump)"
            " VALUES ('2026-06-07T20:00:00.000000Z', '2026-06-08T20:00:00.000000Z', 0)"
        )
    desk.gate.scan("1")
    centre.scan("2", MORNING)
    at(desk, DUE + timedelta(minutes=3))
    absences = Absences(desk.database, desk.writer, desk.clock, desk.rules, desk.down.others_confirmed)
    desk.work()
    absences.step()
    [held] = absences.probe().values["rounds"]
    assert (held["decision"], held["reasons"]) == ("held", ["other-gates"])
    centre.sibling(DUE + timedelta(minutes=2))
    desk.work()
    absences.step()
    [told] = absences.probe().values["rounds"]
    assert (told["decision"], told["named"], told["messages"]) == ("told", 1, 1)
    centre.scan("3", DUE + timedelta(minutes=1))
    desk.work()
    with reading(desk.database) as conn:
        assert len(notices.overtaken(conn)) == 1
