"""Whether this gate provably worked through the sessions of the last days: what a silence of it is worth."""

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Literal

from attendance.clock import Clock
from attendance.domain.absence import KINDS, holes, watched
from attendance.domain.contact import Window
from attendance.domain.message import MessageKind
from attendance.kiosk.sms.absence import AbsenceRules
from attendance.kiosk.store import proof
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.ledger import local

RECORDED: Mapping[MessageKind, Literal["arrival", "departure"]] = {
    MessageKind.ABSENCE: "arrival",
    MessageKind.NO_CHECKOUT: "departure",
}
"""What a gate must have been able to record, that something is missing without it."""
_DAY = timedelta(days=1)
_DAYS = 2


def proven_windows(database: Path, rules: AbsenceRules, clock: Clock) -> Iterator[Window]:
    """The windows of the last days that are over, oldest day first."""
    at = local(clock.now().at, rules.zone)
    with reading(database) as conn:
        for day in (at.date() - _DAY * back for back in reversed(range(_DAYS))):
            begins = datetime.combine(day, time(), rules.zone)
            jumped = proof.jumped(conn, begins, begins + 2 * _DAY)
            for session in rules.schedule.sessions:
                for kind in KINDS:
                    span = watched(rules.schedule, session, day, kind, rules.limits.after)
                    if span is None or span[1] > at:
                        continue
                    start, end = (moment.replace(tzinfo=rules.zone) for moment in span)
                    known = [
                        (local(began, rules.zone), local(ended, rules.zone))
                        for began, ended in proof.spans(conn, start, end)
                    ]
                    complete = not jumped and not holes(known, *span)
                    recorded = RECORDED[kind]
                    yield Window(day=day.isoformat(), session=session.name, kind=recorded, complete=complete)
