"""The pages of the analytics: the same figures as drawing, table and CSV, for those who may see them."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from centre_with_gates import NOW
from one_school import Ledger, student
from visitors import PagesDesk

from attendance.domain import scan_time
from attendance.fleet.ingest import ingest
from attendance.fleet.roller import Roller
from attendance.fleet.store import gates, scan_times
from attendance.fleet.store.engine import transaction
from attendance.fleet.web.sheets import SHEETS

TWICE = UUID(int=71).hex
RANGE = "from=2026-06-01&to=2026-06-12"


def fill(desk: PagesDesk) -> None:
    """Five days of San Roque: twenty students, some late, some missing, one card at two gates."""
    engine = desk.process.centre.engine
    with transaction(engine) as conn:
        front, river = (gates.get(conn, desk.roque, desk.made.gates[name]) for name in ("Front gate", "River gate"))
        assert front is not None
        assert river is not None
        students = [
            student(
                f"A-{number:02}",
                UUID(int=70 + number).hex,
                section=("=Rizal", "Mabini")[number % 2],
                name=f"Ana {number}",
            )
            for number in range(20)
        ]
        ingest(conn, front, students, NOW - timedelta(days=9))
        main, back = Ledger("front", "e9"), Ledger("river", "e9")
        for day in range(1, 6):
            begin = datetime(2026, 5, 31 + 0, 22, 40, tzinfo=UTC) + timedelta(days=day - 1)
            on = f"2026-06-{day:02}"
            for number in range(20 - day):
                late = {"status": "late", "minutes_late": 5} if number > 15 else {}
                ledger = (main, back)[number % 3 == 0]
                at = begin + timedelta(minutes=3 * number)
                ledger.scan(at, UUID(int=70 + number).hex, day=on, **late)
                main.scan(at + timedelta(hours=9), UUID(int=70 + number).hex, day=on, direction="out")
        back.scan(datetime(2026, 6, 3, 22, 43, 30, tzinfo=UTC), TWICE, day="2026-06-04")
        refused = {
            "type": "refusal",
            "refusal_id": "01900000-0000-7000-8000-000000000001",
            "device_id": "front",
            "refusal": "unknown_card",
            "student_key": None,
            "day": "2026-06-02",
            "seen_at": "2026-06-01T23:00:00.000000Z",
            "clock_trusted": True,
            "source": "qr",
        }
        for ledger, gate in ((main, front), (back, river)):
            for first in range(0, len(ledger.scans), 200):
                ingest(conn, gate, ledger.scans[first : first + 200], NOW)
        ingest(conn, front, [refused], NOW)
        up_to = [min(90, max(0, place - 10) * 5) for place in range(len(scan_time.BOUNDS_MS))]
        health = {"components": {"scans": {"run": "r1", "up_to": [*up_to, 100]}}}
        scan_times.record(conn, front, health, NOW - timedelta(days=5))
    Roller(engine, desk.clock).roll()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesDesk]:
    folder = tmp_path_factory.mktemp("analytics")
    desk = PagesDesk(f"sqlite:///{folder / 'centre.db'}", folder)
    fill(desk)
    yield desk
    desk.close()


def page(desk: PagesDesk, part: str, who: str = "roque-office", ending: str = "", days: str = RANGE) -> str:
    return desk.visitor(who).text(f"/schools/{desk.roque}/analytics/{part}{ending}?{days}")


def rows(desk: PagesDesk, part: str, who: str = "roque-office") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(page(desk, part, who, ".csv").removeprefix("\ufeff"))))


@pytest.mark.parametrize("part", SHEETS)
def test_every_part_has_figures(desk: PagesDesk, part: str) -> None:
    """With the same as a table; drawings name themselves to whoever cannot see them."""
    shown = page(desk, part)
    assert "Nothing in this time" not in shown
    assert '<table class="plain numbers">' in shown
    assert shown.count('<svg class="graph"') == shown.count("<figcaption") == shown.count("<desc id=")


def test_arrivals_are_those_who_came(desk: PagesDesk) -> None:
    """19 + 18 + 17 + 16 + 15 students and one card that came twice."""
    came = [row for row in rows(desk, "arrivals") if row["day"] <= "2026-06-05"]
    assert sum(int(row["came"]) for row in came) == 19 + 18 + 17 + 16 + 15 + 1
    assert sum(int(row["went"]) for row in came) == 85
    assert {row["gate"] for row in came} == {"Front gate", "River gate"}


def test_in_less_out_is_told_by_gate(desk: PagesDesk) -> None:
    """All go by the front gate, a third come by the other."""
    river = [row for row in rows(desk, "balance") if row["gate"] == "River gate"]
    assert sum(int(row["came"]) for row in river) > 0 == sum(int(row["went"]) for row in river)


def test_reasons_and_scan_times_are_told_by_gate(desk: PagesDesk) -> None:
    """From what the gate told of itself."""
    found = {(row["gate"], row["what"]): float(row["value"]) for row in rows(desk, "gates")}
    assert found["Front gate", "refused: unknown_card"] == 1
    assert found["Front gate", "scans measured"] == 100
    assert 8 < found["Front gate", "scan time ms, half"] < 5_000


def test_absence_is_told_by_section_and_day(desk: PagesDesk) -> None:
    """Of twenty who are expected one more is missing each day; a section's name runs as nobody's formula."""
    found = [row for row in rows(desk, "lateness") if row["day"] <= "2026-06-05"]
    absent = {
        day: sum(int(row["absent"]) for row in found if row["day"] == day) for day in {row["day"] for row in found}
    }
    assert absent == {f"2026-06-{day:02}": day for day in range(1, 6)}
    assert {row["section"] for row in found} == {"'=Rizal", "Mabini"}
    assert next(row["weekday"] for row in found if row["day"] == "2026-06-01") == "Monday"


def test_a_card_at_two_gates_is_told_with_a_name_to_those_who_may(desk: PagesDesk) -> None:
    """A viewer sees that it was, and where."""
    (row,) = rows(desk, "together")
    assert row["student"] == "Ana 1"
    (seen,) = rows(desk, "together", "roque-viewer")
    assert "student" not in seen
    assert seen["first seen"] == "Front gate 06:43:00"
    assert "Ana 1" not in page(desk, "together", "roque-viewer")


def test_schools_stand_beside_each_other(desk: PagesDesk) -> None:
    """Only one's own; an operator has all."""
    assert "Northfield" not in desk.visitor("roque-viewer").text("/analytics")
    assert "Northfield" in desk.visitor("olga-operator").text(f"/analytics?{RANGE}")
    text = desk.visitor("roque-viewer").text(f"/analytics/schools.csv?{RANGE}")
    found = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert {row["school"] for row in found} == {"San Roque Elementary School"}
    assert sum(int(row["came"]) for row in found if row["day"] <= "2026-06-05") == 86


