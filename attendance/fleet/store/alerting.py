"""Who is told of problems, and of which they know already."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update
from uuid6 import uuid7

from attendance.errors import BadInput
from attendance.fleet.store.tables import alert_receivers, alerts_known, leases


@dataclass(frozen=True, slots=True)
class AlertReceiver:
    """``address`` is Apprise's, and secret. ``escalation``: told only of errors that nobody looks after."""

    receiver_id: str
    school_id: str | None
    name: str
    address: str
    escalation: bool


def add(conn: Connection, school_id: str | None, name: str, address: str, *, escalation: bool) -> None:
    """Have somebody told; of all schools if there is none.

    Raises:
        BadInput: the name is taken there.
    """
    if any(each.name == name and each.school_id == school_id for each in of_school(conn, school_id)):
        raise BadInput(f"There is a receiver {name!r} already. `attendance fleet alerts list` shows all.")
    conn.execute(
        insert(alert_receivers).values(
            receiver_id=str(uuid7()), school_id=school_id, name=name, address=address, escalation=escalation
        )
    )


def of_school(conn: Connection, school_id: str | None) -> list[AlertReceiver]:
    """Who is told of a school's problems, with those who are told of all."""
    columns = alert_receivers.c
    query = select(columns.receiver_id, columns.school_id, columns.name, columns.address, columns.escalation)
    query = query.where(or_(columns.school_id == school_id, columns.school_id.is_(None))).order_by(columns.name)
    return [AlertReceiver(*row) for row in conn.execute(query)]


def remove(conn: Connection, school_id: str | None, name: str) -> bool:
    """Whether there was one."""
    columns = alert_receivers.c
    same = columns.school_id.is_(None) if school_id is None else columns.school_id == school_id
    return conn.execute(delete(alert_receivers).where(same, columns.name == name)).rowcount > 0


def remembered(conn: Connection, school_id: str) -> str:
    """What ``remember`` was given; empty if never."""
    query = select(alerts_known.c.remembered).where(alerts_known.c.school_id == school_id)
    return conn.execute(query).scalar() or ""


def remember(conn: Connection, school_id: str, text: str) -> None:
    changed = conn.execute(update(alerts_known).where(alerts_known.c.school_id == school_id).values(remembered=text))
    if not changed.rowcount:
        conn.execute(insert(alerts_known).values(school_id=school_id, remembered=text))


def take_duty(conn: Connection, duty: str, holder: str, now: datetime, hold_s: float) -> bool:
    """Take a duty that nobody has, or keep one's own; whether it is ``holder``'s now."""
    until = now + timedelta(seconds=hold_s)
    free = or_(leases.c.until < now, leases.c.holder == holder)
    if conn.execute(update(leases).where(leases.c.duty == duty, free).values(holder=holder, until=until)).rowcount:
        return True
    if conn.execute(select(leases.c.duty).where(leases.c.duty == duty)).first() is not None:
        return False
    conn.execute(insert(leases).values(duty=duty, holder=holder, until=until))
    return True
