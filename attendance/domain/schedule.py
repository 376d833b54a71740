"""Class sessions and their windows: which session, and which part of it, a local time falls into.

All times are naive local times of the school; the caller turns instants into them. A window is half-open, so a time
belongs to the window that begins with it. A window that ends before it begins runs past midnight, and so does a logout
window that begins before its login window; such a session belongs to the day on which it began.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)


class Part(StrEnum):
    """Where in a session a time lies. Login and logout windows may overlap: then both apply."""

    EARLY = "early"
    LOGIN = "login"
    BETWEEN = "between"
    LOGOUT = "logout"
    LOGIN_AND_LOGOUT = "login_and_logout"


@dataclass(frozen=True, slots=True)
class Session:
    """One class session as configured. Any times are legal; a window of no length never matches."""

    name: str
    start: time
    login_start: time
    login_end: time
    logout_start: time
    logout_end: time
    late_after: timedelta


@dataclass(frozen=True, slots=True)
class Schedule:
    """The sessions in the order in which they win, and what else decides whether a scan counts.

    Attributes:
        weekdays: days with classes, Monday is 0.
        early: how long before a login window an arrival still counts; zero refuses early arrivals.
        cooldown: how long after an accepted scan a further one of the same student is a duplicate.
    """

    sessions: Sequence[Session]
    weekdays: frozenset[int]
    early: timedelta
    cooldown: timedelta


@dataclass(frozen=True, slots=True)
class Place:
    """A session on a day, and the part of it that a time falls into.

    Attributes:
        class_start: when lessons begin, naive local time.
        logout_start: when the logout window opens, naive local time.
    """

    session: Session
    day: date
    part: Part
    class_start: datetime
    logout_start: datetime

    def is_late(self, at: datetime) -> bool:
        """Whether an arrival at ``at`` is later than start plus threshold, to the second as people read it."""
        return at.replace(microsecond=0) > self.class_start + self.session.late_after


def places(schedule: Schedule, at: datetime) -> Iterator[Place]:
    """Every session that ``at`` falls into, best first: windows in the configured order, then early arrivals."""
    for early in (False, True):
        for session in schedule.sessions:
            for day in (at.date(), at.date() - _DAY, at.date() + _DAY):
                place = _place(session, day, at, schedule.early if early else timedelta())
                if place is not None and (place.part is Part.EARLY) == early:
                    yield place


def windows(session: Session, day: date) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
    """Begin and end of a session's login window and of its logout window, naive local time."""
    after_midnight = session.logout_start < session.login_start
    return (
        _window(day, session.login_start, session.login_end),
        _window(day + _DAY * after_midnight, session.logout_start, session.logout_end),
    )


def _place(session: Session, day: date, at: datetime, early: timedelta) -> Place | None:
    (login_start, login_end), (logout_start, logout_end) = windows(session, day)
    part = None
    if login_start <= at < login_end:
        part = Part.LOGIN_AND_LOGOUT if logout_start <= at < logout_end else Part.LOGIN
    elif logout_start <= at < logout_end:
        part = Part.LOGOUT
    elif login_start == login_end:
        pass  # a session without a login window has no time before or after it
    elif login_start - early <= at < login_start:
        part = Part.EARLY
    elif login_end <= at < logout_start < logout_end:
        part = Part.BETWEEN
    if part is None:
        return None
    begins_after_midnight = login_end.date() > day and session.start < session.login_start
    class_start = datetime.combine(day + _DAY * begins_after_midnight, session.start)
    return Place(session, day, part, class_start, logout_start)


def _window(day: date, start: time, end: time) -> tuple[datetime, datetime]:
    return datetime.combine(day, start), datetime.combine(day + _DAY * (end < start), end)
