"""One-time codes that a person reads from one screen and types at a gate."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection

from attendance.fleet import directory
from attendance.fleet.store import audit, invites
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.schools import School

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without I, L, O and U. Source: Crockford, Base 32."""
_LENGTH = 16
"""80 random bits, which nobody guesses, however many centres there are."""
_GROUP = 4
VALID_FOR = timedelta(days=3)
"""Long enough to drive to the school."""
_MISREAD = str.maketrans("OILoil", "011011")


def new_code() -> str:
    """As ``4F7K-0Z9M-2QWE-8RTY``."""
    digits = "".join(secrets.choice(DIGITS) for _ in range(_LENGTH))
    return "-".join(digits[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def as_meant(typed: str) -> str:
    """A typed code with what people misread put right: O is 0, and I and L are 1."""
    return typed.translate(_MISREAD)


def invite(conn: Connection, school: School, gate_name: str, replaced: Gate | None, actor: str, now: datetime) -> str:
    """Make a code and note who did; it is shown once, the database keeps its hash.

    Args:
        gate_name: empty: as the gate calls itself.
        replaced: whose place the new machine takes.
    """
    code = new_code()
    gate_id = replaced.gate_id if replaced else None
    wanted = not directory.students(conn, school.school_id)
    invites.add(conn, code, invites.Invite(school.school_id, gate_name, gate_id, wanted, actor, now, now + VALID_FOR))
    told = {"gate_name": gate_name, "replaces": gate_id}
    audit.note(conn, school.school_id, actor, "gate-invited", gate_id or gate_name, told, now)
    return code
