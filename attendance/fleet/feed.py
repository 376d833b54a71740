"""What a gate fetches: the school's directory, and what its other gates have seen."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from attendance.fleet.store import arrivals, entries, foreign, schools


def changes(conn: Connection, school_id: str, after: int, limit: int) -> dict[str, Any]:
    """What has changed in the directory since a version, as ``contact.Changes`` has it.

    A version below ``after`` says that this centre has never given that one: it was restored, and the gate begins anew.
    """
    found = entries.after(conn, school_id, after, limit + 1)
    more = len(found) > limit
    version = found[limit - 1]["version"] if more else schools.versions(conn, school_id)[schools.CHANGES]
    return {
        "version": version,
        "more": more,
        "items": found[:limit],
        "counts": {"students": entries.count(conn, school_id, "student")},
    }


def scans(conn: Connection, school_id: str, gate_id: str, after: int, limit: int, now: datetime) -> dict[str, Any]:
    """Recent scans of the school's other gates in the order of their arrival, as ``contact.ForeignScans`` has it."""
    newest = schools.versions(conn, school_id)[schools.SCANS]
    end = arrivals.upper_end(conn, school_id, gate_id, after, limit)
    if end is None:
        return {"version": newest, "more": False, "items": []}
    found = foreign.between(conn, school_id, gate_id, after, end, limit, now - arrivals.LATEST)
    version = found[-1]["received"] if len(found) == limit else end
    return {"version": version, "more": version < newest, "items": found}
