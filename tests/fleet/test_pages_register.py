"""The register of a day: who was seen, from all gates, with corrections, under whichever key a gate uses."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from one_school import Item, Ledger, Site, student
from visitors import PagesDesk

from attendance.clock import rfc3339
from attendance.fleet.register import Line, Register, register
from attendance.fleet.store import register as store
from attendance.fleet.store.engine import reading

DAY = "2026-11-26"
ANA, BEN, EVA = (uuid.UUID(int=number).hex for number in (1, 2, 3))


def manila(hour: int, minute: int, day: int = 26) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo("Asia/Manila")).astimezone(UTC)


def of_day(site: Site, day: str = DAY) -> Register:
    with reading(site.engine) as conn:
        school_id = site.school.school_id
        return register(
            store.roster(conn, school_id), store.passages(conn, school_id, day), ZoneInfo(site.school.timezone)
        )


def lines(found: Register) -> dict[str, Line]:
    return {line.student_id: line for section in found.sections for line in section.lines}


def roster(site: Site, *more: Item) -> None:
    items = [student("1", ANA), student("2", BEN, allowed_session="morning"), *more]
    assert set(site.send(*items)) <= {"created", "duplicate"}


def words(line: Line) -> Sequence[tuple[str, str, str, bool]]:
    return [(each.session, each.came, each.left, each.late) for each in line.seen]


def test_a_student_s_day_is_the_first_in_and_the_last_out(site: Site) -> None:
    """At whichever gate, in local time; late is what the first scan was."""
    roster(site)
    main, back = Ledger("Main"), Ledger("Back")
    main.scan(manila(7, 31), ANA, day=DAY, status="late", minutes_late=1)
    main.scan(manila(9, 0), ANA, day=DAY, direction="out")
    back.scan(manila(9, 20), ANA, day=DAY)
    back.scan(manila(12, 5), ANA, day=DAY, direction="out")
    site.send(*main.scans)
    site.send(*back.scans, gate=site.other)
    assert words(lines(of_day(site))["1"]) == [("morning", "07:31", "12:05", True)]


def test_whoever_was_not_seen_is_counted_where_they_belong(site: Site) -> None:
    """A student of the morning is not missed in the afternoon."""
    roster(site)
    ledger = Ledger("Main")
    ledger.scan(manila(7, 0), ANA, day=DAY)
    ledger.scan(manila(13, 0), ANA, day=DAY, session="afternoon")
    site.send(*ledger.scans)
    found = of_day(site)
    assert found.sessions == ["morning", "afternoon"]
    assert [(each.present, each.late, each.unseen) for each in found.sections[0].counts] == [(1, 0, 1), (1, 0, 0)]


def test_another_gate_s_key_for_a_student_is_the_same_student(site: Site) -> None:
    """Each gate made its own when it imported the list."""
    roster(site)
    site.send(student("1", EVA), gate=site.other)
    ledger = Ledger("Back")
    ledger.scan(manila(7, 0), EVA, day=DAY)
    site.send(*ledger.scans, gate=site.other)
    found = of_day(site)
    assert lines(found)["1"].seen[0].came == "07:00"
    assert found.strangers == 0


def test_a_corrected_scan_belongs_to_its_right_day(site: Site) -> None:
    """A gate that thought it was yesterday: the scan leaves that day and is in this one, with its right time."""
    roster(site)
    ledger = Ledger("Main")
    wrong = ledger.scan(manila(23, 0, day=25), ANA, day="2026-11-25", clock_trusted=False)
    site.send(*ledger.scans)
    right = {
        "type": "correction",
        "scan_id": wrong["scan_id"],
        "scanned_at": rfc3339(manila(7, 42)),
        "day": DAY,
        "status": "late",
        "minutes_late": 12,
        "corrected_at": rfc3339(manila(8, 0)),
    }
    assert site.send(right) == ["created"]
    assert words(lines(of_day(site))["1"]) == [("morning", "07:42", "", True)]
    assert not any(each.present for each in lines(of_day(site, "2026-11-25"))["1"].seen)


def test_whoever_is_not_in_the_directory_is_counted_without_a_name(site: Site) -> None:
    """Somebody who was erased, or whom no gate has told of yet."""
    roster(site)
    ledger = Ledger("Main")
    ledger.scan(manila(7, 0), EVA, day=DAY)
    site.send(*ledger.scans)
    found = of_day(site)
    assert found.strangers == 1
    assert set(lines(found)) == {"1", "2"}


def test_another_school_s_scans_and_students_are_not_there(site: Site) -> None:
    """Even under the same key and number."""
    roster(site)
    elsewhere = Ledger("Main")
    elsewhere.scan(manila(7, 0), ANA, day=DAY)
    site.send(student("1", ANA), student("9"), *elsewhere.scans, gate=site.stranger)
    found = of_day(site)
    assert set(lines(found)) == {"1", "2"}
    assert found.sessions == ["morning"]
    assert not lines(found)["1"].seen[0].present


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesDesk]:
    folder = tmp_path_factory.mktemp("pages")
    desk = PagesDesk(f"sqlite:///{folder / 'centre.db'}", folder)
    yield desk
    desk.close()


@pytest.mark.parametrize(("login", "names"), [("roque-viewer", False), ("roque-office", True), ("olga-operator", True)])
def test_names_are_for_those_who_may(desk: PagesDesk, login: str, names: bool) -> None:
    """A viewer sees how many; the office sees who, and what each did."""
    page = desk.visitor(login).text(f"/schools/{desk.roque}/register")
    assert "Sampaguita" in page
    assert ("Dela Cruz, Jose" in page) == names
    assert ("2026-004" in page) == names
    if names:
        assert page.count("not seen</td>") == 1
        assert "07:33, late" in page
        assert page.index("Abad, Liza") < page.index("Cruz, Maria Cristina") < page.index("Bautista, Juan")


def test_a_day_without_classes_says_why(desk: PagesDesk) -> None:
    """So that nobody wonders where everybody is; a day that is none is today."""
    office = desk.visitor("roque-office")
    assert "Independence Day" in office.text(f"/schools/{desk.roque}/register?day=2026-06-12")
    assert "Independence Day" not in office.text(f"/schools/{desk.roque}/register?day=2026-06-11")
    assert "9 June 2026" in office.text(f"/schools/{desk.roque}/register?day=yesterday")
