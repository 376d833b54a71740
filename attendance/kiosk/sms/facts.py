"""From what the store knows of some news to what a text is made of."""

from datetime import date, datetime, tzinfo

from attendance.domain.absence import KINDS
from attendance.kiosk.sms.texts import Facts
from attendance.kiosk.store.news import News


def facts(news: News, zone: tzinfo) -> Facts:
    """Some news as texts want it: in the school's time. Who was missing, was missing on the day of the session, also
    when that is told after midnight."""
    at = news.at.astimezone(zone).replace(tzinfo=None)
    if news.kind in KINDS:
        at = datetime.combine(date.fromisoformat(news.day), at.time())
    return Facts(
        students=tuple(student.name for student in news.students),
        at=at,
        student_ids=tuple(student.student_id for student in news.students),
        sections=tuple(student.section for student in news.students),
        session=news.session,
        minutes_late=news.minutes_late,
    )
