"""A large roster is entered a little at a time: what becomes of it is the same, and whatever ends it does no harm."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from centre_school import CentreSchool, DownDesk, a_school, at_the_desk, opened, student
from gate_data import GateData
from hypothesis import example, given, settings
from hypothesis import strategies as st
from memory_disk import folder_in_memory

from attendance.clock import rfc3339
from attendance.domain.contact import Changes
from attendance.errors import StorageError
from attendance.kiosk.store import centre_cursors, centre_refusals, directory
from attendance.kiosk.store.centre_cursors import Feed
from attendance.kiosk.store.database import reading
from attendance.kiosk.sync import ahead, applying
from attendance.kiosk.sync.applying import Incomplete, Limits
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

TABLES = {
    "students": "*",
    "guardians": "student_key, name, phone",
    "cards": "kind, value, issue, student_key, issued_at, revoked_at, reason",
    "centre_entries": "*",
    "centre_cursors": "*",
    "centre_refusals": "*",
    "sync_queue": "record_type, record_id, state",
}
WHOLE = 10**6


centre = pytest.fixture(a_school)
desk = pytest.fixture(at_the_desk)


def roster(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that a pull can change."""
    with reading(database) as conn:
        return {
            table: sorted((tuple(row) for row in conn.execute(f"SELECT {columns} FROM {table}")), key=repr)
            for table, columns in TABLES.items()
        }


def publish(centre: CentreSchool, desk: DownDesk, count: int) -> None:
    """So many students, each with a card."""
    for number in range(1, count + 1):
        body = student(str(number), f"Student {number} of the list")
        centre.put("student", body["student_key"], body)
        centre.put("card", f"card {number}", card(str(number), rfc3339(desk.clock.now().at)))


def card(number: str, issued_at: str) -> dict[str, Any]:
    return {"kind": "payload", "value": f"card of {number}", "student_id": number, "issued_at": issued_at}


class Counted:
    """Lets a writer work, counts the rows that each transaction changes, and stops it after some.

    Args:
        most: transactions of a pull, after which the gate stops.
    """

    def __init__(self, writer: Writer, most: int = WHOLE) -> None:
        self.rows: list[int] = []
        self._most = most
        self._run = writer.run
        writer.run = self.run  # type: ignore[method-assign]

    def run(self, work: Callable[[sqlite3.Connection], Any], timeout_s: float = 30.0) -> Any:
        if len(self.rows) == self._most:
            raise StorageError("the gate is stopping")

        def counted(conn: sqlite3.Connection) -> Any:
            before = conn.total_changes
            result = work(conn)
            self.rows.append(conn.total_changes - before)
            return result

        return self._run(counted, timeout_s)


def test_no_transaction_of_a_large_pull_is_long(desk: DownDesk, centre: CentreSchool) -> None:
    """Each writes some rows for each of at most so many entries; between two of them a scan has its turn."""
    publish(centre, desk, 3 * ahead.AT_ONCE)
    counted = Counted(desk.writer)
    desk.work()
    assert len(desk.numbers()) == 3 * ahead.AT_ONCE
    assert desk.gate.value("SELECT version FROM centre_cursors WHERE feed = 'roster'") == centre.version
    assert desk.gate.value("SELECT count(*) FROM cards") == 3 * ahead.AT_ONCE
    assert sum(counted.rows) > 10 * ahead.AT_ONCE
    assert max(counted.rows) <= 6 * ahead.AT_ONCE


