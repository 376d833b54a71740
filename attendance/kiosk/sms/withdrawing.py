"""Calls back what still waits of a round that was told, when a person says that nothing is to go."""

import sqlite3
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from attendance.clock import Moment
from attendance.domain.absence import Order, has_classes
from attendance.domain.message import MessageKind
from attendance.domain.schedule import Schedule
from attendance.kiosk.store import absence, closures


def withdrawn(conn: sqlite3.Connection, schedule: Schedule, zone: ZoneInfo) -> dict[tuple[date, str, MessageKind], str]:
    """The rounds of which messages wait that nobody is to get any more, and why; reads only."""
    found = {}
    for day, session, kind in absence.waiting(conn):
        if absence.order_for(conn, day, session, datetime.combine(day, time(), zone)) is Order.OFF:
            found[day, session, kind] = "A person has switched it off."
        elif not has_classes(schedule, closures.around(conn, day), day, session):
            found[day, session, kind] = "There are no classes."
    return found


def withdraw(conn: sqlite3.Connection, schedule: Schedule, zone: ZoneInfo, now: Moment) -> int:
    """Cancel what waits of such rounds, inside a write transaction; how many messages."""
    found = withdrawn(conn, schedule, zone).items()
    return sum(absence.withdraw(conn, *which, reason, now) for which, reason in found)
