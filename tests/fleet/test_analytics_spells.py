"""When each student was in which section, as it is kept for the analytics."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from one_school import NOW, found
from sqlalchemy import Engine

from attendance.domain.enrolment import Enrolment
from attendance.fleet import directory
from attendance.fleet.store import spells
from attendance.fleet.store.engine import reading, transaction

ZONE = ZoneInfo("Asia/Manila")


def test_a_replica_whose_clock_is_ahead_leaves_one_spell_a_day(engine: Engine) -> None:
    """Section C comes last, on the day of A, after B was entered two days ahead: from that day on it is C."""
    site = found(engine, NOW)
    for section, days in (("A", 0), ("B", 2), ("C", 0)):
        with transaction(engine) as conn:
            enrolments = [Enrolment("1", "Ana Cruz", section=section)]
            directory.enrol(conn, site.school.school_id, enrolments, NOW + timedelta(days=days))
            spells.follow(conn, site.school, ZONE)
    with reading(engine) as conn:
        kept = spells.between(conn, site.school.school_id, "2000-01-01", "2999-01-01")
    day = NOW.astimezone(ZONE).date().isoformat()
    assert [(each.first_day, each.last_day, each.section) for each in kept] == [(day, None, "C")]
