"""A year of a whole division, made inside the database: scans, corrections, refusals and students of many schools.

Every school has four gates and as many students as scans are wanted. On each of two hundred school days nearly all of
them come in the morning, some late, and go in the afternoon; one in a hundred is refused, a few are in no list, a few
cards show up at two gates at once. The first day is a rehearsal for a few; the one in the middle is a holiday, on which
all come.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, Engine, text

from attendance.domain.directory import Closure
from attendance.fleet import directory
from attendance.fleet.store import gates, partitions, schools
from attendance.fleet.store.engine import transaction
from attendance.fleet.store.gates import Machine

ZONE = "Asia/Manila"
GATES = 4
LAST_DAY = date(2026, 3, 27)
PRESENT, REHEARSING = 0.95, 0.05
_AT_ONCE = 2
"""Months are filled beside each other, each in a partition of its own."""


def school_days(count: int) -> list[date]:
    """The last so many weekdays, in order."""
    days, day = [], LAST_DAY
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day -= timedelta(days=1)
    return days[::-1]


def make(engine: Engine, school_count: int, days: int, scans: int) -> Iterator[str]:
    """Fill an empty database; says after each part what is done."""
    wanted = school_days(days)
    months = [list(each) for _, each in groupby(wanted, key=lambda day: day.replace(day=1))]
    students = round(scans / (school_count * days * 2 * PRESENT))
    with transaction(engine) as conn:
        for number in range(school_count):
            _school(conn, number, students, wanted)
        for first, *_ in months:
            partitions.prepare(conn, datetime.combine(first, datetime.min.time(), UTC))
        for statement in _WITHOUT_INDEXES:
            _run(conn, statement)
    yield f"{school_count} schools, {students} students each"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for month in pool.map(lambda month: _scans(engine, month, wanted[0]), months):
            yield f"scans of {month:%Y-%m}"
    with transaction(engine) as conn:
        _run(conn, "SET LOCAL statement_timeout = 0")
        _run(conn, "SET LOCAL maintenance_work_mem = '1GB'")
        _run(conn, "SELECT setseed(0.5)")
        for statement in (*_INDEXES, _TWICE, _CORRECTIONS, _REFUSALS, _MARKS):
            _run(conn, statement)
    yield "indexes, corrections and refusals"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        _run(conn, "SET statement_timeout = 0")
        _run(conn, "VACUUM (ANALYZE)")
        _run(conn, "RESET statement_timeout")
    yield "statistics"


def _school(conn: Connection, number: int, students: int, days: list[date]) -> None:
    began = datetime.combine(days[0], datetime.min.time(), UTC) - timedelta(days=1)
    school = schools.add(conn, f"School {number + 1:02}", ZONE, began)
    for gate in range(1, GATES + 1):
        machine = Machine(f"gate-{gate}", f"{number * GATES + gate:064x}", "1.0", "Bench")
        gate_id = gates.enrol(conn, school.school_id, f"Gate {gate}", machine, began)
        _run(conn, _CHAIN, school=school.school_id, gate=gate_id, device=f"gate-{gate}")
    for statement in (_STUDENTS, _ALIASES, _ENTRIES, _COUNTER):
        _run(conn, statement, school=school.school_id, students=students, began=began)
    day = days[len(days) // 2].isoformat()
    directory.put_closure(
        conn, school.school_id, Closure(first_day=day, last_day=day, kind="holiday", name="Founders' day"), began
    )


def _scans(engine: Engine, days: list[date], rehearsal: date) -> date:
    """Of all schools on these days; the first of them."""
    with transaction(engine) as conn:
        _run(conn, "SET LOCAL statement_timeout = 0")
        for day in days:
            _run(conn, "SELECT setseed(:seed)", seed=day.toordinal() / 1_000_000)
            _run(conn, _SCANS, day=day.isoformat(), present=REHEARSING if day == rehearsal else PRESENT)
    return days[0]


def _run(conn: Connection, statement: str, **values: object) -> None:
    conn.execute(text(statement), values)


_CHAIN = "INSERT INTO chains (school_id, gate_id, device_id, epoch) VALUES (:school, :gate, :device, 'year')"
_STUDENTS = """
INSERT INTO students (school_id, student_key, student_id)
SELECT CAST(:school AS uuid), md5(CAST(CAST(:school AS uuid) AS text) || n), 'S' || lpad(CAST(n AS text), 5, '0')
FROM generate_series(1, :students) n"""
_ALIASES = """
INSERT INTO aliases SELECT school_id, student_key, student_key FROM students WHERE school_id = :school"""
_ENTRIES = """
INSERT INTO entries (school_id, kind, key, version, deleted, body, changed_at)
SELECT school_id, 'student', student_key, n, false, jsonb_build_object(
    'student_key', student_key, 'student_id', student_id, 'name', 'Student ' || n,
    'section', 'Section ' || lpad(CAST(1 + n / 40 AS text), 2, '0'), 'grade', CAST(7 + n % 6 AS text),
    'sex', '', 'lrn', '', 'allowed_session', 'both', 'guardians', '[]'::jsonb, 'removed', false), :began
