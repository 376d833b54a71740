"""Who is told of schools' problems, of which people know, and which replica has which duty."""

from alembic import op

revision = "0003"
down_revision = "0002"

_TO_SCHOOL = "CONSTRAINT {table}_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE"
_TABLES = {
    "alert_receivers": [
        *("receiver_id {id} NOT NULL", "school_id {id}", "name TEXT NOT NULL", "address TEXT NOT NULL"),
        *("escalation BOOLEAN NOT NULL", "CONSTRAINT {table}_pkey PRIMARY KEY (receiver_id)", _TO_SCHOOL),
    ],
    "alerts_known": [
        *("school_id {id} NOT NULL", "remembered TEXT NOT NULL"),
        *("CONSTRAINT {table}_pkey PRIMARY KEY (school_id)", _TO_SCHOOL),
    ],
    "leases": [
        *("duty TEXT NOT NULL", "holder TEXT NOT NULL", "until {instant} NOT NULL"),
        "CONSTRAINT {table}_pkey PRIMARY KEY (duty)",
    ],
}
_TYPES = {
    "postgresql": {"id": "UUID", "instant": "TIMESTAMP WITH TIME ZONE"},
    "sqlite": {"id": "TEXT", "instant": "TEXT"},
}


def upgrade() -> None:
    """All of them begin empty."""
    types = _TYPES[op.get_bind().dialect.name]
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} ({', '.join(columns)})".format(table=table, **types))
    op.execute("CREATE INDEX alert_receivers_by_school_id ON alert_receivers (school_id)")
