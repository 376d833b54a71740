"""The exchange as a running gate has it: its services, what wakes them, and what health is told."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from centre_school import CentreSchool
from gate_data import GateData
from small_centre import SCHOOL, Answered, SmallCentre, Told
from sync_desk import TOKEN

from attendance.clock import SystemClock
from attendance.config import Settings
from attendance.domain import wire
from attendance.kiosk.store.database import reading
from attendance.kiosk.sync import credentials
from attendance.kiosk.sync.app import Sync
from attendance.kiosk.sync.client import (
    CentreBusy,
    CentreError,
    CentreUnreachable,
    ClockWrong,
    NotEnrolled,
    NotTheCentre,
    Revoked,
)
from attendance.kiosk.sync.down import Seams
from attendance.kiosk.sync.problems import of_fault
from attendance.kiosk.sync.pulling import BadAnswer
from attendance.ops import sqlite
from attendance.ops.health import Component, HealthBoard
from attendance.ops.sqlite import Writer

Wait = Callable[..., None]


class RunningGate:
    """The exchange of a gate with its threads, and its health."""

    def __init__(self, folder: Path) -> None:
        self.gate = GateData(folder).create(2)
        self.writer = Writer(lambda: sqlite.connect(self.gate.database))
        self.taken: list[int] = []
        self.board = HealthBoard()
        seams = Seams(self.board.snapshot, lambda reason: None, lambda: "a backup", lambda layer: None)
        self.sync = Sync(Settings(), self.gate.paths, self.writer, SystemClock(), seams, on_taken=self.taken.append)
        self.sync.add_probes(self.board)

    def start(self) -> None:
        self.writer.start()
        for service in self.sync.services:
            service.start()

    def stop(self) -> bool:
        """Whether every thread has ended."""
        ended = [service.stop() for service in self.sync.services]
        return self.writer.stop() and all(ended)

    def enrol(self, centre: SmallCentre) -> None:
        centre.keys.add(wire.key_hash(TOKEN))
        place = credentials.Credentials(centre.url, "g", "Main gate", SCHOOL, "Mabini", "Asia/Manila", TOKEN)
        credentials.save(self.gate.data, place)

    def component(self) -> Component:
        self.board.step()
        return self.board.snapshot().components["sync"]

    def codes(self) -> list[str]:
        self.board.step()
        return [problem.code for problem in self.board.snapshot().problems]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningGate]:
    running = RunningGate(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def centre() -> Iterator[SmallCentre]:
    with CentreSchool() as centre:
        yield centre


def test_a_scan_leaves_at_once_when_the_gate_is_told_of_it(
    running: RunningGate, centre: SmallCentre, eventually: Wait
) -> None:
    """Without waiting for the next look; and the metric counts what the centre took."""
    running.enrol(centre)
    running.start()
    eventually(lambda: len(centre.ids("student")) == 2)
    made = running.gate.scan()
    running.sync.wake()
    eventually(lambda: made.scan_id in centre.ids("scan"), within_s=8)
    eventually(lambda: sum(running.taken) == 3)
    assert running.stop()


def test_without_a_centre_the_exchange_is_off(running: RunningGate) -> None:
    """Which is no problem: most gates begin so."""
    running.start()
    assert running.component().status == "stopped"
    assert running.codes() == []


def test_health_knows_what_waits_and_what_was_not_taken(
    running: RunningGate, centre: SmallCentre, eventually: Wait
) -> None:
    """With the centre's reason, and what to do."""
    made = running.gate.scan()
    centre.results[made.scan_id] = {"result": "conflict", "reason": "another scan is here"}
    running.enrol(centre)
    running.start()
    eventually(lambda: running.component().values["not_taken"] == 1)
    values = running.component().values
    assert (values["enrolled"], values["school"], values["waiting"]) == (True, "Mabini", 0)
    [problem] = running.board.snapshot().problems
    assert problem.code == "sync-not-taken"
    assert "another scan is here" in problem.text
    assert "attendance sync dead" in problem.remedy


