"""Counts the school days again of which something changed, so that pages read few rows instead of a year of scans."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from attendance.clock import Clock
from attendance.fleet import directory
from attendance.fleet.analysis import figures
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
    """Every replica has one; one at a time counts, and what it has counted the others find counted.

    Killed at any moment it leaves every day either as it was, and stale, or counted.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._waiting: list[str] = []

    def step(self) -> float:
        """Count some days of one school; how long to rest."""
        before = self._clock.now().at - AGAIN_AFTER
        if not self._waiting:
            self._look(before)
        if self._waiting and not self._roll(self._waiting.pop(), before):
            self._waiting.clear()
        return 0.0 if self._waiting else _LOOK_EVERY_S

    def roll(self) -> int:
        """Count everything that is stale, whenever it was counted last, unless another replica is at it; how many days
        that were.

        Raises:
            StorageError: the database refused, or is out of reach.
        """
        days, before = 0, self._clock.now().at
        while True:
            self._look(before)
            if not self._waiting:
                return days
            while self._waiting:
                counted = self._roll(self._waiting.pop(), before)
                if counted is None:
                    return days
                days += counted

    def _look(self, before: datetime) -> None:
        with reading(self._engine) as conn:
            self._waiting = stale_days.stale_schools(conn, before)

    def _roll(self, school_id: str, before: datetime) -> int | None:
        """How many days were counted; ``None``: another replica is at it."""
        with transaction(self._engine) as conn:
            school = _mine(conn, school_id)
            if school is not None:
                spells.follow(conn, school, ZoneInfo(school.timezone))
        with transaction(self._engine) as conn:  # apart, so that no gate waits for what was marked just now
            school = _mine(conn, school_id)
            if school is None:
                return None
            days = stale_days.stale(conn, school_id, before, DAYS_AT_ONCE)
            count(conn, school, days, self._clock.now().at)
        return len(days)


def count(conn: Connection, school: School, days: list[str], now: datetime) -> None:
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
    stale_days.counted(conn, school_id, seen, totals, now)


def _mine(conn: Connection, school_id: str) -> School | None:
    """The school, if nobody else counts until this transaction ends."""
    if dialect.is_postgresql(conn) and not dialect.take_turn(conn, _TURN):
        return None
    return schools.get(conn, school_id)
