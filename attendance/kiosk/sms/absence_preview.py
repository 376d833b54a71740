"""The messages that a round would make, as the courier would send them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from attendance.clock import Moment
from attendance.domain.absence import Plan
from attendance.domain.student import Student
from attendance.kiosk.sms.absence import recipients
from attendance.kiosk.sms.facts import facts
from attendance.kiosk.sms.texts import Text, Texts
from attendance.kiosk.store import news
from attendance.kiosk.store.news import News
from attendance.kiosk.store.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Preview:
    """One message.

    Attributes:
        students: of whom it tells; siblings share one.
    """

    phone: str
    students: Sequence[Student]
    text: Text


def previews(conn: sqlite3.Connection, found: Plan, texts: Texts, zone: ZoneInfo, now: Moment) -> list[Preview]:
    """What guardians would read; reads only."""
    wanted: dict[str, list[tuple[Preferences, Student]]] = {}
    for each in recipients(conn, found):
        if each.guardian is not None and each.told:
            wanted.setdefault(each.guardian.phone, []).append((each.guardian, each.student))
    made = []
    for phone, told in wanted.items():
        students = [student for _, student in told]
        said = facts(_news(found, students, now), zone)
        made.append(Preview(phone, students, texts.compose(found.kind, said, told[0][0].language)))
    return made


def _news(found: Plan, students: Sequence[Student], now: Moment) -> News:
    return News(
        kind=found.kind,
        students=tuple(news.Student(each.name, each.student_id, each.section) for each in students),
        at=now.at,
        day=found.day.isoformat(),
        session=found.session,
        minutes_late=0,
        body=None,
    )
