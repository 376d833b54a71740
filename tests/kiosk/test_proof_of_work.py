"""That the gate worked is written while it works, cheaply, and whatever is not written is not proven."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from school_morning import SchoolMorning

from attendance.domain.absence import holes
from attendance.kiosk.sms.proof import LOOK_S, ProofOfWork, camera_sees
from attendance.kiosk.store import proof
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.ledger import local
from attendance.vision.messages import Status


@dataclass
class Watched:
    """A gate that works or not, and the proof of it."""

    school: SchoolMorning
    working: bool = True

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new process."""
        self.proof = ProofOfWork(self.school.writer, self.school.clock, lambda: self.working)

    def run(self, minutes: float) -> None:
        for _ in range(round(minutes * 60 / LOOK_S)):
            assert self.proof.step() == LOOK_S
            self.school.clock.advance(LOOK_S)

    def holes(self, start: str, end: str) -> list[str]:
        school = self.school
        with reading(school.database) as conn:
            spans = proof.spans(conn, school.at(start), school.at(end))
        naive = [(local(began, school.zone), local(ended, school.zone)) for began, ended in spans]
        found = holes(naive, school.at(start).replace(tzinfo=None), school.at(end).replace(tzinfo=None))
        return [f"{a:%H:%M}-{b:%H:%M}" for a, b in found]

    def jumped(self) -> bool:
        with reading(self.school.database) as conn:
            return proof.jumped(conn, self.school.at("00:00"), self.school.at("23:59"))


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Watched]:
    school = SchoolMorning(tmp_path)
    yield Watched(school)
    school.close()


def test_an_hour_of_work_is_one_row(gate: Watched) -> None:
    """Proven to the last two minutes, with a write every two."""
    gate.run(60)
    assert gate.school.rows("SELECT count(*) FROM proof_of_work") == [(1,)]
    assert gate.holes("06:00", "07:00") == []


def test_what_fails_leaves_a_hole(gate: Watched) -> None:
    """From the last good look to the next."""
    gate.run(20)
    gate.working = False
    gate.run(10)
    gate.working = True
    gate.run(30)
    assert gate.holes("06:00", "07:00") == ["06:19-06:30"]


def test_a_kill_loses_less_than_is_tolerated(gate: Watched) -> None:
    """Who is back in half a minute has proven the whole hour; who is away for longer has not."""
    gate.run(21.5)
    gate.school.clock.advance(30)
    gate.begin()
    gate.run(20)
    assert gate.holes("06:00", "06:40") == []
    gate.school.clock.advance(240)
    gate.begin()
    gate.run(20)
    assert len(gate.holes("06:00", "07:00")) == 1


def test_an_orderly_end_writes_what_is_proven(gate: Watched) -> None:
    """To the last look."""
    gate.run(1.5)
    gate.proof.close()
    gate.proof.close()
    [(began, ended)] = gate.school.rows("SELECT began_at, ended_at FROM proof_of_work")
    assert (began[11:19], ended[11:19]) == ("22:00:00", "22:01:20")


def test_a_blind_minute_ends_the_span(gate: Watched) -> None:
    """A machine that was suspended, or a thread that hung, proves nothing of that time."""
    gate.run(10)
    gate.school.clock.advance(600)
    gate.run(10)
    assert gate.holes("06:00", "06:30") == ["06:09-06:20"]


def test_an_untrusted_clock_proves_nothing(gate: Watched) -> None:
    """Until it is trusted."""
    gate.school.clock.trusted = False
    gate.run(20)
    gate.school.clock.trusted = True
    gate.run(20)
    assert gate.holes("06:00", "06:40") == ["06:00-06:20"]
    assert not gate.jumped()


@pytest.mark.parametrize("step_s", [-3600, -60, 60, 3600])
def test_a_jump_of_the_clock_is_remembered(gate: Watched, step_s: float) -> None:
    """Forwards or back: no time of that day is sure."""
    gate.run(10)
    gate.school.clock.step(step_s)
    gate.run(10)
    assert gate.jumped()


def test_a_small_correction_is_no_jump(gate: Watched) -> None:
    """Network time pulls a clock by fractions of a second."""
    gate.run(10)
    gate.school.clock.step(2)
    gate.run(10)
    assert not gate.jumped()
    assert gate.school.rows("SELECT count(*) FROM proof_of_work") == [(1,)]


def test_a_jump_while_the_gate_does_not_work_counts_too(gate: Watched) -> None:
    """It is written with the next span."""
    gate.run(10)
    gate.working = False
    gate.run(1)
    gate.school.clock.step(-3600)
    gate.run(1)
    gate.working = True
    gate.run(5)
    assert gate.jumped()


def test_time_that_runs_back_over_a_restart_is_a_jump(gate: Watched) -> None:
    """A new process finds proof of a later time than now."""
    gate.run(30)
    gate.school.clock.step(-600)
    gate.begin()
    gate.run(5)
    assert gate.jumped()


def test_old_spans_go(gate: Watched) -> None:
    """When a new one begins."""
    gate.run(5)
    gate.school.clock.advance(proof.KEPT.total_seconds() + 86_400)
    gate.run(5)
    assert gate.school.rows("SELECT count(*) FROM proof_of_work") == [(1,)]


def test_a_failed_write_is_a_hole(gate: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """A database that refuses this would have refused scans."""
    gate.run(10)
    gate.school.writer.stop()
    gate.proof.close()
    assert "could not be written" in caplog.text


@pytest.mark.parametrize(
    ("status", "sees"),
    [
        (None, False),
        (Status("ok", "", 9, 15.0, 95_000_000_000), True),
        (Status("ok", "", 9, 15.0, 80_000_000_000), False),
        (Status("black", "", 9, 15.0, 99_000_000_000), False),
        (Status("frozen", "", 9, 15.0, 99_000_000_000), False),
        (Status("ok", "", 0, 0.0, 0), False),
    ],
)
def test_what_a_camera_proves(status: Status | None, sees: bool) -> None:
    """Only fresh pictures that show something."""
    assert camera_sees(status, 100_000_000_000) is sees
