"""The tables of the analytics: what a page would else have to count again. All of it follows from the other tables."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from attendance.fleet.store.tables import metadata
from attendance.fleet.store.types import Document, Id, Instant, WireDay, WireTime

_STALE = text("marks > counted")


def _of_school() -> Column[str]:
    return Column("school_id", Id, ForeignKey("schools.school_id", ondelete="CASCADE"), nullable=False)


def _of_gate() -> Column[str]:
    return Column("gate_id", Id, ForeignKey("gates.gate_id", ondelete="CASCADE"), nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


# The days of a school of which anything is known. marks: grows with each change of what its figures follow from;
# counted: what marks was when they were counted last. expected, present, late: students and sessions, of the whole
# school. strangers: seen, but in no directory.
analysed_days = Table(
    "analysed_days",
    metadata,
    _of_school(),
    Column("day", WireDay, nullable=False),
    Column("marks", BigInteger, nullable=False),
    Column("counted", BigInteger, nullable=False, server_default=text("0")),
    Column("counted_at", Instant),
    _count("expected"),
    _count("present"),
    _count("late"),
    _count("strangers"),
    PrimaryKeyConstraint("school_id", "day"),
    Index("analysed_days_stale", "school_id", "day", sqlite_where=_STALE, postgresql_where=_STALE),
)

# Up to which version of the directory the spells follow it.
analysed_schools = Table(
    "analysed_schools",
    metadata,
    _of_school(),
    Column("changes", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id"),
)

# When a student was in which section. last_day: NULL while they are. sessions: as the directory has it.
spells = Table(
    "spells",
    metadata,
    Column("school_id", Id, nullable=False),
    Column("student_key", Text, nullable=False),
    Column("first_day", WireDay, nullable=False),
    Column("last_day", WireDay),
    Column("section", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("sessions", Text, nullable=False),
    PrimaryKeyConstraint("school_id", "student_key", "first_day"),
    ForeignKeyConstraint(
        ["school_id", "student_key"], ["students.school_id", "students.student_key"], ondelete="CASCADE"
    ),
)

# Who came and went at a gate in ten minutes; slot as in rollups. late: of those who came.
gate_slots = Table(
    "gate_slots",
    metadata,
    _of_school(),
    Column("day", WireDay, nullable=False),
    _of_gate(),
    Column("slot", Integer, nullable=False),
    _count("came"),
    _count("went"),
    _count("late"),
    PrimaryKeyConstraint("school_id", "day", "gate_id", "slot"),
    Index(None, "gate_id"),
)

# The same of a whole day.
gate_days = Table(
    "gate_days",
    metadata,
    _of_school(),
    Column("day", WireDay, nullable=False),
    _of_gate(),
    _count("came"),
    _count("went"),
    _count("late"),
    _count("refused"),
    PrimaryKeyConstraint("school_id", "day", "gate_id"),
    Index(None, "gate_id"),
)

gate_refusals = Table(
    "gate_refusals",
    metadata,
    _of_school(),
    Column("day", WireDay, nullable=False),
    _of_gate(),
    Column("refusal", Text, nullable=False),
    _count("refused"),
    PrimaryKeyConstraint("school_id", "day", "gate_id", "refusal"),
    Index(None, "gate_id"),
)

# Students of a section in a session that took place. present: of the expected; late: of the present.
section_days = Table(
    "section_days",
    metadata,
    _of_school(),
    Column("day", WireDay, nullable=False),
    Column("session", Text, nullable=False),
    Column("section", Text, nullable=False),
    _count("expected"),
    _count("present"),
    _count("late"),
    PrimaryKeyConstraint("school_id", "day", "session", "section"),
)

# One card at two gates, within less time than the way between them takes.
meetings = Table(
    "meetings",
    metadata,
    _of_school(),
    Column("day", WireDay, nullable=False),
    Column("student_key", Text, nullable=False),
    Column("first_gate", Id, nullable=False),
    Column("first_at", WireTime, nullable=False),
    Column("second_gate", Id, nullable=False),
    Column("second_at", WireTime, nullable=False),
    PrimaryKeyConstraint("school_id", "day", "student_key", "second_at", "second_gate"),
)

# How long a gate's scans took, by heartbeat: run is one life of its process, up_to how many of that life's scans took
# at most each of the bounds of domain.scan_time, at the end of the day.
scan_times = Table(
    "scan_times",
    metadata,
    _of_school(),
    Column("day", WireDay, nullable=False),
    _of_gate(),
    Column("run", Text, nullable=False),
    Column("scans", BigInteger, nullable=False),
    Column("up_to", Document, nullable=False),
    PrimaryKeyConstraint("school_id", "day", "gate_id", "run"),
    Index(None, "gate_id"),
)
