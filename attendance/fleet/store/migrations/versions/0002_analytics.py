"""What the analytics count beforehand, and which days are to be counted."""

from alembic import op

revision = "0002"
down_revision = "0001"

_SCHOOL = "school_id {id} NOT NULL"
_GATE = "gate_id {id} NOT NULL"
_TO_SCHOOL = "CONSTRAINT {table}_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE"
_TO_GATE = "CONSTRAINT {table}_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE"


def _counts(*names: str) -> list[str]:
    return [f"{name} INTEGER DEFAULT 0 NOT NULL" for name in names]


_TABLES = {
    "analysed_days": [
        *(_SCHOOL, "day {day} NOT NULL", "marks BIGINT NOT NULL", "counted BIGINT DEFAULT 0 NOT NULL"),
        *("counted_at {instant}", *_counts("expected", "present", "late", "strangers")),
        *("CONSTRAINT {table}_pkey PRIMARY KEY (school_id, day)", _TO_SCHOOL),
    ],
    "analysed_schools": [
        *(_SCHOOL, "changes BIGINT NOT NULL"),
        *("CONSTRAINT {table}_pkey PRIMARY KEY (school_id)", _TO_SCHOOL),
    ],
    "spells": [
        *(_SCHOOL, "student_key TEXT NOT NULL", "first_day {day} NOT NULL", "last_day {day}"),
        *("section TEXT NOT NULL", "grade TEXT NOT NULL", "sessions TEXT NOT NULL"),
        "CONSTRAINT {table}_pkey PRIMARY KEY (school_id, student_key, first_day)",
        "CONSTRAINT {table}_school_id_fkey FOREIGN KEY(school_id, student_key) "
        "REFERENCES students (school_id, student_key) ON DELETE CASCADE",
    ],
    "gate_slots": [
        *(_SCHOOL, "day {day} NOT NULL", _GATE, "slot INTEGER NOT NULL", *_counts("came", "went", "late")),
        *("CONSTRAINT {table}_pkey PRIMARY KEY (school_id, day, gate_id, slot)", _TO_SCHOOL, _TO_GATE),
    ],
    "gate_days": [
        *(_SCHOOL, "day {day} NOT NULL", _GATE, *_counts("came", "went", "late", "refused")),
        *("CONSTRAINT {table}_pkey PRIMARY KEY (school_id, day, gate_id)", _TO_SCHOOL, _TO_GATE),
    ],
    "gate_refusals": [
        *(_SCHOOL, "day {day} NOT NULL", _GATE, "refusal TEXT NOT NULL", *_counts("refused")),
        *("CONSTRAINT {table}_pkey PRIMARY KEY (school_id, day, gate_id, refusal)", _TO_SCHOOL, _TO_GATE),
    ],
    "section_days": [
        *(_SCHOOL, "day {day} NOT NULL", "session TEXT NOT NULL", "section TEXT NOT NULL"),
        *_counts("expected", "present", "late"),
        *("CONSTRAINT {table}_pkey PRIMARY KEY (school_id, day, session, section)", _TO_SCHOOL),
    ],
    "meetings": [
        *(_SCHOOL, "day {day} NOT NULL", "student_key TEXT NOT NULL", "first_gate {id} NOT NULL"),
        *("first_at {instant} NOT NULL", "second_gate {id} NOT NULL", "second_at {instant} NOT NULL"),
        "CONSTRAINT {table}_pkey PRIMARY KEY (school_id, day, student_key, second_at, second_gate)",
        _TO_SCHOOL,
    ],
    "scan_times": [
        *(_SCHOOL, "day {day} NOT NULL", _GATE, "run TEXT NOT NULL", "scans BIGINT NOT NULL"),
        *("up_to {document} NOT NULL", "CONSTRAINT {table}_pkey PRIMARY KEY (school_id, day, gate_id, run)"),
        *(_TO_SCHOOL, _TO_GATE),
    ],
}
_BY_GATE = ("gate_slots", "gate_days", "gate_refusals", "scan_times")
_TYPES = {
    "postgresql": {"id": "UUID", "day": "DATE", "instant": "TIMESTAMP WITH TIME ZONE", "document": "JSONB"},
    "sqlite": {"id": "TEXT", "day": "TEXT", "instant": "TEXT", "document": "JSON"},
}


def upgrade() -> None:
    """Days with scans or refusals of before are marked: they are counted soon."""
    types = _TYPES[op.get_bind().dialect.name]
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} ({', '.join(columns)})".format(table=table, **types))
    for table in _BY_GATE:
        op.execute(f"CREATE INDEX {table}_by_gate_id ON {table} (gate_id)")
    op.execute("CREATE INDEX analysed_days_stale ON analysed_days (school_id, day) WHERE marks > counted")
    op.execute("INSERT INTO analysed_days (school_id, day, marks) SELECT school_id, day, 1 FROM rollups GROUP BY 1, 2")