FROM (SELECT *, row_number() OVER (ORDER BY student_id) n FROM students WHERE school_id = :school) s"""
_COUNTER = "UPDATE counters SET value = :students WHERE school_id = :school AND name = 'changes'"

_SCANS = f"""
INSERT INTO events (school_id, scan_id, event_at, chain_id, seq, student_key, day, session, direction, status, passage,
    minutes_late, boot_id, boot_ns, clock_trusted, source, card_issue, card_signed, link)
SELECT s.school_id,
    CAST(lpad(to_hex(CAST(extract(epoch FROM s.at) * 1000 AS bigint)), 12, '0') || '7' || substr(s.dice, 1, 3)
        || '8' || substr(s.dice, 4, 15) AS uuid),
    s.at, c.chain_id, row_number() OVER (PARTITION BY c.chain_id ORDER BY s.at)
        + 10000 * (CAST(:day AS date) - DATE '2020-01-01'),
    CASE WHEN random() < 0.0005 THEN s.dice ELSE s.student_key END, CAST(:day AS date), 'morning', s.direction,
    CASE WHEN s.direction = 'out' THEN 'on_time' WHEN s.minute > 72 THEN 'late' ELSE 'on_time' END, 1,
    CASE WHEN s.direction = 'in' AND s.minute > 72 THEN CAST(s.minute - 72 AS int) ELSE 0 END,
    'ab12', CAST(extract(epoch FROM s.at) * 1000000000 AS bigint), true, 'qr', 0, false, s.dice || s.dice
FROM (
    SELECT p.*, d.direction, md5(CAST(random() AS text)) AS dice,
        CASE WHEN random() < 0.8 THEN p.home ELSE 1 + CAST(floor(random() * 4) AS int) END AS gate,
        (CAST(:day AS date) + TIME '06:00') AT TIME ZONE '{ZONE}'
            + make_interval(secs => 60 * (CASE WHEN d.direction = 'in' THEN p.minute ELSE 600 + p.minute END)) AS at
    FROM (
        SELECT school_id, student_key, 1 + mod(abs(hashtext(student_key)), 4) AS home,
            greatest(0, 55 + 22 * (random() + random() + random() - 1.5)) AS minute
        FROM students WHERE random() < :present
    ) p, (VALUES ('in'), ('out')) d (direction)
) s JOIN chains c ON c.school_id = s.school_id AND c.device_id = 'gate-' || s.gate"""

_WITHOUT_INDEXES = (
    "ALTER TABLE events DROP CONSTRAINT events_pkey",
    "DROP INDEX events_by_chain_id_seq",
    "DROP INDEX events_by_school_id_day",
)
_INDEXES = (
    "ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (school_id, scan_id, event_at)",
    "CREATE INDEX events_by_chain_id_seq ON events (chain_id, seq)",
    "CREATE INDEX events_by_school_id_day ON events (school_id, day)",
)
_TWICE = """
INSERT INTO events (school_id, scan_id, event_at, chain_id, seq, student_key, day, session, direction, status, passage,
    minutes_late, boot_id, boot_ns, clock_trusted, source, card_issue, card_signed, link)
SELECT e.school_id, gen_random_uuid(), e.event_at + INTERVAL '20 seconds', other.chain_id,
    1000000000 + row_number() OVER (PARTITION BY other.chain_id), e.student_key,
    e.day, e.session, e.direction, e.status, e.passage, e.minutes_late,
    e.boot_id, e.boot_ns, true, e.source, e.card_issue, e.card_signed, e.link
FROM events e JOIN chains c USING (chain_id)
JOIN chains other ON other.school_id = c.school_id AND other.device_id = CASE c.device_id
    WHEN 'gate-1' THEN 'gate-2' ELSE 'gate-1' END
WHERE random() < 0.00005"""
_CORRECTIONS = """
INSERT INTO corrections (school_id, scan_id, event_at, scanned_at, day, status, minutes_late, corrected_at)
SELECT school_id, scan_id, event_at, event_at + INTERVAL '1 day' * shift + INTERVAL '3 minutes', day + shift, status,
    minutes_late, event_at + INTERVAL '1 hour'
FROM (SELECT *, CAST(random() < 0.2 AS int) shift FROM events WHERE random() < 0.002) e"""
_REFUSALS = """
INSERT INTO refusals (school_id, refusal_id, gate_id, device_id, refusal, student_key, day, seen_at, clock_trusted,
    source)
SELECT e.school_id, gen_random_uuid(), c.gate_id, c.device_id,
    (ARRAY['duplicate', 'duplicate', 'unknown_card', 'wrong_time', 'revoked_card'])[1 + floor(random() * 5)],
    e.student_key, e.day, e.event_at + INTERVAL '15 seconds', true, 'qr'
FROM events e JOIN chains c USING (chain_id) WHERE random() < 0.01"""
_MARKS = """
INSERT INTO analysed_days (school_id, day, marks)
SELECT school_id, day, 1 FROM events GROUP BY 1, 2 UNION SELECT school_id, day, 1 FROM corrections GROUP BY 1, 2"""