@pytest.mark.parametrize("path", ["arrivals", "lateness.csv", "together.csv"])
def test_another_school_s_figures_are_nobody_s_business(desk: PagesDesk, path: str) -> None:
    """They are not there, as for one who guesses; nobody is sent to the login."""
    assert desk.visitor("north-admin").get(f"/schools/{desk.roque}/analytics/{path}").status_code == 404
    assert desk.visitor("nobody").get(f"/schools/{desk.roque}/analytics/{path}").status_code == 303


@pytest.mark.parametrize(
    "days",
    [
        "from=2026-06-12&to=2026-06-01",
        "from=x&to=",
        "from=0001-01-01&to=9999-12-31",
        "from=1970-01-01&to=1970-01-01",
        "to=2026-12-31",
    ],
)
def test_any_days_can_be_asked_for(desk: PagesDesk, days: str) -> None:
    """What is no day, or too long, is set right; never an error."""
    for part in SHEETS:
        page(desk, part, days=days)
    desk.visitor("olga-operator").text(f"/analytics?{days}")


def test_what_is_no_part_is_not_found(desk: PagesDesk) -> None:
    """With and without its CSV."""
    for ending in ("", ".csv"):
        assert desk.visitor("roque-office").get(f"/schools/{desk.roque}/analytics/nothing{ending}").status_code == 404
