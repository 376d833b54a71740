"""Every scan of a day at a school, of all its gates, as a gate's own report has them."""

from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from attendance.fleet.store.tables import aliases, chains, corrections, entries, events, gates, photos, students


def of_day(conn: Connection, school_id: str, day: str) -> list[dict[str, Any]]:
    """By time, as corrected. Each row has ``scan_id`` and ``gate`` besides ``attendance.reports.daily.COLUMNS``.

    Args:
        day: as ``2026-06-09``; a scan that a correction moved to another day belongs to that one.
    """
    shown = [_row(row._mapping) for row in conn.execute(_scans(school_id, day))]
    return sorted(shown, key=lambda row: (row["scanned_at"], row["epoch"], row["seq"]))


def _scans(school_id: str, day: str) -> Any:
    corrected = and_(
        corrections.c.school_id == events.c.school_id,
        corrections.c.scan_id == events.c.scan_id,
    )
    moved = select(corrections.c.scan_id).where(corrections.c.school_id == school_id, corrections.c.day == day)
    return (
        select(
            events.c.scan_id,
            events.c.event_at,
            events.c.session,
            events.c.direction,
            func.coalesce(corrections.c.status, events.c.status).label("status"),
            func.coalesce(corrections.c.minutes_late, events.c.minutes_late).label("minutes_late"),
            events.c.clock_trusted,
            events.c.seq,
            corrections.c.scanned_at.label("corrected_at"),
            chains.c.device_id,
            chains.c.epoch,
            gates.c.name.label("gate"),
            students.c.student_id,
            entries.c.body.label("student"),
            photos.c.sha256,
            photos.c.reason.label("photo_reason"),
        )
        .select_from(events)
        .join(chains, chains.c.chain_id == events.c.chain_id)
        .join(gates, gates.c.gate_id == chains.c.gate_id)
        .outerjoin(corrections, corrected)
        .outerjoin(aliases, and_(aliases.c.school_id == events.c.school_id, aliases.c.alias == events.c.student_key))
        .outerjoin(
            students,
            and_(students.c.school_id == events.c.school_id, students.c.student_key == aliases.c.student_key),
        )
        .outerjoin(
            entries,
            and_(
                entries.c.school_id == events.c.school_id,
                entries.c.kind == "student",
                entries.c.key == students.c.student_key,
                entries.c.deleted.is_(False),
            ),
        )
        .outerjoin(photos, and_(photos.c.school_id == events.c.school_id, photos.c.scan_id == events.c.scan_id))
        .where(
            events.c.school_id == school_id,
            or_(events.c.day == day, events.c.scan_id.in_(moved)),
            func.coalesce(corrections.c.day, events.c.day) == day,
        )
    )


def _row(found: Any) -> dict[str, Any]:
    student = found["student"] or {}
    photo = found["sha256"]
    return {
        "scan_id": found["scan_id"],
        "student_id": found["student_id"],
        "name": student.get("name"),
        "section": student.get("section"),
        "direction": found["direction"],
        "status": found["status"],
        "minutes_late": found["minutes_late"],
        "session": found["session"],
        "scanned_at": found["corrected_at"] or found["event_at"],
        "photo": photo,
        "photo_reason": None if photo else found["photo_reason"] or "pending",
        "device_id": found["device_id"],
        "epoch": found["epoch"],
        "seq": found["seq"],
        "clock_trusted": bool(found["clock_trusted"] or found["corrected_at"]),
        "gate": found["gate"],
    }