def test_health_tells_of_a_broken_chain(running: RunningGate, centre: SmallCentre, eventually: Wait) -> None:
    """The centre finds it; the gate's people hear of it."""

    def broken(told: Told, honest: Answered) -> Answered:
        if told.path != "/sync":
            return honest
        results = ", ".join(['{"result": "created"}'] * len(told.json["items"]))
        head = '{"device_id": "gate-1", "epoch": "e1", "complete_to": 4, "highest": 9, "broken_at": 5}'
        body = f'{{"results": [{results}], "heads": [{head}], "versions": {{"changes": 0, "scans": 0}}}}'.encode()
        name = told.headers[wire.REQUEST_HEADER.lower()]
        signature = wire.signature_of_answer(wire.key_hash(TOKEN), name, 200, body)
        return Answered(200, body, {wire.SIGNATURE_HEADER: signature})

    centre.fault = broken
    running.gate.scan()
    running.enrol(centre)
    running.start()
    eventually(lambda: running.codes() == ["sync-chain-broken"])
    assert "scan 5 of series e1" in running.board.snapshot().problems[0].text


def test_a_revoked_gate_says_so_and_goes_on(running: RunningGate, centre: SmallCentre, eventually: Wait) -> None:
    """Its scans wait here."""
    running.gate.scan()
    running.enrol(centre)
    centre.keys.clear()
    running.start()
    eventually(lambda: running.codes() == ["gate-revoked"])
    with reading(running.gate.database) as conn:
        assert conn.execute("SELECT count(*) FROM sync_queue WHERE state = 'waiting'").fetchone()[0] == 3


def test_an_unreadable_enrolment_is_a_problem(running: RunningGate) -> None:
    """Not a silent end of the exchange."""
    (running.gate.data / "centre.json").write_text("{")
    assert running.codes() == ["centre-enrolment"]
    (running.gate.data / "centre.json").unlink()
    assert running.codes() == []


@pytest.mark.parametrize(
    ("fault", "minutes", "codes"),
    [
        (None, 999, []),
        (CentreUnreachable("down"), 14, []),
        (CentreUnreachable("down"), 16, ["centre-unreachable"]),
        (CentreBusy("busy", 5), 1, []),
        (CentreBusy("busy", 5), 16, ["centre-unreachable"]),
        (ClockWrong("expired"), 0, ["centre-clock"]),
        (NotTheCentre("a page"), 0, ["centre-not-itself"]),
        (Revoked("out"), 0, ["gate-revoked"]),
        (NotEnrolled("damaged"), 0, ["centre-enrolment"]),
        (BadAnswer("other version"), 0, ["centre-refuses"]),
    ],
)
def test_each_fault_has_its_problem(fault: CentreError | None, minutes: float, codes: list[str]) -> None:
    """A network that stumbles is none; nothing that a person must mend is left out."""
    assert [problem.code for problem in of_fault(fault, minutes)] == codes


def test_a_stop_is_at_once_while_the_centre_is_silent(
    running: RunningGate, centre: SmallCentre, eventually: Wait
) -> None:
    """A question that hangs is broken off, and every thread ends within the time that a stop gives it."""
    over = threading.Event()
    centre.before = lambda told: over.wait(20) and False
    running.gate.scan()
    running.enrol(centre)
    running.start()
    eventually(lambda: centre.asked)
    assert running.stop()
    over.set()
    assert running.gate.value("SELECT count(*) FROM sync_queue WHERE state <> 'waiting'") == 0


def test_a_stop_is_at_once_while_nobody_accepts(running: RunningGate, eventually: Wait) -> None:
    """A network that swallows everything is the usual one: even connecting is broken off."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        queued = [socket.socket() for _ in range(4)]
        for each in queued:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        place = credentials.Credentials(
            f"http://127.0.0.1:{listener.getsockname()[1]}", "g", "Main gate", SCHOOL, "Mabini", "Asia/Manila", TOKEN
        )
        credentials.save(running.gate.data, place)
        running.start()
        eventually(lambda: running.sync._client._exchange and running.sync._client._exchange[1]._under_way)
        assert running.stop()
        for each in queued:
            each.close()
