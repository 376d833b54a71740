"""The analytics of all schools counted again by plain queries over every scan, and what differs."""

from sqlalchemy import Connection, Engine, text

from attendance.fleet.analysis import HELD_PERCENT, TOGETHER_S

_PLAIN = """
CREATE UNLOGGED TABLE plain AS
SELECT e.school_id, c.gate_id, e.student_key, coalesce(k.day, e.day) AS day, e.session, e.direction,
    coalesce(k.status, e.status) AS status, coalesce(k.scanned_at, e.event_at) AS at
FROM events e JOIN chains c USING (chain_id)
LEFT JOIN corrections k ON (k.school_id, k.scan_id, k.event_at) = (e.school_id, e.scan_id, e.event_at)"""

_SLOTS = """
SELECT school_id, day, gate_id, CAST(floor(extract(epoch FROM (at AT TIME ZONE 'Asia/Manila')::time) / 600) AS int),
    CAST(count(*) FILTER (WHERE direction = 'in') AS int), CAST(count(*) FILTER (WHERE direction = 'out') AS int),
    CAST(count(*) FILTER (WHERE direction = 'in' AND status = 'late') AS int)
FROM plain GROUP BY 1, 2, 3, 4"""

_DAYS = """
SELECT school_id, day, gate_id, CAST(sum(came) AS int), CAST(sum(went) AS int), CAST(sum(late) AS int),
    CAST(sum(refused) AS int) FROM (
    SELECT school_id, day, gate_id, CAST(direction = 'in' AS int) came, CAST(direction = 'out' AS int) went,
        CAST(direction = 'in' AND status = 'late' AS int) late, 0 refused FROM plain
    UNION ALL SELECT school_id, day, gate_id, 0, 0, 0, 1 FROM refusals) x GROUP BY 1, 2, 3"""

_REFUSALS = "SELECT school_id, day, gate_id, refusal, CAST(count(*) AS int) FROM refusals GROUP BY 1, 2, 3, 4"

_SECTIONS = f"""
WITH seen AS (
    SELECT school_id, day, session, student_key,
        (array_agg(status ORDER BY at, status) FILTER (WHERE direction = 'in'))[1] AS first_status
    FROM plain GROUP BY 1, 2, 3, 4),
held AS (SELECT school_id, day, session FROM seen GROUP BY 1, 2, 3),
listed AS (
    SELECT h.school_id, h.day, h.session, s.section, seen.student_key IS NOT NULL AS here,
        coalesce(seen.first_status = 'late', false) AS late
    FROM held h JOIN spells s ON s.school_id = h.school_id AND h.day >= s.first_day
        AND h.day <= coalesce(s.last_day, h.day) AND s.sessions IN ('both', h.session)
    LEFT JOIN seen ON (seen.school_id, seen.day, seen.session, seen.student_key)
        = (h.school_id, h.day, h.session, s.student_key)),
took_place AS (
    SELECT school_id, day, session FROM listed GROUP BY 1, 2, 3
    HAVING count(*) FILTER (WHERE here) > 0 AND count(*) FILTER (WHERE here) * 100 >= count(*) * {HELD_PERCENT})
SELECT school_id, day, session, section, CAST(count(*) AS int), CAST(count(*) FILTER (WHERE here) AS int),
    CAST(count(*) FILTER (WHERE late) AS int)
FROM listed JOIN took_place USING (school_id, day, session) GROUP BY 1, 2, 3, 4"""

_MEETINGS = f"""
SELECT DISTINCT school_id, day, student_key, first_gate, first_at, gate_id, at FROM (
    SELECT *, lag(gate_id) OVER w AS first_gate, lag(at) OVER w AS first_at FROM (
        SELECT school_id, day, student_key, gate_id, at FROM plain
        UNION ALL SELECT school_id, day, student_key, gate_id, seen_at FROM refusals WHERE refusal = 'duplicate') x
    WINDOW w AS (PARTITION BY school_id, day, student_key ORDER BY at, gate_id)) y
WHERE first_gate <> gate_id AND at - first_at <= INTERVAL '{TOGETHER_S} seconds'"""

_QUERIES = {
    "gate_slots": ("school_id, day, gate_id, slot, came, went, late", _SLOTS),
    "gate_days": ("school_id, day, gate_id, came, went, late, refused", _DAYS),
    "gate_refusals": ("school_id, day, gate_id, refusal, refused", _REFUSALS),
    "section_days": ("school_id, day, session, section, expected, present, late", _SECTIONS),
    "meetings": ("school_id, day, student_key, first_gate, first_at, second_gate, second_at", _MEETINGS),
}


def prepare(engine: Engine) -> None:
    """Put every scan as corrected into a table of its own."""
    with engine.begin() as conn:
        _without_hurry(conn)
        conn.execute(text("DROP TABLE IF EXISTS plain"))
        conn.execute(text(_PLAIN))


def differing(engine: Engine) -> dict[str, tuple[int, int]]:
    """By table: how many rows it has, and how many of them or of the recount the other one has not."""
    found = {}
    with engine.begin() as conn:
        _without_hurry(conn)
        for table, (columns, query) in _QUERIES.items():
            kept = f"SELECT {columns} FROM {table}"
            rows = conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            conn.execute(text(f"CREATE TEMPORARY TABLE again ({columns}) ON COMMIT DROP AS {query}"))
            off = conn.execute(
                text(
                    f"SELECT (SELECT count(*) FROM ({kept} EXCEPT ALL SELECT * FROM again) a)"
                    f" + (SELECT count(*) FROM (SELECT * FROM again EXCEPT ALL {kept}) b)"
                )
            ).scalar_one()
            conn.execute(text("DROP TABLE again"))
            found[table] = (int(rows), int(off))
    return found


def arrivals(engine: Engine, school_id: str, first: str, last: str) -> tuple[int, int, int]:
    """Who came and went and was late, of every scan of the school in these days."""
    with engine.begin() as conn:
        _without_hurry(conn)
        row = conn.execute(
            text(
                "SELECT count(*) FILTER (WHERE direction = 'in'), count(*) FILTER (WHERE direction = 'out'),"
                " count(*) FILTER (WHERE direction = 'in' AND status = 'late') FROM plain"
                " WHERE school_id = CAST(:school AS uuid) AND day BETWEEN CAST(:first AS date) AND CAST(:last AS date)"
            ),
            {"school": school_id, "first": first, "last": last},
        ).one()
    return int(row[0]), int(row[1]), int(row[2])


def _without_hurry(conn: Connection) -> None:
    conn.execute(text("SET LOCAL statement_timeout = 0"))
    conn.execute(text("SET LOCAL work_mem = '256MB'"))
