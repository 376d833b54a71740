"""Whether this gate provably worked through the sessions of the last days: what a silence of it is worth."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

from attendance.clock import Clock
from attendance.domain.absence import holes
from attendance.domain.contact import Window
from attendance.domain.schedule import windows
from attendance.kiosk.sms.absence import AbsenceRules
from attendance.kiosk.store import proof
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.ledger import local

_DAY = timedelta(days=1)
_DAYS = 2


def proven_windows(database: Path, rules: AbsenceRules, clock: Clock) -> Iterator[Window]:
    """The arrival windows of the last days that are over, oldest first."""
    at = local(clock.now().at, rules.zone)
    with reading(database) as conn:
        for day in (at.date() - _DAY * back for back in reversed(range(_DAYS))):
            begins = _aware(datetime.combine(day, time()), rules)
            jumped = proof.jumped(conn, begins, begins + 2 * _DAY)
            for session in rules.schedule.sessions:
                start, end = windows(session, day)[0]
                if start < end <= at:
                    spans = proof.spans(conn, _aware(start, rules), _aware(end, rules))
                    known = [(local(began, rules.zone), local(ended, rules.zone)) for began, ended in spans]
                    complete = not jumped and not holes(known, start, end)
                    yield Window(day=day.isoformat(), session=session.name, complete=complete)


def _aware(at: datetime, rules: AbsenceRules) -> datetime:
    return at.replace(tzinfo=rules.zone)
