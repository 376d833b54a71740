"""The analytics of a year counted again by plain queries over every scan, and what differs from what is kept.

One school after the other, so that what is counted fits into memory. Nothing of it rests on the tables of the analytics
or on the code that fills them: who was listed and when classes did not take place is read from the directory.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Engine, text

from attendance.fleet.analysis import HELD_PERCENT, TOGETHER_S
from centre.year import ZONE

_SCHOOL = "CAST(:school AS uuid)"

_SCANS = f"""
SELECT c.gate_id, coalesce(a.student_key, e.student_key) AS student_key, a.alias IS NOT NULL AS known,
    e.day AS first_told, coalesce(k.day, e.day) AS day, e.session, e.direction, coalesce(k.status, e.status) AS status,
    coalesce(k.scanned_at, e.event_at) AS at, e.clock_trusted OR k.scan_id IS NOT NULL AS sure
FROM events e JOIN chains c USING (chain_id)
LEFT JOIN aliases a ON a.school_id = e.school_id AND a.alias = e.student_key
LEFT JOIN corrections k ON k.school_id = e.school_id AND k.scan_id = e.scan_id AND k.event_at = e.event_at
WHERE e.school_id = {_SCHOOL}"""
_REFUSED = f"""
SELECT gate_id, student_key, day, refusal, seen_at AS at, clock_trusted AS sure FROM refusals
WHERE school_id = {_SCHOOL}"""
_LISTED = f"""
SELECT key AS student_key, CAST(changed_at AT TIME ZONE '{ZONE}' AS date) AS first_day, body ->> 'section' AS section,
    body ->> 'grade' AS grade, body ->> 'allowed_session' AS sessions
FROM entries WHERE school_id = {_SCHOOL} AND kind = 'student' AND NOT deleted"""
_CLOSED = f"""
SELECT CAST(body ->> 'first_day' AS date) AS first_day, CAST(body ->> 'last_day' AS date) AS last_day,
    body ->> 'session' AS session
FROM entries WHERE school_id = {_SCHOOL} AND kind = 'closure' AND NOT deleted"""
_SEEN = """
SELECT day, session, student_key,
    (array_agg(status ORDER BY at, status) FILTER (WHERE direction = 'in'))[1] = 'late' AS late
FROM scans GROUP BY 1, 2, 3"""
_ATTENDED = f"""
WITH expected AS (
    SELECT h.day, h.session, s.section, seen.student_key IS NOT NULL AS present, coalesce(seen.late, false) AS late
    FROM (SELECT DISTINCT day, session FROM seen) h
    JOIN listed s ON s.first_day <= h.day AND s.sessions IN ('both', h.session)
    LEFT JOIN seen ON (seen.day, seen.session, seen.student_key) = (h.day, h.session, s.student_key)
    WHERE NOT EXISTS (
        SELECT FROM closed c WHERE h.day BETWEEN c.first_day AND c.last_day AND c.session IN ('', h.session))),
took_place AS (
    SELECT day, session FROM expected GROUP BY 1, 2
    HAVING bool_or(present) AND count(*) FILTER (WHERE present) * 100 >= count(*) * {HELD_PERCENT})
SELECT day, session, section, count(*) AS expected, count(*) FILTER (WHERE present) AS present,
    count(*) FILTER (WHERE late) AS late
