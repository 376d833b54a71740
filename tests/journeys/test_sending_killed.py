"""``kill -9`` between any two statements of the courier, and around its requests."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from memory_disk import in_memory
from sending_until_killed import queue_messages, send_all, serve_phone

from attendance.kiosk.store.database import reading

FORK = multiprocessing.get_context("fork")


class PhoneProcess:
    """The phone, and what its screen shows."""

    def __init__(self) -> None:
        self._pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=_serve, args=(theirs, self._pipe))
        self.process.start()
        theirs.close()
        self.port = self._pipe.recv()

    def shown(self) -> list[tuple[str, str]]:
        self._pipe.send("shown")
        shown: list[tuple[str, str]] = self._pipe.recv()
        return shown

    def close(self) -> None:
        self._pipe.close()
        self.process.join(10)


def _serve(pipe: Connection, of_parent: Connection) -> None:
    of_parent.close()
    serve_phone(pipe)


memory_disk = pytest.fixture(in_memory)


@pytest.fixture
def phone() -> Iterator[PhoneProcess]:
    phone = PhoneProcess()
    yield phone
    phone.close()


def test_nothing_is_lost_and_nothing_shown_twice(memory_disk: Path, phone: PhoneProcess) -> None:
    """Killed at each moment in turn and started again: each parent gets one message, and every row says so."""
    folder = memory_disk / "uncut"
    folder.mkdir()
    moments = send_all(queue_messages(folder), phone.port, 0)
    assert moments > 20
    before = len(phone.shown())
    for kill_at in range(1, moments + 1):
        folder = memory_disk / str(kill_at)
        folder.mkdir()
        database = queue_messages(folder)
        child = FORK.Process(target=send_all, args=(database, phone.port, kill_at))
        child.start()
        child.join(30)
        assert child.exitcode == -9, kill_at
        send_all(database, phone.port, 0)
        shown = phone.shown()
        new, before = shown[before:], len(shown)
        assert sorted(number for _, number in new) == ["+639171234561", "+639171234562"], kill_at
        with reading(database) as conn:
            rows = conn.execute("SELECT message_id, state, merged_into FROM sms_outbox ORDER BY rowid").fetchall()
            under_way = conn.execute("SELECT count(*) FROM sms_slots WHERE ended = 0").fetchone()[0]
        assert [row["state"] for row in rows] == ["sent"] * 3, kill_at
        assert {row["merged_into"] or row["message_id"] for row in rows} == {message for message, _ in new}, kill_at
        assert under_way == 0, kill_at
