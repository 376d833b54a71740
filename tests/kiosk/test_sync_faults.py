"""Nothing is lost and nothing doubled, whatever happens to answers on their way and to the gate meanwhile."""

import gzip
import multiprocessing
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gate_data import GateData
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_disk import folder_in_memory, in_memory
from small_centre import SCHOOL, Answered, SmallCentre, Told
from sync_desk import TOKEN, SyncDesk, opened, reopened
from wire import Wire

from attendance.clock import ManualClock
from attendance.domain import wire
from attendance.kiosk.store.database import reading
from attendance.kiosk.sync import credentials
from attendance.kiosk.sync.client import CentreClient
from attendance.kiosk.sync.exchange import (
    ANSWER_LIMIT_BYTES,
    CentreError,
    CentreUnreachable,
    NotTheCentre,
    Reply,
    Revoked,
)
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

KEY = wire.key_hash(TOKEN)


class BadLine:
    """Changes answers one after the other by a list of faults, then leaves them alone."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        self._before: Answered | None = None

    def __call__(self, told: Told, honest: Answered) -> Answered | None:
        fault = self.faults.pop(0) if self.faults else ""
        earlier, self._before = self._before, honest
        if fault == "lost":
            return None
        if fault == "truncated":
            return Answered(honest.status, honest.body, honest.headers, cut=120)
        if fault == "unsigned":
            return Answered(honest.status, honest.body)
        if fault == "repeated":
            return earlier or Answered(200, b"")
        if fault == "of another":
            return Answered(200, honest.body, {wire.SIGNATURE_HEADER: signed("of another", 200, honest.body)})
        if fault == "other status":
            return Answered(201, honest.body, honest.headers)
        if fault == "portal":
            return Answered(200, b"<html>Log in</html>", {"Content-Type": "text/html"})
        if fault == "redirect":
            return Answered(302, b"", {"Location": "http://127.0.0.1:1/login"})
        if fault == "broken":
            return Answered(502, b"bad gateway")
        return honest


FAULTS = ["lost", "truncated", "unsigned", "repeated", "of another", "other status", "portal", "redirect", "broken"]


def signed(request: str, status: int, body: bytes) -> str:
    return wire.signature_of_answer(KEY, request, status, body)


@pytest.fixture
def centre() -> Iterator[SmallCentre]:
    with SmallCentre() as centre:
        yield centre


@settings(max_examples=25, deadline=None)
@given(faults=st.lists(st.sampled_from(["", *FAULTS]), max_size=25), scans=st.integers(1, 12), data=st.data())
def test_a_lying_line_loses_and_doubles_nothing(faults: list[str], scans: int, data: st.DataObject) -> None:
    """Whatever the order of faults: in the end each record is at the centre, once, and the queue is empty."""
    with (
        folder_in_memory() as folder,
        SmallCentre(fault=BadLine(list(faults))) as centre,
        opened(folder, batch_size=5) as desk,
    ):
        desk.enrol(centre)
        for number in range(1, scans + 1):
            desk.gate.scan("1", number, photo=data.draw(st.booleans()))
            if data.draw(st.booleans()):
                desk.clock.advance(min(desk.courier.step(), desk.lane.step()))
        desk.work(3000)
        ledger = desk.gate.scans()
        there = {item.scan_id: (item.epoch, item.seq) for item in centre.items.values() if item.type == "scan"}
        assert there == ledger
        assert len(centre.newly) == len(set(centre.newly))
        assert set(desk.rows().values()) == {"sent"}
        announced = {item.sha256 for item in centre.items.values() if item.type == "photo" and item.sha256}
        assert set(centre.pictures) == announced


@pytest.mark.parametrize("fault", FAULTS)
def test_no_such_answer_acknowledges_anything(centre: SmallCentre, tmp_path: Path, fault: str) -> None:
    """The records are at the centre, but the gate has no proof of it: all of them still wait."""
    centre.fault = BadLine(["", fault])
    with opened(tmp_path) as desk:
        desk.enrol(centre)
        desk.courier.step()
        desk.gate.scan()
        desk.clock.advance(5)
        desk.courier.step()
        assert desk.states("scan") == ["waiting"]
        assert desk.client.fault is not None
        assert len(centre.ids("scan")) == 1


def asked(centre: SmallCentre, folder: Path) -> Reply:
    place = credentials.Credentials(centre.url, "g", "Gate", SCHOOL, "Mabini", "Asia/Manila", TOKEN)
    credentials.save(folder, place)
    client = CentreClient(folder, ManualClock(GateData(folder).clock.now().at))
    return client.ask("GET", "/photos/" + "0" * 64, deadline_s=5.0)


def answering(centre: SmallCentre, status: int, body: bytes, **headers: str) -> None:
    """Have the centre give this answer, signed as it should be."""

    def fault(told: Told, honest: Answered) -> Answered:
        signature = signed(told.headers[wire.REQUEST_HEADER.lower()], status, body)
        return Answered(status, body, {wire.SIGNATURE_HEADER: signature, **headers})

    centre.fault = fault


def test_a_signed_no_to_the_key_is_a_revocation(centre: SmallCentre, tmp_path: Path) -> None:
    """And an unsigned one is not: anybody may say that."""
    with pytest.raises(Revoked, match="revoked"):
        asked(centre, tmp_path)
    centre.fault = BadLine(["unsigned"])
    with pytest.raises(NotTheCentre, match="without this gate's signature"):
        asked(centre, tmp_path)


def test_a_packed_bomb_is_no_answer(centre: SmallCentre, tmp_path: Path) -> None:
    """A small body that unpacks to a large one is not unpacked to its end."""
    centre.keys.add(KEY)
    body = gzip.compress(b" " * (ANSWER_LIMIT_BYTES * 20))
    centre.fault = lambda told, honest: Answered(200, body, {"Content-Encoding": "gzip"})
    with pytest.raises(NotTheCentre):
        asked(centre, tmp_path)


def test_the_signature_covers_what_was_unpacked(centre: SmallCentre, tmp_path: Path) -> None:
    """A proxy may pack an answer or not: it is the same answer."""
    centre.keys.add(KEY)
    answering(centre, 200, b'{"received": 5, "complete": false, "more": "' + b"x" * 1000 + b'"}')
    assert asked(centre, tmp_path).json["received"] == 5


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 418])
def test_a_signed_refusal_is_an_answer(centre: SmallCentre, tmp_path: Path, status: int) -> None:
    """What the centre says is for whoever asked."""
    answering(centre, status, b'{"error": {"code": "x", "message": "Nobody announced it."}}')
    reply = asked(centre, tmp_path)
    assert (reply.status, reply.ok, reply.fault) == (status, False, "Nobody announced it")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"error": 5}', b'{"error": {"message": "a\\u0000b"}}'])
def test_a_refusal_without_words_is_told_by_its_number(centre: SmallCentre, tmp_path: Path, body: bytes) -> None:
    """Nothing that would confuse a terminal is passed on."""
    answering(centre, 409, body)
    assert asked(centre, tmp_path).fault == "HTTP 409"


def test_nobody_there_is_told_as_such(tmp_path: Path) -> None:
    """No network is not a stranger."""
    with SmallCentre() as centre:
        pass
    with pytest.raises(CentreUnreachable, match="cannot be reached"):
        asked(centre, tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"url": 5}', b'{"url": "http://x"}'])
def test_a_damaged_enrolment_is_told_and_stops_nothing(tmp_path: Path, content: bytes) -> None:
    """The gate works on without its centre, and says why."""
    with opened(tmp_path) as desk:
        (desk.gate.data / "centre.json").write_bytes(content)
        desk.gate.scan()
        assert desk.courier.step() > 0
        assert "is damaged" in str(desk.client.fault)
        assert desk.states("scan") == ["waiting"]


def test_the_secret_is_for_the_gate_s_user_only(tmp_path: Path) -> None:
    """Neither its file nor its words in a log show the token."""
    with SmallCentre() as centre, opened(tmp_path) as desk:
        desk.enrol(centre)
        assert (desk.gate.data / "centre.json").stat().st_mode & 0o077 == 0
        assert TOKEN not in repr(desk.client.credentials)


def send_until_killed(folder: Path, url: str, kill_at: int, statements: Any) -> None:
    """A gate's courier and lane, until all is settled; ``kill -9`` at the n-th statement of the writer."""
    seen = 0

    def count(_statement: str) -> None:
        nonlocal seen
        seen += 1
        statements.value = seen
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced() -> sqlite3.Connection:
        conn = sqlite.connect(folder / "data/attendance.db")
        conn.set_trace_callback(count)
        return conn

    desk = SyncDesk(GateData(folder))
    desk.writer = Writer(traced)
    desk.courier._writer = desk.lane._writer = desk.writer
    desk.writer.start()
    desk.work()
    desk.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    yield from in_memory()