FROM expected JOIN took_place USING (day, session) GROUP BY 1, 2, 3"""

_MADE = {
    "scans": _SCANS,
    "refused": _REFUSED,
    "listed": _LISTED,
    "closed": _CLOSED,
    "seen": _SEEN,
    "attended": _ATTENDED,
}
"""Temporary tables of one school; each may read those before it."""

_PASSED = """
count(*) FILTER (WHERE direction = 'in') AS came, count(*) FILTER (WHERE direction = 'out') AS went,
count(*) FILTER (WHERE direction = 'in' AND status = 'late') AS late"""
_AGAIN = {
    "gate_slots": (
        "day, gate_id, slot, came, went, late",
        f"""SELECT day, gate_id, floor(extract(epoch FROM CAST(at AT TIME ZONE '{ZONE}' AS time)) / 600), {_PASSED}
        FROM scans GROUP BY 1, 2, 3""",
    ),
    "gate_days": (
        "day, gate_id, came, went, late, refused",
        f"""SELECT day, gate_id, coalesce(came, 0), coalesce(went, 0), coalesce(late, 0), coalesce(cards, 0)
        FROM (SELECT day, gate_id, {_PASSED} FROM scans GROUP BY 1, 2) s
        FULL JOIN (SELECT day, gate_id, count(*) AS cards FROM refused GROUP BY 1, 2) r USING (day, gate_id)""",
    ),
    "gate_refusals": (
        "day, gate_id, refusal, refused",
        "SELECT day, gate_id, refusal, count(*) FROM refused GROUP BY 1, 2, 3",
    ),
    "section_days": ("day, session, section, expected, present, late", "TABLE attended"),
    "meetings": (
        "day, student_key, first_gate, first_at, second_gate, second_at",
        f"""SELECT DISTINCT day, student_key, first_gate, first_at, gate_id, at FROM (
            SELECT *, lag(gate_id) OVER w AS first_gate, lag(at) OVER w AS first_at FROM (
                SELECT day, student_key, gate_id, at FROM scans WHERE sure
                UNION ALL SELECT day, student_key, gate_id, at FROM refused WHERE sure AND refusal = 'duplicate') x
            WINDOW w AS (PARTITION BY day, student_key ORDER BY at, gate_id)) y
        WHERE first_gate <> gate_id AND at - first_at <= INTERVAL '{TOGETHER_S} seconds'""",
    ),
    "spells": (
        "student_key, first_day, last_day, section, grade, sessions",
        "SELECT student_key, first_day, CAST(NULL AS date), section, grade, sessions FROM listed",
    ),
    "analysed_days": (
        "day, expected, present, late, strangers",
        """SELECT day, coalesce(expected, 0), coalesce(present, 0), coalesce(late, 0), coalesce(strangers, 0)
        FROM (SELECT day FROM scans UNION SELECT first_told FROM scans) d
        LEFT JOIN (SELECT day, count(DISTINCT student_key) FILTER (WHERE NOT known) AS strangers FROM scans GROUP BY 1)
            s USING (day)
        LEFT JOIN (SELECT day, sum(expected) AS expected, sum(present) AS present, sum(late) AS late
            FROM attended GROUP BY 1) a USING (day)""",
    ),
}
"""By table of the analytics: its columns, and what they should be."""

_DIFFERING = f"""
WITH kept AS MATERIALIZED (SELECT {{columns}} FROM {{table}} WHERE school_id = {_SCHOOL}),
again AS MATERIALIZED ({{query}})
SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM (TABLE kept EXCEPT ALL TABLE again) missing)
    + (SELECT count(*) FROM (TABLE again EXCEPT ALL TABLE kept) added)"""
_ARRIVALS = f"SELECT {_PASSED} FROM scans WHERE day BETWEEN :first AND :last"


@dataclass(frozen=True, slots=True)
class Recount:
    """
    Attributes:
        scans: how many were looked at.
        tables: by name, how many rows there are, and how many of them or of the recount the other one has not.
        arrivals: by school, who came and went and was late.
    """

    scans: int
    tables: Mapping[str, tuple[int, int]]
    arrivals: Mapping[str, tuple[int, int, int]]


def recount(engine: Engine, school_ids: Iterable[str], first: date, last: date) -> Recount:
    """Of all days; the arrivals of those from one to another."""
    rows, off, arrivals, scans = Counter[str](), Counter[str](), {}, 0
    for school_id in school_ids:
        with engine.begin() as conn:
            scans += _prepare(conn, school_id)
            for table, (columns, query) in _AGAIN.items():
                said = _DIFFERING.format(columns=columns, table=table, query=query)
                there, differing = conn.execute(text(said), {"school": school_id}).one()
                rows[table] += there
                off[table] += differing
            came, went, late = conn.execute(text(_ARRIVALS), {"first": first, "last": last}).one()
            arrivals[school_id] = (came, went, late)
    return Recount(scans, {table: (rows[table], off[table]) for table in _AGAIN}, arrivals)


def _prepare(conn: Connection, school_id: str) -> int:
    """How many scans the school has."""
    for name, value in (("statement_timeout", "0"), ("work_mem", "'256MB'"), ("temp_buffers", "'256MB'")):
        conn.execute(text(f"SET LOCAL {name} = {value}"))
    for table, query in _MADE.items():
        conn.execute(text(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {query}"), {"school": school_id})
        conn.execute(text(f"ANALYZE {table}"))  # without it the joins are planned for a handful of rows
    return int(conn.execute(text("SELECT count(*) FROM scans")).scalar_one())
