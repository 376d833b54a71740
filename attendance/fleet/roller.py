"""Counts the school days again of which something changed, so that pages read few rows instead of a year of scans."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from attendance.fleet import directory
from attendance.fleet.analysis import figures
from attendance.fleet.centre import Centre
from attendance.fleet.store import day_figures, dialect, schools, spells, stale_days
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.schools import School

AGAIN_AFTER = timedelta(minutes=5)
"""A morning's scans come without end: its day is counted this often."""
DAYS_AT_ONCE = 10
"""In one transaction; others wait for it on SQLite."""
_LOOK_EVERY_S = 30.0
_TURN = 0x666967757265


class Roller:
    """Every process of every replica has one; one at a time counts, and what it has counted the others find counted.

    Killed at any moment it leaves every day either as it was, and stale, or counted.
    """

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def step(self) -> float:
        """One portion; how long to rest."""
        return 0.0 if self.roll() else _LOOK_EVERY_S

    def roll(self, again_after: timedelta = AGAIN_AFTER) -> int:
        """Count a portion of what is stale, one of each school; how many days that were.

        Raises:
            StorageError: the database refused, or is out of reach.
        """
        before = self._centre.clock.now().at - again_after
        with reading(self._centre.engine) as conn:
            waiting = stale_days.stale_schools(conn, before)
        days = 0
        for school_id in waiting:
            with transaction(self._centre.engine) as conn:
                school = _mine(conn, school_id)
                if school is None:
                    return days
                spells.follow(conn, school, ZoneInfo(school.timezone))
            with transaction(self._centre.engine) as conn:
                school = _mine(conn, school_id)
                if school is None:
                    return days
                found = stale_days.stale(conn, school_id, before, DAYS_AT_ONCE)
                count(conn, school, found, self._centre)
            days += len(found)
        return days


def count(conn: Connection, school: School, days: list[str], centre: Centre) -> None:
    """Count days of a school anew."""
    if not days:
        return
    school_id = school.school_id
    seen = stale_days.marks(conn, school_id, days)
    enrolled = spells.between(conn, school_id, min(days), max(days))
    closures = list(directory.closures(conn, school_id).values())
    forgotten = day_figures.forgotten(conn, school_id)
    passages = day_figures.passages(conn, school_id, days)
    refused = day_figures.refused(conn, school_id, days)
    counted = {
        day: figures(
            passages.get(day, ()),
            refused.get(day, ()),
            [each for each in enrolled if each.covers(day)],
            [each for each in closures if each.first_day <= day <= each.last_day],
            forgotten,
            school.timezone,
        )
        for day in days
    }
    day_figures.keep(conn, school_id, counted)
    totals = {day: each.totals for day, each in counted.items()}
    stale_days.counted(conn, school_id, seen, totals, centre.clock.now().at)


def _mine(conn: Connection, school_id: str) -> School | None:
    """The school, if nobody else counts until this transaction ends."""
    if dialect.is_postgresql(conn) and not dialect.take_turn(conn, _TURN):
        return None
    return schools.get(conn, school_id)
