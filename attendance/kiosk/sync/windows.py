"""Whether this gate provably worked through the sessions of the last days: what a silence of it is worth."""

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.clock import Clock
from attendance.domain.absence import Span, holes
from attendance.domain.contact import Window
from attendance.domain.proof import ended_windows
from attendance.kiosk.sms.absence import AbsenceRules
from attendance.kiosk.store import proof
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.ledger import local

_JUMPS_COUNT_FOR = timedelta(days=2)
"""From the begin of a day: a session may end on the next one."""


def proven_windows(database: Path, rules: AbsenceRules, clock: Clock) -> Iterator[Window]:
    """The windows of the last days that are over, oldest day first."""
    now = local(clock.now().at, rules.zone)
    with reading(database) as conn:
        yield from ended_windows(rules.schedule, rules.limits.after, now, partial(_worked, conn, rules.zone))


def _worked(conn: sqlite3.Connection, zone: ZoneInfo, day: date, span: Span) -> bool:
    begins = datetime.combine(day, time(), zone)
    start, end = (moment.replace(tzinfo=zone) for moment in span)
    known = [(local(began, zone), local(ended, zone)) for began, ended in proof.spans(conn, start, end)]
    return not proof.jumped(conn, begins, begins + _JUMPS_COUNT_FOR) and not holes(known, *span)
