"""What the centre is told of the last days' sessions: whether this gate provably worked through each."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from centre_school import CentreSchool, opened
from gate_data import MANILA, SCHEDULE, GateData

from attendance.clock import rfc3339
from attendance.domain.absence import Limits
from attendance.domain.scan import GateDirection
from attendance.kiosk.sms.absence import AbsenceRules
from attendance.kiosk.store.database import writing
from attendance.kiosk.sync.windows import proven_windows

RULES = AbsenceRules(MANILA, SCHEDULE, frozenset(), Limits(timedelta(minutes=30), 20), 2, GateDirection.BOTH)


@pytest.fixture
def gate(tmp_path: Path) -> GateData:
    return GateData(tmp_path).create(1)


def worked(gate: GateData, *spans: tuple[str, str], jumped: bool = False) -> None:
    """The gate provably worked on the day, local times as 06:00."""
    with writing(gate.database) as conn:
        for span in spans:
            began, ended = (
                rfc3339(datetime.fromisoformat(f"2026-06-08T{text}").replace(tzinfo=MANILA).astimezone(UTC))
                for text in span
            )
            conn.execute(
                "INSERT INTO proof_of_work (began_at, ended_at, after_jump) VALUES (?, ?, ?)", (began, ended, jumped)
            )


def told(gate: GateData, at: str, kind: str = "arrival") -> list[tuple[str, bool]]:
    moment = datetime.fromisoformat(f"2026-06-08T{at}").replace(tzinfo=MANILA)
    gate.clock.step((moment - gate.clock.now().at).total_seconds())
    windows = proven_windows(gate.database, RULES, gate.clock)
    return [(window.day, window.complete) for window in windows if window.kind == kind]


def test_a_window_is_told_when_it_is_over(gate: GateData) -> None:
    """Yesterday's was not watched; today's is not told before guardians are."""
    worked(gate, ("05:00", "09:00"))
    assert told(gate, "08:29") == [("2026-06-07", False)]
    assert told(gate, "08:31") == [("2026-06-07", False), ("2026-06-08", True)]
    assert told(gate, "08:31", "departure") == [("2026-06-07", False)]


def test_departures_count_from_the_first_arrivals(gate: GateData) -> None:
    """Who left early and was not seen has left all the same."""
    worked(gate, ("05:00", "09:30"), ("09:40", "14:00"))
    assert told(gate, "14:00")[-1] == ("2026-06-08", True)
    assert told(gate, "14:00", "departure")[-1] == ("2026-06-08", False)


def test_a_hole_makes_it_incomplete(gate: GateData) -> None:
    """A restart of a moment does not."""
    worked(gate, ("05:00", "07:00"), ("07:10", "09:00"))
    assert told(gate, "09:00")[-1] == ("2026-06-08", False)


def test_a_restart_is_no_hole(gate: GateData) -> None:
    """Whoever came in it has shown the card again."""
    worked(gate, ("05:00", "07:00"), ("07:02", "09:00"))
    assert told(gate, "09:00")[-1] == ("2026-06-08", True)


def test_a_clock_that_jumped_proves_nothing(gate: GateData) -> None:
    """No time of that day is sure."""
    worked(gate, ("05:00", "09:00"), jumped=True)
    assert told(gate, "09:00")[-1] == ("2026-06-08", False)


def test_a_gate_without_messages_proves_its_work_too(tmp_path: Path) -> None:
    """A school has its phone at one gate; the others must be believed as well."""
    with CentreSchool() as centre, opened(tmp_path, centre) as desk:
        down = desk.another(works=lambda: True)
        [proof] = [service for service in down.services if service.name == "proof of work"]
        assert "proof of work" not in [service.name for service in desk.down.services]
        for _ in range(3):
            proof._stepper.step()
            desk.clock.advance(50)
        proof._stepper.close()
        assert desk.gate.value("SELECT count(*) FROM proof_of_work WHERE ended_at > began_at") == 1
