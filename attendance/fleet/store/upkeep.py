"""What keeps the centre's database in shape, and what lets go of what is no longer wanted."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Engine

from attendance.fleet.store import (
    arrivals,
    commands,
    corrections,
    day_figures,
    dead_letters,
    dialect,
    entries,
    events,
    health,
    invites,
    partitions,
    photos,
    refusals,
    rollups,
    scan_times,
    schools,
    stale_days,
)
from attendance.fleet.store.engine import transaction

HISTORY_KEPT = timedelta(days=30)
INVITES_KEPT = timedelta(days=30)
"""So long an answer that was lost can be asked for again."""
SETTLED_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a retention removed. ``scans`` counts those outside the tables of ``months`` only."""

    months: list[date]
    scans: int
    photos: int


def upkeep(engine: Engine, now: datetime) -> None:
    """To be run about once an hour, by one replica or by several.

    Raises:
        StorageError: the database refused, or is out of reach.
    """
    with transaction(engine) as conn:
        commands.expire(conn, now)
        arrivals.forget(conn, now)
        health.forget_history(conn, now - HISTORY_KEPT)
        invites.forget(conn, now - INVITES_KEPT)
        dead_letters.forget_settled(conn, now - SETTLED_KEPT)
    with transaction(engine) as conn:
        for school in schools.every(conn):
            entries.forget_numbers(conn, school.school_id, health.changes_taken(conn, school.school_id))
    with transaction(engine) as conn:
        partitions.prepare(conn, now)


def drop_before(engine: Engine, first_day: date) -> Dropped:
    """Let go of scans, and all that belongs to them, before a day (UTC). What was proven whole stays known as such.

    Raises:
        StorageError: the database refused, or is out of reach.
    """
    first = datetime.combine(first_day, time(), UTC)
    with transaction(engine) as conn:
        dialect.without_hurry(conn)
        months = partitions.drop_before(conn, first_day) if dialect.is_postgresql(conn) else []
        scans = events.forget_before(conn, first)
        corrections.forget_before(conn, first)
        refusals.forget_before(conn, first_day)
        rollups.forget_before(conn, first_day)
        scan_times.forget_before(conn, first_day)
        day_figures.forget_before(conn, first_day)
        stale_days.forget_before(conn, first_day)
        return Dropped(months, scans, photos.forget_before(conn, first))