def test_killed_between_any_two_statements(folder: Path, centre: SmallCentre) -> None:
    """Whatever had been sent when it died, the next run settles all of it, and the centre has each record once."""
    context = multiprocessing.get_context("fork")
    kill_at, ended = 0, False
    while not ended:
        kill_at += 1
        here = folder / str(kill_at)
        gate = GateData(here).create(2)
        gate.scan("1", photo=True)
        gate.scan("2")
        desk = SyncDesk(gate)
        desk.enrol(centre)
        desk.close()
        child = context.Process(target=send_until_killed, args=(here, centre.url, kill_at, context.Value("i", 0)))
        child.start()
        child.join(60)
        ended = child.exitcode == 0
        assert ended or child.exitcode == -signal.SIGKILL
        with reopened(here) as again:
            again.work()
            assert set(again.rows().values()) == {"sent"}
            with reading(again.database) as conn:
                scans = {row[0] for row in conn.execute("SELECT scan_id FROM attendance")}
        assert scans <= centre.ids("scan")
    assert kill_at > 15
    assert len(centre.newly) == len(set(centre.newly))


def test_every_error_says_what_failed(tmp_path: Path) -> None:
    """Whoever reads a log or health learns which centre, and why."""
    with SmallCentre() as centre:
        centre.fault = BadLine(["portal", "redirect", "broken", "unsigned"])
        for words in ("not the centre's", "login first", "HTTP 502", "signature"):
            with pytest.raises(CentreError, match=words) as caught:
                asked(centre, tmp_path)
            assert centre.url in str(caught.value)


