"""The probe that notices when nobody passes although they usually do, and when many are refused."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from gate_data import HERE, MANILA, GateData

from attendance.domain.calendar import Closure, ClosureKind
from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, Refusal, Status
from attendance.kiosk.flow_probe import FlowProbe
from attendance.kiosk.store import closures, ledger
from attendance.kiosk.store.database import writing

WEEK_S = 7 * 86_400
HALF_HOUR_S = 1_800


class Mornings(GateData):
    """A gate whose clock stands at 06:40; scans are made a second apart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.create(1)
        self.passage = 0

    def pass_through(self, times: int) -> None:
        with writing(self.database) as conn:
            key = conn.execute("SELECT student_key FROM students").fetchone()[0]
            for _ in range(times):
                self.passage += 1
                self.clock.advance(1)
                scan = Accepted(self.today, "morning", Direction.IN, Status.ON_TIME, self.passage, "Welcome.")
                used = ledger.CardUsed(0, False)
                ledger.record(conn, key, scan, self.clock.now(), HERE, used, MessageKind.CHECK_IN)

    def refuse(self, times: int, refusal: Refusal) -> None:
        with writing(self.database) as conn:
            for _ in range(times):
                ledger.refuse(conn, refusal, None, "?", self.clock.now(), self.today, HERE)

    def weeks(self, count: int, scans: int) -> None:
        """So many mornings with that many scans, each ending at the same time of day as now."""
        for _ in range(count):
            self.pass_through(scans)
            self.clock.advance(WEEK_S - scans)
        self.clock.advance(scans)

    @property
    def today(self) -> date:
        return self.clock.now().at.astimezone(MANILA).date()

    def probe_after_half_an_hour(self) -> FlowProbe:
        """One that has seen a whole span, up to now."""
        self.clock.advance(-HALF_HOUR_S)
        probe = FlowProbe(self.database, self.clock, MANILA)
        probe()
        self.clock.advance(HALF_HOUR_S)
        return probe


@pytest.fixture
def mornings(tmp_path: Path) -> Mornings:
    return Mornings(tmp_path)


def codes(probe: Callable[[], object]) -> list[str]:
    return [problem.code for problem in probe().problems]  # type: ignore[attr-defined]


def test_a_gate_that_is_silent_when_it_is_usually_busy_says_so(mornings: Mornings) -> None:
    """Nobody in half an hour in which there were thirty scans in the weeks before."""
    mornings.weeks(3, 30)
    found = mornings.probe_after_half_an_hour()()
    assert [problem.code for problem in found.problems] == ["gate-silent"]
    assert "usually 30 scans" in found.problems[0].text
    assert found.values == {"last_half_hour": 0, "usual_half_hour": 30}


def test_one_scan_is_enough_to_be_heard(mornings: Mornings) -> None:
    """A slow morning is no fault of the gate."""
    mornings.weeks(3, 30)
    probe = mornings.probe_after_half_an_hour()
    mornings.pass_through(1)
    mornings.clock.advance(60)
    assert codes(probe) == []


@pytest.mark.parametrize(("weeks", "scans"), [(1, 30), (3, 19)])
def test_too_little_is_known_to_say_what_is_usual(mornings: Mornings, weeks: int, scans: int) -> None:
    """One week proves no habit, and few scans may be none by chance."""
    mornings.weeks(weeks, scans)
    assert codes(mornings.probe_after_half_an_hour()) == []


def test_a_week_off_does_not_make_silence_usual(mornings: Mornings) -> None:
    """A day without any scan was a day without classes."""
    mornings.weeks(2, 30)
    mornings.clock.advance(WEEK_S)
    assert codes(mornings.probe_after_half_an_hour()) == ["gate-silent"]


def test_a_closed_day_is_silent(mornings: Mornings) -> None:
    """The calendar says that nobody comes."""
    mornings.weeks(3, 30)
    with writing(mornings.database) as conn:
        closures.add(conn, Closure(mornings.today, mornings.today, ClosureKind.HOLIDAY, "Fiesta", ""))
    assert codes(mornings.probe_after_half_an_hour()) == []


def test_a_gate_that_has_just_started_has_seen_nothing_yet(mornings: Mornings) -> None:
    """It was off, which is not news to whoever switched it on."""
    mornings.weeks(3, 30)
    probe = FlowProbe(mornings.database, mornings.clock, MANILA)
    assert codes(probe) == []
    mornings.clock.advance(HALF_HOUR_S - 1)
    assert codes(probe) == []


def test_nothing_is_usual_by_a_doubtful_clock(mornings: Mornings) -> None:
    """It may say seven at midnight."""
    mornings.weeks(3, 30)
    probe = mornings.probe_after_half_an_hour()
    mornings.clock.trusted = False
    assert codes(probe) == []


@pytest.mark.parametrize(("accepted", "refused", "expected"), [(59, 20, ["many-refused"]), (60, 20, []), (0, 19, [])])
def test_many_refusals_are_a_problem(mornings: Mornings, accepted: int, refused: int, expected: list[str]) -> None:
    """More than a quarter of what was shown in an hour, if that is more than a handful."""
    mornings.pass_through(accepted)
    mornings.refuse(refused, Refusal.UNKNOWN_CARD)
    mornings.refuse(100, Refusal.DUPLICATE)
    found = FlowProbe(mornings.database, mornings.clock, MANILA)()
    assert [problem.code for problem in found.problems] == expected
    assert all("unknown card" in problem.text for problem in found.problems)


def test_it_looks_once_a_minute(mornings: Mornings) -> None:
    """What was found is repeated in between: health asks every two seconds."""
    mornings.refuse(30, Refusal.WRONG_TIME)
    probe = FlowProbe(mornings.database, mornings.clock, MANILA)
    assert codes(probe) == ["many-refused"]
    mornings.clock.advance(timedelta(hours=2).total_seconds())
    assert codes(probe) == []
    mornings.refuse(30, Refusal.WRONG_TIME)
    mornings.clock.advance(59)
    assert codes(probe) == []
    mornings.clock.advance(1)
    assert codes(probe) == ["many-refused"]