@pytest.mark.parametrize("most", [1, 3, 5])
def test_a_pull_that_is_broken_off_goes_on(
    tmp_path: Path, desk: DownDesk, centre: CentreSchool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is whole, nobody is off the roster and the version is the one before; then all is as if nothing was."""
    monkeypatch.setattr(ahead, "AT_ONCE", 10)
    publish(centre, desk, 30)
    centre.put("student", "gone", student("3"))
    centre.put("student", "gone", None)
    Counted(desk.writer, most)
    with pytest.raises(StorageError):
        desk.work()
    assert set(desk.numbers()) >= {"1", "2", "3"}
    assert desk.gate.value("SELECT version FROM centre_cursors WHERE feed = 'roster'") == 0
    del desk.writer.run  # type: ignore[method-assign]
    desk.down = desk.another()
    desk.work()
    with opened(tmp_path / "undisturbed", centre) as other:
        other.work()
        assert _but_times(roster(desk.database)) == _but_times(roster(other.database))


def _but_times(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Without the keys and times that a gate gives by itself."""
    return {
        "students": sorted(row[1:3] for row in tables["students"]),
        "cards": sorted(row[:3] for row in tables["cards"]),
        "centre_cursors": tables["centre_cursors"],
        "centre_refusals": tables["centre_refusals"],
    }


@pytest.mark.parametrize("fault", ["same number", "too small", "not whole"])
def test_of_a_large_roster_that_is_refused_nothing_is_entered(
    desk: DownDesk, centre: CentreSchool, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is judged before, and health says why."""
    monkeypatch.setattr(ahead, "AT_ONCE", 10)
    centre.enrol_students("1", "2", "3")
    desk.work()
    before = roster(desk.database)
    if fault == "same number":
        publish(centre, desk, 30)
        centre.put("student", "another", student("7", key="f" * 32))
    elif fault == "not whole":
        publish(centre, desk, 30)
        centre.students = 99
    else:
        for number in range(4, 40):
            centre.put("card", f"card {number}", card("1", rfc3339(desk.clock.now().at)))
        for number in (1, 2):
            centre.put("student", f"{number:032x}", None)
    counted = Counted(desk.writer)
    desk.work()
    after = roster(desk.database)
    assert {table: after[table] for table in ("students", "guardians", "cards", "centre_entries")} == {
        table: before[table] for table in ("students", "guardians", "cards", "centre_entries")
    }
    assert desk.problems == ["centre-roster-small" if fault == "too small" else "centre-roster-faulty"]
    assert max(counted.rows) < 10


KEYS, NUMBERS = [f"c{n}" for n in range(4)], [str(n) for n in range(1, 6)]
ENTRIES = st.one_of(
    st.tuples(
        st.just("student"),
        st.sampled_from(KEYS),
        st.none()
        | st.tuples(st.sampled_from(NUMBERS), st.sampled_from(["1", "2", "3", "", "", ""]), st.integers(0, 2)),
    ),
    st.tuples(
        st.just("card"),
        st.sampled_from(["x", "y"]),
        st.none() | st.tuples(st.sampled_from(NUMBERS), st.integers(0, 1), st.booleans()),
    ),
    st.tuples(st.just("erasure"), st.sampled_from(NUMBERS), st.just(())),
)
PULLS = st.lists(st.tuples(st.lists(ENTRIES, min_size=1, max_size=12), st.sampled_from([0, 0, 0, 1])), max_size=4)


NAMED = ("student", "c0", ("1", "", 1))
SWAPPED = [
    ([NAMED, ("student", "c1", ("2", "", 1))], 0),
    ([("student", "c0", ("2", "", 1)), ("student", "c1", ("1", "", 1)), ("card", "x", ("1", 0, False))], 0),
]
UNDER_ANOTHER_KEY = [
    ([NAMED, ("card", "x", ("1", 0, False))], 0),
    ([("student", "c0", None), ("student", "c1", ("1", "", 1))], 0),
    ([("card", "x", None), ("card", "y", ("1", 0, False))], 0),
]
ONE_KEY_TWICE = [([("student", "c1", ("1", "1", 0)), ("erasure", "1", ()), ("student", "c0", ("2", "1", 0))], 0)]
MORE_THAN_ARE_ERASED = [([("erasure", "2", ()), ("erasure", "3", ()), ("student", "c1", ("4", "", 0))], 0)]


@settings(max_examples=40, deadline=None)
@given(PULLS)
@example(SWAPPED)
@example(UNDER_ANOTHER_KEY)
@example(ONE_KEY_TWICE)
@example(MORE_THAN_ARE_ERASED)
def test_a_roster_in_pieces_becomes_what_it_becomes_at_once(
    three_students: bytes, pulls: list[tuple[list[Any], int]]
) -> None:
    """Whatever comes: new and known students, numbers that are swapped, tombstones, keys that change, erasures, and
    lists that are faulty or not whole."""
    with folder_in_memory() as folder:
        pieces, whole = (GateData(folder / name) for name in ("pieces", "whole"))
        for each in (pieces, whole):
            each.data.mkdir(parents=True)
            each.database.write_bytes(three_students)
        assert pulled(pieces, pulls, at_once=1) == pulled(whole, pulls, at_once=WHOLE)
        assert roster(pieces.database) == roster(whole.database)


@pytest.fixture(scope="module")
def three_students(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database of a gate that knows some."""
    gate = GateData(tmp_path_factory.mktemp("gate")).create(3)
    copy = gate.folder / "copy.db"
    conn = sqlite.connect(gate.database)
    conn.execute("VACUUM INTO ?", (str(copy),))
    conn.close()
    return copy.read_bytes()


class WriterOfTests(Writer):
    """Writes without a thread."""

    def run(self, work: Callable[[sqlite3.Connection], Any], timeout_s: float = 30.0) -> Any:
        self._conn = self._conn or self._open()
        with sqlite.transaction(self._conn):
            return work(self._conn)


def pulled(gate: GateData, pulls: list[tuple[list[Any], int]], at_once: int) -> list[str]:
    """Enter one pull after the other; what became of each."""
    writer = WriterOfTests(lambda: sqlite.connect(gate.database))
    entries: dict[tuple[str, str], dict[str, Any]] = {}
    found = []
    version = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ahead, "AT_ONCE", at_once)
        for changed, missing in pulls:
            for kind, key, said in changed:
                version += 1
                entries[kind, key] = {
                    "kind": kind,
                    "key": key,
                    "version": version,
                    "deleted": said is None,
                    "body": {} if said is None else _body(gate, kind, key, said),
                }
            found.append(_enter(gate, writer, list(entries.values()), version, missing))
    writer.stop()
    return found


def _body(gate: GateData, kind: str, key: str, said: Any) -> dict[str, Any]:
    if kind == "erasure":
        return {"student_id": key}
    if kind == "card":
        number, issue, revoked = said
        at = rfc3339(gate.clock.now().at)
        return {"kind": "number", "value": number, "issue": issue, "student_id": number, "issued_at": at} | (
            {"revoked_at": at, "reason": "lost"} if revoked else {}
        )
    number, own, guardians = said
    own_key = gate.key(own) if own and own in _numbers(gate) else f"{int(key[1:]) + 100:032x}"
    phones = [f"+63917000000{n}" for n in range(guardians)]
    return student(number, f"{key} with {number}", key=own_key, phones=phones)


def _numbers(gate: GateData) -> set[str]:
    with reading(gate.database) as conn:
        return {row[0] for row in conn.execute("SELECT student_id FROM students")}


def _enter(gate: GateData, writer: Writer, entries: list[dict[str, Any]], version: int, missing: int) -> str:
    with reading(gate.database) as conn:
        have = {feed: centre_cursors.version(conn, feed) for feed in (Feed.ROSTER, Feed.RULES)}
    new = [each for each in entries if each["version"] > min(have.values())]
    students = sum(each["kind"] == "student" and not each["deleted"] for each in entries)
    said = {"version": version, "more": False, "items": new, "counts": {"students": students + missing}}
    batch = applying.sort([Changes.model_validate(said)], have[Feed.ROSTER], have[Feed.RULES])
    with reading(gate.database) as conn:
        erased = sorted(
            {
                key
                for name, each in batch.erasures.items()
                for key in directory.keys_of_erased(conn, {name}, each.student_id)
            }
        )
    now, limits = gate.clock.now(), Limits(wanted=True, smallest_percent=50)
    try:
        writer.run(lambda conn: applying.enter_rules(conn, batch, (), limits, erased, lambda: None, now))
        for _ in ahead.enter(gate.database, writer, batch, limits, now):
            pass
        writer.run(lambda conn: applying.enter_roster(conn, batch, limits, now))
    except Incomplete:
        return "incomplete"
    with reading(gate.database) as conn:
        return repr(centre_refusals.known(conn))