def test_a_long_answer_is_read_whole_and_an_endless_one_is_none(centre: SmallCentre, tmp_path: Path) -> None:
    """A roster is larger than what a phone answers."""
    centre.keys.add(KEY)
    for size, whole in ((1_000_000, True), (ANSWER_LIMIT_BYTES, False)):
        answering(centre, 200, b'{"received": 5, "more": "' + b"x" * size + b'"}')
        if whole:
            assert asked(centre, tmp_path).json["received"] == 5
        else:
            with pytest.raises(NotTheCentre):
                asked(centre, tmp_path)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_question_is_broken_off_when_the_gate_stops(tmp_path: Path, scheme: str, eventually: Any) -> None:
    """While the centre thinks, and while it does not even greet; and no new one is begun."""
    silent = Wire(lambda told, connection: silent.hold(told, connection))
    with silent:
        url = silent.url.replace("http", scheme, 1)
        place = credentials.Credentials(url, "g", "Gate", SCHOOL, "Mabini", "Asia/Manila", TOKEN)
        credentials.save(tmp_path, place)
        client = CentreClient(tmp_path, ManualClock(GateData(tmp_path).clock.now().at))
        errors: list[CentreError] = []

        def ask() -> None:
            try:
                client.ask("GET", "/photos/0", deadline_s=60.0)
            except CentreError as error:
                errors.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        eventually(lambda: client._exchange is not None and client._exchange[1]._under_way)
        client.hang_up()
        asking.join(20)
        assert not asking.is_alive()
        ask()
        assert [type(error) for error in errors] == [CentreUnreachable, CentreUnreachable]
