"""What a dry run shows is what is sent: the same texts, to the same numbers, siblings together."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from school_morning import MONDAY, MORNING, SchoolMorning
from sms_desk import Phone

from attendance.domain.answer import Wish
from attendance.domain.message import MessageKind
from attendance.kiosk.sms.absence import look
from attendance.kiosk.sms.absence_preview import previews
from attendance.kiosk.sms.courier import Courier
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.sms.routes import Routes
from attendance.kiosk.sms.texts import Texts
from attendance.kiosk.store import preferences, roster
from attendance.kiosk.store.database import reading, writing

MOTHER, FATHER, AUNT = "+639181111111", "+639182222222", "+639183333333"


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolMorning]:
    school = SchoolMorning(tmp_path, students=20)
    yield school
    school.close()


def test_a_dry_run_shows_what_is_sent(school: SchoolMorning) -> None:
    """Siblings of two sections share their mother, who reads Filipino; the father wants nothing; an aunt is told of
    one; the school has a text of its own for none."""
    texts = Texts(school_name="Rizal High")
    with writing(school.database) as conn:
        for number, section, people in (("18", "7-A", [MOTHER, FATHER]), ("19", "9-B", [MOTHER, AUNT])):
            guardians = [roster.Guardian(phone) for phone in people]
            child = roster.Enrolment(number, f"Cruz, Child {number}", section, guardians=guardians)
            roster.enrol(conn, child, school.clock.now())
        preferences.opt(conn, "18", FATHER, Wish.OUT, school.clock.now())
        preferences.speak(conn, "18", MOTHER, "fil")
    school.works("06:00", "08:00")
    school.go_to("06:45")
    school.come(range(18))
    school.go_to("08:00")
    with reading(school.database) as conn:
        found = look(conn, school.rules(), MONDAY, MORNING, MessageKind.ABSENCE, school.clock.now())
        shown = previews(conn, found, texts, school.zone, school.clock.now())
    assert [(each.phone, [student.student_id for student in each.students]) for each in shown] == [
        (MOTHER, ["18", "19"]),
        (AUNT, ["19"]),
    ]
    school.absences().step()
    phone = Phone(school.clock)
    courier = Courier(
        school.database,
        school.writer,
        Routes([phone], school.clock),
        texts,
        school.clock,
        school.zone,
        limits=Limits(windows=(), cooldown=timedelta()),
        report_after=timedelta(minutes=15),
    )
    school.clock.advance(300)
    while courier.step() == 0:
        pass
    assert [(each.phone, each.text) for each in phone.shown] == [(each.phone, each.text.text) for each in shown]
    assert phone.shown[0].text == (
        "Rizal High: Cruz, Child 18 at Cruz, Child 19, walang naitalang pagpasok, Hun 8 (umaga)."
    )
