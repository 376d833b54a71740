"""Threads that live on, one writer, one instance, and a word to the supervisor."""

import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from attendance.clock import boot_ns
from attendance.errors import AlreadyRunning, StorageError
from attendance.ops import sqlite, systemd
from attendance.ops.instance import InstanceLock
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

Eventually = Callable[..., None]


class Stumbling:
    """Fails on its first steps, then works."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.steps = 0

    def step(self) -> float:
        self.steps += 1
        if self.steps <= self.failures:
            raise RuntimeError("not yet")
        return 3600.0


def test_a_step_that_fails_is_counted_and_repeated(eventually: Eventually) -> None:
    """One bad step does not end a part of the gate, and health can see it."""
    stepper = Stumbling(1)
    service = Service("part", stepper)
    service.start()
    eventually(lambda: service.state.failing)
    assert "not yet" in service.state.error
    eventually(lambda: stepper.steps == 2 and not service.state.failing)
    assert service.state.failures == 1
    assert service.stop()
    assert not service.state.running


def test_a_resting_service_stops_at_once_and_twice() -> None:
    """``stop`` ends the rest, however long; a second call is harmless."""
    service = Service("part", Stumbling(0))
    service.start()
    assert service.stop(2.0)
    assert service.stop(2.0)


def test_a_step_that_would_end_its_thread_does_not(eventually: Eventually) -> None:
    """``SystemExit`` ends a thread without a word; here it is a failure like any other."""

    class Leaving:
        steps = 0

        def step(self) -> float:
            self.steps += 1
            if self.steps == 1:
                raise SystemExit(3)
            return 3600.0

    stepper = Leaving()
    service = Service("part", stepper)
    service.start()
    eventually(lambda: stepper.steps == 2 and not service.state.failing)
    assert service.state.running
    assert service.state.failures == 1
    service.stop()


def test_what_a_service_owns_is_closed_on_its_thread(eventually: Eventually) -> None:
    """Once, when the thread ends: what hangs on that thread must be ended before it."""
    closed: list[str] = []
    service = Service("part", Stumbling(0), close=lambda: closed.append(threading.current_thread().name))
    service.start()
    service.stop()
    service.stop()
    assert closed == ["part"]


def test_a_service_shows_life_until_its_rest_is_over(eventually: Eventually) -> None:
    """Who rests for an hour is not silent for an hour; who has ended shows none."""
    stepper = Stumbling(0)
    service = Service("part", stepper)
    assert service.state.beat_boot_ns == 0
    service.start()
    eventually(lambda: service.state.beat_boot_ns > boot_ns() + 3000e9)
    service.stop()
    assert service.state.beat_boot_ns == 0


def test_a_nudge_ends_the_rest(eventually: Eventually) -> None:
    """There is work: the next step comes now."""
    stepper = Stumbling(0)
    service = Service("part", stepper)
    service.start()
    eventually(lambda: stepper.steps == 1)
    service.nudge()
    eventually(lambda: stepper.steps == 2)
    service.stop()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    conn = sqlite.connect(path)
    conn.execute("CREATE TABLE t (x INTEGER UNIQUE) STRICT")
    conn.close()
    return path


def test_what_the_writer_returns_is_durable_and_what_fails_is_rolled_back(database: Path) -> None:
    """Another connection sees the row as soon as ``run`` returns; a failed job leaves nothing and ends nothing."""
    writer = Writer(lambda: sqlite.connect(database))
    writer.start()
    writer.run(lambda conn: conn.execute("INSERT INTO t VALUES (1)"))
    reader = sqlite.connect(database, read_only=True)
    assert reader.execute("SELECT count(*) FROM t").fetchone()[0] == 1

    def half(conn: sqlite3.Connection) -> None:
        conn.execute("INSERT INTO t VALUES (2)")
        conn.execute("INSERT INTO t VALUES (1)")

    with pytest.raises(StorageError):
        writer.run(half)
    assert reader.execute("SELECT count(*) FROM t").fetchone()[0] == 1
    writer.run(lambda conn: conn.execute("INSERT INTO t VALUES (3)"))
    assert writer.stop()
    with pytest.raises(StorageError):
        writer.run(lambda conn: None)


def test_many_threads_share_the_writer(database: Path) -> None:
    """Jobs of several threads all arrive, one transaction each."""
    writer = Writer(lambda: sqlite.connect(database))
    writer.start()
    threads = [
        threading.Thread(target=lambda n=n: writer.run(lambda conn: conn.execute("INSERT INTO t VALUES (?)", (n,))))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.run(lambda conn: conn.execute("SELECT count(*) FROM t").fetchone()[0]) == 20
    writer.stop()


def test_what_was_given_up_is_never_written(database: Path, eventually: Eventually) -> None:
    """Who is told that the database was busy finds nothing later; what has begun is waited for."""
    writer = Writer(lambda: sqlite.connect(database))
    writer.start()
    begun, go_on = threading.Event(), threading.Event()

    def slow(conn: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(20)
        conn.execute("INSERT INTO t VALUES (1)")

    first = threading.Thread(target=lambda: writer.run(slow, timeout_s=0.01))
    first.start()
    assert begun.wait(20)
    with pytest.raises(StorageError, match="busy"):
        writer.run(lambda conn: conn.execute("INSERT INTO t VALUES (2)"), timeout_s=0.01)
    go_on.set()
    first.join()
    assert writer.run(lambda conn: [row[0] for row in conn.execute("SELECT x FROM t")]) == [1]
    assert writer.stop()


def test_a_read_only_connection_never_makes_a_database(tmp_path: Path) -> None:
    """Looking at a database that is not there does not create an empty one."""
    with pytest.raises(StorageError):
        sqlite.connect(tmp_path / "typo.db", read_only=True)
    assert not (tmp_path / "typo.db").exists()


def test_a_migration_that_fails_leaves_the_version_it_had(tmp_path: Path) -> None:
    """Each step is one transaction: half of one is never there."""
    conn = sqlite.connect(tmp_path / "m.db")
    steps = ["CREATE TABLE a (x INTEGER) STRICT;", "CREATE TABLE b (x INTEGER) STRICT;\nCREATE TABLE a (y INTEGER);"]
    with pytest.raises(sqlite3.OperationalError):
        sqlite.migrate(conn, steps, "m.db")
    assert conn.execute("PRAGMA user_version").fetchone()[0] == 1
    assert [row[0] for row in conn.execute("SELECT name FROM sqlite_schema")] == ["a"]
    conn.close()


def test_the_instance_lock_holds_across_processes_and_goes_with_its_process(tmp_path: Path) -> None:
    """A second process is told who has it; after a kill nobody has to clean up."""
    code = "import sys,time; from pathlib import Path; from attendance.ops.instance import InstanceLock\n"
    code += "lock = InstanceLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    lock = InstanceLock(tmp_path)
    with pytest.raises(AlreadyRunning, match=f"process {holder.pid}"):
        lock.acquire()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    lock.acquire()
    lock.release()
    lock.release()


def test_the_supervisor_is_told_over_its_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``READY=1`` arrives as systemd expects it; without a supervisor nothing happens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        systemd.notify("READY=1")
        supervisor.settimeout(5)
        assert supervisor.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("wanted", "pid", "beat_s"),
    [("", "", 5.0), ("15000000", "", 5.0), ("6000000", "", 2.0), ("6000000", "1", 5.0), ("nonsense", "", 5.0)],
)
def test_the_gate_beats_three_times_in_what_the_supervisor_waits(
    monkeypatch: pytest.MonkeyPatch, wanted: str, pid: str, beat_s: float
) -> None:
    """Two beats may be late; what is meant for another process does not count."""
    monkeypatch.setenv("WATCHDOG_USEC", wanted)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert systemd.beat_s(5.0) == beat_s
