"""Schools, and the counters from which a school's numbers come."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from uuid6 import uuid7

from attendance.errors import BadInput
from attendance.fleet.store.tables import counters, schools

CHANGES = "changes"
SCANS = "scans"


@dataclass(frozen=True, slots=True)
class School:
    """``timezone`` is a name of the IANA database."""

    school_id: str
    name: str
    timezone: str
    created_at: datetime


def add(conn: Connection, name: str, timezone: str, now: datetime) -> School:
    """
    Raises:
        BadInput: there is one of that name, or no such time zone.
    """
    if not name.strip():
        raise BadInput("A school needs a name.")
    try:
        ZoneInfo(timezone)
    except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise BadInput(f"{timezone!r} is no time zone. Give one as Asia/Manila.") from error
    except KeyError as error:
        raise BadInput(f"{timezone!r} is no time zone. Give one as Asia/Manila.") from error
    school = School(str(uuid7()), name.strip(), timezone, now)
    try:
        with conn.begin_nested():
            conn.execute(
                insert(schools).values(school_id=school.school_id, name=school.name, timezone=timezone, created_at=now)
            )
    except IntegrityError as error:
        raise BadInput(f"There is a school named {school.name!r} already.") from error
    conn.execute(
        insert(counters), [{"school_id": school.school_id, "name": counter, "value": 0} for counter in (CHANGES, SCANS)]
    )
    return school


def every(conn: Connection) -> list[School]:
    """All schools of the centre, by name."""
    return [School(*row) for row in conn.execute(select(*_COLUMNS).order_by(schools.c.name))]


def get(conn: Connection, school_id: str) -> School | None:
    row = conn.execute(select(*_COLUMNS).where(schools.c.school_id == school_id)).first()
    return School(*row) if row else None


def find(conn: Connection, name: str) -> School | None:
    row = conn.execute(select(*_COLUMNS).where(schools.c.name == name.strip())).first()
    return School(*row) if row else None


def rename(conn: Connection, school_id: str, name: str) -> None:
    """
    Raises:
        BadInput: there is another of that name.
    """
    try:
        with conn.begin_nested():
            conn.execute(update(schools).where(schools.c.school_id == school_id).values(name=name.strip()))
    except IntegrityError as error:
        raise BadInput(f"There is a school named {name.strip()!r} already.") from error


def take_numbers(conn: Connection, school_id: str, counter: str, count: int) -> int:
    """The last of ``count`` new numbers. Nobody else gets any of this school's until the transaction ends, so that
    numbers become visible in their order; take them as late as possible.
    """
    return int(conn.execute(_TAKE, {"of": school_id, "counter": counter, "count": count}).scalar_one())


def wait_for_directory(conn: Connection, school_id: str) -> None:
    """From here on nobody else changes the school's directory, until the transaction ends."""
    take_numbers(conn, school_id, CHANGES, 0)


def versions(conn: Connection, school_id: str) -> dict[str, int]:
    """The newest numbers, as ``{"changes": 3, "scans": 812}``."""
    return {name: int(value) for name, value in conn.execute(_VERSIONS, {"of": school_id})}


_COLUMNS = (schools.c.school_id, schools.c.name, schools.c.timezone, schools.c.created_at)
_TAKE = (
    update(counters)
    .where(counters.c.school_id == bindparam("of"), counters.c.name == bindparam("counter"))
    .values(value=counters.c.value + bindparam("count"))
    .returning(counters.c.value)
)
_VERSIONS = select(counters.c.name, counters.c.value).where(counters.c.school_id == bindparam("of"))
