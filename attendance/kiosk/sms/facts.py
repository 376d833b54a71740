"""From what the store knows of some news to what a text is made of."""

from datetime import tzinfo

from attendance.kiosk.sms.texts import Facts
from attendance.kiosk.store.news import News


def facts(news: News, zone: tzinfo) -> Facts:
    """Some news as texts want it: in the school's time."""
    return Facts(
        students=tuple(student.name for student in news.students),
        at=news.at.astimezone(zone).replace(tzinfo=None),
        student_ids=tuple(student.student_id for student in news.students),
        sections=tuple(student.section for student in news.students),
        session=news.session,
        minutes_late=news.minutes_late,
    )
