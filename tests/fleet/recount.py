"""The analytics of a school counted again from its scans, simply, with a query of its own for everything."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from attendance.clock import from_rfc3339
from attendance.fleet.analysis import HELD_PERCENT, TOGETHER_S
from attendance.fleet.store.schools import School

Rows = set[tuple[Any, ...]]


def kept(conn: Connection, school: School) -> dict[str, Rows]:
    """What the tables of the analytics say; days without anything left out."""
    return {
        table: {
            tuple(map(_plain, row))
            for row in _rows(conn, f"SELECT {columns} FROM {table} WHERE school_id = :s", school)
        }
        for table, columns in _COLUMNS.items()
    }


def recounted(conn: Connection, school: School) -> dict[str, Rows]:
    """What they should say."""
    zone = ZoneInfo(school.timezone)
    keys = {
        row[0]: row[1] for row in _rows(conn, "SELECT alias, student_key FROM aliases WHERE school_id = :s", school)
    }
    erased = {row[0] for row in _rows(conn, "SELECT student_key FROM erased WHERE school_id = :s", school)}
    changes = {_plain(row[0]): row for row in _rows(conn, _CORRECTIONS, school)}
    scans = []
    for scan_id, gate, key, day, session, direction, status, at, trusted in _rows(conn, _SCANS, school):
        change = changes.get(_plain(scan_id))
        if change:
            _, at, day, status = change
        scans.append(
            (
                _plain(gate),
                keys.get(key, key),
                _plain(day),
                session,
                direction,
                status,
                _at(at),
                bool(trusted or change),
            )
        )
    refused = [
        (_plain(gate), keys.get(key, key), _plain(day), refusal, _at(at), trusted)
        for gate, key, day, refusal, at, trusted in _rows(conn, _REFUSALS, school)
    ]
    return {
        "gate_slots": _flows(scans, lambda at: (at.astimezone(zone).hour * 60 + at.astimezone(zone).minute) // 10),
        "gate_days": _gate_days(scans, refused),
        "gate_refusals": {
            (*key, n) for key, n in Counter((day, gate, why) for gate, _, day, why, _, _ in refused).items()
        },
        "section_days": _sections(conn, school, scans),
        "meetings": _meetings(scans, refused, erased),
        "analysed_days": _totals(conn, school, scans, set(keys.values()), erased),
    }


def _flows(scans: list[Any], slot: Any) -> Rows:
    found: dict[tuple[Any, ...], list[int]] = {}
    for gate, _, day, _, direction, status, at, _ in scans:
        counts = found.setdefault((day, gate, slot(at)), [0, 0, 0])
        counts[0] += direction == "in"
        counts[1] += direction == "out"
        counts[2] += direction == "in" and status == "late"
    return {(*key, *counts) for key, counts in found.items()}


def _gate_days(scans: list[Any], refused: list[Any]) -> Rows:
    flows = {(day, gate): counts for day, gate, _, *counts in _flows(scans, lambda at: 0)}
    turned_away = Counter((day, gate) for gate, _, day, *_ in refused)
    return {(*key, *flows.get(key, (0, 0, 0)), turned_away[key]) for key in {*flows, *turned_away}}


def _sections(conn: Connection, school: School, scans: list[Any]) -> Rows:
    spells = [tuple(map(_plain, row)) for row in _rows(conn, _SPELLS, school)]
    closures = _rows(conn, _CLOSURES, school)
    found: Rows = set()
    for day, session in {(scan[2], scan[3]) for scan in scans}:
        spans = [key.split("/") for (key,) in closures]
        if any(first <= day <= last and only in ("", session) for first, last, only in spans):
            continue
        seen = [scan for scan in scans if scan[2] == day and scan[3] == session]
        here = {scan[1] for scan in seen}
        expected = [
            (key, section)
            for key, first, last, section, sessions in spells
            if first <= day <= (last or "9") and sessions in ("both", session)
        ]
        present = [each for each in expected if each[0] in here]
        if not present or len(present) / len(expected) < HELD_PERCENT / 100:
            continue
        late = set()
        for key in here:
            came = sorted((scan[6], scan[5]) for scan in seen if scan[1] == key and scan[4] == "in")
            if came and came[0][1] == "late":
                late.add(key)
        for section in {section for _, section in expected}:
            found.add(
                (
                    day,
                    session,
                    section,
                    sum(1 for _, other in expected if other == section),
                    sum(1 for _, other in present if other == section),
                    sum(1 for key, other in present if other == section and key in late),
                )
            )
    return found


def _meetings(scans: list[Any], refused: list[Any], erased: set[str]) -> Rows:
    found: Rows = set()
    seen = [(key, day, at, gate) for gate, key, day, _, _, _, at, sure in scans if sure]
    seen += [(key, day, at, gate) for gate, key, day, why, at, sure in refused if sure and key and why == "duplicate"]
    for key, day in {each[:2] for each in seen} - {(key, day) for key, day, _, _ in seen if key in erased}:
        times = sorted((at, gate) for other, on, at, gate in seen if (other, on) == (key, day))
        for (before, first), (after, second) in pairwise(times):
            if first != second and after - before <= timedelta(seconds=TOGETHER_S):
                found.add((day, key, first, str(before), second, str(after)))
    return found


def _totals(conn: Connection, school: School, scans: list[Any], known: set[str], erased: set[str]) -> Rows:
    sections = _sections(conn, school, scans)
    days = {scan[2] for scan in scans}
    return {
        (
            day,
            *(sum(row[place] for row in sections if row[0] == day) for place in (3, 4, 5)),
            len({scan[1] for scan in scans if scan[2] == day} - known - erased),
        )
        for day in days
    }


def _rows(conn: Connection, query: str, school: School) -> list[Any]:
    value: Any = school.school_id
    return list(conn.execute(text(query), {"s": value}))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return str(value)
    if isinstance(value, str) and "T" in value and value.endswith("Z"):
        return str(from_rfc3339(value))
    return value if value is None or isinstance(value, int | str) else str(value)


def _at(value: Any) -> datetime:
    return value if isinstance(value, datetime) else from_rfc3339(value)


_COLUMNS = {
    "gate_slots": "day, gate_id, slot, came, went, late",
    "gate_days": "day, gate_id, came, went, late, refused",
    "gate_refusals": "day, gate_id, refusal, refused",
    "section_days": "day, session, section, expected, present, late",
    "meetings": "day, student_key, first_gate, first_at, second_gate, second_at",
    "analysed_days": "day, expected, present, late, strangers",
}
_SCANS = (
    "SELECT scan_id, gate_id, student_key, day, session, direction, status, event_at, clock_trusted "
    "FROM events JOIN chains USING (chain_id) WHERE events.school_id = :s"
)
_CORRECTIONS = "SELECT scan_id, scanned_at, day, status FROM corrections WHERE school_id = :s"
_REFUSALS = "SELECT gate_id, student_key, day, refusal, seen_at, clock_trusted FROM refusals WHERE school_id = :s"
_SPELLS = "SELECT student_key, first_day, last_day, section, sessions FROM spells WHERE school_id = :s"
_CLOSURES = "SELECT key FROM entries WHERE school_id = :s AND kind = 'closure' AND NOT deleted"
