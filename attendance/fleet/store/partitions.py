"""PostgreSQL: one table of scans a month, and one for what lies outside, as of gates whose clock is a year off.

A month is dropped whole, in a moment; deleting its rows takes minutes and leaves the table as large as before.
"""

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import Connection, text

from attendance.fleet.store import dialect

_MONTHS_AHEAD = 3
_CROWDED_ROWS = 10_000
"""So many rows of one month outside are no mistake: a gate brings scans of long ago. They get a table of their own."""
_TURN = 0x6D6F6E7468


def prepare(conn: Connection, now: datetime) -> list[date]:
    """Make the tables of the last month, this one and the next, and of each that is crowded outside; which were made.

    Rows that lie outside and belong into one are moved there.
    """
    if not dialect.is_postgresql(conn) or not dialect.take_turn(conn, _TURN):
        return []
    dialect.without_hurry(conn)
    there = set(existing(conn))
    wanted = {*_around(now.date()), *_crowded(conn)}
    made = sorted(wanted - there)
    for month in made:
        _make(conn, month)
    return made


def existing(conn: Connection) -> list[date]:
    """The first days of the months that have a table, in order."""
    rows = conn.execute(
        text("SELECT relid::regclass::text FROM pg_partition_tree('events') WHERE relid <> 'events'::regclass")
    )
    names = [str(name) for (name,) in rows]
    return sorted(date(int(name[7:11]), int(name[12:14]), 1) for name in names if name != "events_default")


def drop_before(conn: Connection, first_day: date) -> list[date]:
    """Drop the tables of the months that end before a day; which they were."""
    dropped = [month for month in existing(conn) if next_month(month) <= first_day]
    for month in dropped:
        conn.execute(text(f"DROP TABLE {_name(month)}"))
    return dropped


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _around(day: date) -> Iterator[date]:
    month = date(day.year - (day.month == 1), (day.month - 2) % 12 + 1, 1)
    for _ in range(_MONTHS_AHEAD + 2):
        yield month
        month = next_month(month)


def _crowded(conn: Connection) -> Iterator[date]:
    rows = conn.execute(
        text("SELECT date_trunc('month', event_at)::date FROM events_default GROUP BY 1 HAVING count(*) >= :crowded"),
        {"crowded": _CROWDED_ROWS},
    )
    yield from (month for (month,) in rows)


def _make(conn: Connection, month: date) -> None:
    name, first, end = _name(month), month.isoformat(), next_month(month).isoformat()
    conn.execute(text("LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE"))
    conn.execute(text(f"CREATE TABLE {name} (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
    conn.execute(
        text(
            "WITH moved AS (DELETE FROM events_default WHERE event_at >= CAST(:first AS timestamptz)"
            f" AND event_at < CAST(:end AS timestamptz) RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        ),
        {"first": f"{first} 00:00Z", "end": f"{end} 00:00Z"},
    )
    conn.execute(
        text(f"ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ('{first} 00:00Z') TO ('{end} 00:00Z')")
    )


def _name(month: date) -> str:
    return f"events_{month:%Y_%m}"
