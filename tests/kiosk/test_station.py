"""From a sighting to the record, the verdict and the screen, with a real ledger and no camera."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock
from attendance.config import Settings
from attendance.domain.scan import Accepted, Refusal, Refused
from attendance.kiosk.album import Album
from attendance.kiosk.plan import gate_rules
from attendance.kiosk.redating import Redating
from attendance.kiosk.station import Outcome, Station
from attendance.kiosk.store import register, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer
from attendance.vision.messages import Portrait, Sighting, Verdict

MANILA = ZoneInfo("Asia/Manila")


class Bench:
    """A station with its neighbours; the test is the camera and the screen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(datetime(2026, 6, 7, 22, 40, tzinfo=UTC))  # 06:40 in Manila
        self.database = folder / "attendance.db"
        create_or_migrate(self.database, self.clock.now())
        with writing(self.database) as conn:
            roster.enrol(conn, roster.Enrolment("1", "Ana"), self.clock.now())
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.kept: list[str] = []
        self.album = Album(folder, self.writer, self.kept.append)
        self.verdicts: list[Verdict] = []
        self.outcomes: list[Outcome] = []
        self.rules = gate_rules(Settings(), {})
        self.station = Station(
            self.rules,
            self.clock,
            self.writer,
            self.album,
            answer=self.verdicts.append,
            show=self.outcomes.append,
            ended=lambda: None,
        )
        self.writer.start()

    def sight(self, payload: bytes, sighting_id: str = "s1") -> Outcome:
        now = self.clock.boot_ns()
        self.station.receive(Sighting(sighting_id, now, None, now, (), payload))
        self.station.step()
        return self.outcomes[-1]

    def rows(self, **words: Any) -> list[dict[str, Any]]:
        with reading(self.database) as conn:
            return register.day(conn, date(2026, 6, 8), MANILA, **words)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.writer.stop()


def test_the_screen_is_told_after_the_row_is_durable(bench: Bench) -> None:
    """When a student reads "recorded", another process can read the row."""
    seen_in_ledger = []
    bench.station._show = lambda outcome: seen_in_ledger.append(len(bench.rows()))
    now = bench.clock.boot_ns()
    bench.station.receive(Sighting("s1", now, None, now, (), b"1"))
    bench.station.step()
    assert seen_in_ledger == [1]


def test_an_accepted_scan_wants_a_photo_that_carries_its_proof_and_a_refused_one_none(bench: Bench) -> None:
    """No picture is kept of somebody who was not recorded."""
    accepted, refused = bench.sight(b"1"), bench.sight(b"stranger", "s2")
    assert isinstance(accepted.decision, Accepted)
    assert isinstance(refused.decision, Refused)
    assert [verdict.photo for verdict in bench.verdicts] == [True, False]
    assert accepted.scan_id in bench.verdicts[0].comment
    assert bench.verdicts[1].comment == ""


def test_a_portrait_is_attached_and_a_better_one_replaces_it(bench: Bench) -> None:
    """The record does not wait for the photo; the file of the first one goes."""
    bench.sight(b"1")
    for final, jpeg, score in ((False, b"\xff\xd8first", 50.0), (True, b"\xff\xd8better", 90.0)):
        bench.station.receive(Portrait("s1", final, "", score, 0, (), jpeg))
        bench.station.step()
        bench.album.step()
    [row] = bench.rows()
    assert (bench.folder / row["photo"]).read_bytes() == b"\xff\xd8better"
    assert len(list((bench.folder / "photos").rglob("*.jpg"))) == 1
    assert bench.kept == [row["scan_id"], row["scan_id"]]


def test_no_face_and_a_lost_vision_process_leave_a_reason(bench: Bench) -> None:
    """A missing photo says why, and costs no scan."""
    bench.sight(b"1")
    bench.station.interrupted("killed")
    bench.station.step()
    bench.album.step()
    assert "restarted" in bench.rows()[0]["photo_reason"]


def test_a_photo_that_cannot_be_written_is_a_reason(bench: Bench) -> None:
    """A full disk loses a photo, not a scan."""
    (bench.folder / "photos").write_text("in the way")
    bench.sight(b"1")
    bench.station.receive(Portrait("s1", True, "", 90.0, 0, (), b"\xff\xd8"))
    bench.station.step()
    bench.album.step()
    assert "could not be written" in bench.rows()[0]["photo_reason"]


def test_the_same_card_again_is_a_duplicate_and_kept_for_the_office(bench: Bench) -> None:
    """One accepted row, one refused sighting."""
    bench.sight(b"1")
    bench.clock.advance(60)
    again = bench.sight(b"1", "s2")
    assert isinstance(again.decision, Refused)
    assert again.decision.refusal is Refusal.DUPLICATE
    assert [row["status"] for row in bench.rows(refused=True)] == ["on_time", "duplicate"]


def test_a_database_that_refuses_is_told_and_nothing_is_acknowledged(bench: Bench) -> None:
    """The student does not read "recorded" when it is not."""
    bench.writer.stop()
    outcome = bench.sight(b"1")
    assert outcome.decision is None
    assert "cannot record" in outcome.sentence
    assert not bench.verdicts[0].photo
    assert bench.rows() == []


def test_scans_of_an_unsure_clock_are_dated_again_when_it_is_right(bench: Bench) -> None:
    """Recorded at a wrong time on the wrong day, read back at the true one, late as it was; keys stay."""
    bench.clock.trusted = False
    bench.sight(b"1")
    true_start = datetime(2026, 6, 8, 23, 20, tzinfo=UTC)  # 07:20 on the 9th in Manila
    bench.clock.advance(30)
    bench.clock.step((true_start - bench.clock.now().at).total_seconds() + 30)
    redating = Redating(bench.database, bench.writer, bench.clock, bench.rules.schedule, MANILA)
    redating.step()
    assert bench.rows()[0]["clock_trusted"] is False
    bench.clock.trusted = True
    redating.step()
    assert bench.rows() == []
    with reading(bench.database) as conn:
        [row] = register.day(conn, date(2026, 6, 9), MANILA)
    assert row["scanned_at"].startswith("2026-06-09T07:20:00")
    assert (row["status"], row["minutes_late"], row["clock_trusted"]) == ("late", 20, True)


def test_what_was_handed_over_is_decided_before_the_end(bench: Bench) -> None:
    """A reader's cards that the gate has taken are not forgotten by a stop."""
    with writing(bench.database) as conn:
        for number in range(2, 22):
            roster.enrol(conn, roster.Enrolment(str(number), "B"), bench.clock.now())
    for number in range(2, 22):
        bench.station.read(str(number).encode())
    assert bench.station.stop()
    assert len(bench.rows()) == 20
