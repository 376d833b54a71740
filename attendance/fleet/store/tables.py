"""The tables of the centre. ``migrations`` makes them; a test holds that both say the same.

What belongs to a school carries its ``school_id``, also where it could be derived, so that every query can name it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from attendance.fleet.store.types import Document, Id, Instant, Serial, WireDay, WireTime

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "uq": "%(table_name)s_unique_%(column_0_N_name)s",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def _of_school() -> Column[str]:
    return Column("school_id", Id, ForeignKey("schools.school_id", ondelete="CASCADE"), nullable=False)


def _of_gate() -> Column[str]:
    return Column("gate_id", Id, ForeignKey("gates.gate_id", ondelete="CASCADE"), nullable=False)


# --- schools, gates, people -------------------------------------------------------------------------------------------

schools = Table(
    "schools",
    metadata,
    Column("school_id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("timezone", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# Numbers given so far: of 'changes' (the directory) and 'scans' (arrivals). Its row is locked until the commit, so that
# whoever has seen number N has seen all before it.
counters = Table(
    "counters",
    metadata,
    _of_school(),
    Column("name", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "name"),
)

# key_hash: of the token that the gate has; NULL: revoked.
gates = Table(
    "gates",
    metadata,
    Column("gate_id", Id, primary_key=True),
    _of_school(),
    Column("name", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("key_hash", Text, unique=True),
    Column("version", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("last_contact_at", Instant),
    CheckConstraint("(key_hash IS NULL) = (revoked_at IS NOT NULL)", name="revoked"),
    UniqueConstraint("school_id", "gate_id"),
    Index(
        "gates_live_names",
        "school_id",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index(
        "gates_live_devices",
        "school_id",
        "device_id",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

# gate_id: whose place the new machine takes; NULL: a new gate. used_*: what the code was used for.
invites = Table(
    "invites",
    metadata,
    Column("code_hash", Text, primary_key=True),
    _of_school(),
    Column("gate_name", Text, nullable=False),
    Column("gate_id", Id, ForeignKey("gates.gate_id", ondelete="CASCADE")),
    Column("students_wanted", Boolean, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("used_key_hash", Text),
    Column("used_gate_id", Id, ForeignKey("gates.gate_id", ondelete="CASCADE")),
    Index(None, "school_id"),
)

# operator: sees and does everything in every school. must_change: somebody else chose the password.
users = Table(
    "users",
    metadata,
    Column("user_id", Id, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("operator", Boolean, nullable=False, server_default=false()),
    Column("must_change", Boolean, nullable=False, server_default=false()),
    Column("created_at", Instant, nullable=False),
    Column("password_set_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", Id, ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    _of_school(),
    Column("role", Text, nullable=False),
    PrimaryKeyConstraint("user_id", "school_id"),
    CheckConstraint("role IN ('viewer', 'office', 'admin')", name="role"),
    Index(None, "school_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", Id, ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index(None, "user_id"),
    Index(None, "seen_at"),
)

# Guesses at passwords that failed since one was right. key_hash: of an account or an address.
guesses = Table(
    "guesses",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Index(None, "last_at"),
)

# --- what gates send --------------------------------------------------------------------------------------------------

# A device's scans of one epoch. complete_to, complete_link: up to where all are here and fit. claimed_*: what the gate
# last said of its newest.
chains = Table(
    "chains",
    metadata,
    Column("chain_id", Serial, primary_key=True, autoincrement=True),
    _of_school(),
    _of_gate(),
    Column("device_id", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("complete_to", BigInteger, nullable=False, server_default=text("0")),
    Column("complete_link", Text, nullable=False, server_default=text("''")),
    Column("highest", BigInteger, nullable=False, server_default=text("0")),
    Column("broken_at", BigInteger),
    Column("claimed_seq", BigInteger),
    Column("claimed_link", Text),
    Column("claimed_at", Instant),
    UniqueConstraint("gate_id", "device_id", "epoch"),
    Index(None, "school_id"),
)

# Scans as they were first recorded; never changed. event_at: wire's scanned_at. PostgreSQL: one partition a month. No
# foreign keys: checking them for every row costs more than writing it.
events = Table(
    "events",
    metadata,
    Column("school_id", Id, nullable=False),
    Column("scan_id", Id, nullable=False),
    Column("event_at", WireTime, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("student_key", Text, nullable=False),
    Column("day", WireDay, nullable=False),
    Column("session", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("passage", Integer, nullable=False),
    Column("minutes_late", Integer, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("boot_ns", BigInteger, nullable=False),
    Column("clock_trusted", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("card_issue", Integer, nullable=False),
    Column("card_signed", Boolean, nullable=False),
    Column("link", Text, nullable=False),
    PrimaryKeyConstraint("school_id", "scan_id", "event_at"),
    Index(None, "chain_id", "seq"),
    Index(None, "school_id", "day"),
    postgresql_partition_by="RANGE (event_at)",
)

# In which order scans, and corrections of scans, arrived: runs of one chain. earliest, latest: bounds of event_at.
arrivals = Table(
    "arrivals",
    metadata,
    _of_school(),
    Column("last_number", BigInteger, nullable=False),
    Column("first_number", BigInteger, nullable=False),
    Column("gate_id", Id, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("earliest", WireTime, nullable=False),
    Column("latest", WireTime, nullable=False),
    Column("arrived_at", Instant, nullable=False),
    PrimaryKeyConstraint("school_id", "last_number"),
    Index(None, "arrived_at"),
)

corrections = Table(
    "corrections",
    metadata,
    _of_school(),
    Column("scan_id", Id, nullable=False),
    Column("event_at", WireTime, nullable=False),
    Column("scanned_at", WireTime, nullable=False),
    Column("day", WireDay, nullable=False),
    Column("status", Text, nullable=False),
    Column("minutes_late", Integer, nullable=False),
    Column("corrected_at", WireTime, nullable=False),
    PrimaryKeyConstraint("school_id", "scan_id"),
    Index(None, "school_id", "day"),
)

refusals = Table(
    "refusals",
    metadata,
    _of_school(),
    Column("refusal_id", Id, nullable=False),
    _of_gate(),
    Column("device_id", Text, nullable=False),
    Column("refusal", Text, nullable=False),
    Column("student_key", Text),
    Column("day", WireDay, nullable=False),
    Column("seen_at", WireTime, nullable=False),
    Column("clock_trusted", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("school_id", "refusal_id"),
    Index(None, "school_id", "day"),
)

photos = Table(
    "photos",
    metadata,
    _of_school(),
    Column("scan_id", Id, nullable=False),
    _of_gate(),
    Column("student_key", Text, nullable=False),
    Column("event_at", WireTime, nullable=False),
    Column("sha256", Text),
    Column("size_bytes", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("score", Double, nullable=False),
    PrimaryKeyConstraint("school_id", "scan_id"),
    Index(None, "school_id", "sha256"),
    Index(None, "school_id", "student_key"),
)

# Pictures in the centre's directory. state: 'wanted', 'complete', 'doomed' (to be deleted from the disk).
photo_files = Table(
    "photo_files",
    metadata,
    _of_school(),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("school_id", "sha256"),
    CheckConstraint("state IN ('wanted', 'complete', 'doomed')", name="state"),
    Index(
        "photo_files_doomed",
        "school_id",
        sqlite_where=text("state = 'doomed'"),
        postgresql_where=text("state = 'doomed'"),
    ),
)

# Items that could not be taken, for a person. item: JSON as it came, shortened. student_key: whom it is about.
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("letter_id", Serial, primary_key=True, autoincrement=True),
    _of_school(),
    _of_gate(),
    Column("result", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("student_key", Text),
    Column("item", Text, nullable=False),
    Column("item_hash", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", Text),
    UniqueConstraint("gate_id", "item_hash"),
    Index(None, "school_id", "last_at"),
    Index(None, "school_id", "student_key"),
)

# Scans of a gate in ten minutes; slot: 0 to 143 of the local day.
rollups = Table(
    "rollups",
    metadata,
    _of_school(),
    _of_gate(),
    Column("day", WireDay, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("scans", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    PrimaryKeyConstraint("gate_id", "day", "slot"),
    Index(None, "school_id", "day"),
)

# --- the directory ----------------------------------------------------------------------------------------------------

# What gates are to know. kind: student, card, closure, schedule, texts, erasure. body: as wire and the API have it;
# empty for what is deleted.
entries = Table(
    "entries",
    metadata,
    _of_school(),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", Document, nullable=False),
    Column("changed_at", Instant, nullable=False),
    PrimaryKeyConstraint("school_id", "kind", "key"),
    CheckConstraint("kind IN ('student', 'card', 'closure', 'schedule', 'texts', 'erasure')", name="kind"),
    Index("entries_by_version", "school_id", "version", unique=True),
)

# Who is in the directory, by the school's own number. removed_at: left the school.
students = Table(
    "students",
    metadata,
    _of_school(),
    Column("student_key", Text, nullable=False),
    Column("student_id", Text, nullable=False),
    Column("removed_at", Instant),
    PrimaryKeyConstraint("school_id", "student_key"),
    UniqueConstraint("school_id", "student_id"),
)

# Each key that a gate, or the centre, uses for a student, the centre's own included.
aliases = Table(
    "aliases",
    metadata,
    Column("school_id", Id, nullable=False),
    Column("alias", Text, nullable=False),
    Column("student_key", Text, nullable=False),
    PrimaryKeyConstraint("school_id", "alias"),
    ForeignKeyConstraint(
        ["school_id", "student_key"], ["students.school_id", "students.student_key"], ondelete="CASCADE"
    ),
    Index(None, "school_id", "student_key"),
)

# Keys of people who asked to be forgotten. number_hash: of the school's number, so that a gate which was away does not
# bring them back.
erased = Table(
    "erased",
    metadata,
    _of_school(),
    Column("student_key", Text, nullable=False),
    Column("number_hash", Text),
    Column("erased_at", Instant, nullable=False),
    PrimaryKeyConstraint("school_id", "student_key"),
    Index(None, "school_id", "number_hash"),
)

# --- gates in sight ---------------------------------------------------------------------------------------------------

# A gate's last heartbeat. synced_to: all its scans up to then are here. summary: what lists show of its health.
gate_health = Table(
    "gate_health",
    metadata,
    Column("gate_id", Id, ForeignKey("gates.gate_id", ondelete="CASCADE"), primary_key=True),
    _of_school(),
    Column("received_at", Instant, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("clock_trusted", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("queue_items", Integer, nullable=False),
    Column("oldest_seconds", Double, nullable=False),
    Column("photos_waiting", Integer, nullable=False),
    Column("changes_applied", BigInteger, nullable=False),
    Column("scans_applied", BigInteger, nullable=False),
    Column("synced_to", Instant),
    Column("summary", Document, nullable=False),
    Column("beat", Document, nullable=False),
    Index(None, "school_id"),
)

# One row a gate and ten minutes: the last heartbeat of them. facts: numbers that the pages draw.
health_history = Table(
    "health_history",
    metadata,
    _of_gate(),
    Column("at", Instant, nullable=False),
    _of_school(),
    Column("status", Text, nullable=False),
    Column("facts", Document, nullable=False),
    PrimaryKeyConstraint("gate_id", "at"),
    Index(None, "at"),
)

commands = Table(
    "commands",
    metadata,
    Column("command_id", Id, primary_key=True),
    _of_school(),
    _of_gate(),
    Column("kind", Text, nullable=False),
    Column("arguments", Document, nullable=False),
    Column("signature", Text, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("delivered_at", Instant),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint(
        "state IN ('queued', 'delivered', 'done', 'failed', 'refused', 'expired', 'cancelled')", name="state"
    ),
    Index(None, "school_id", "issued_at"),
    Index("commands_open", "gate_id", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
)

# Who did what. school_id: NULL for what concerns the centre as a whole.
audit = Table(
    "audit",
    metadata,
    Column("entry_id", Serial, primary_key=True, autoincrement=True),
    Column("school_id", Id, ForeignKey("schools.school_id", ondelete="CASCADE")),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Document, nullable=False),
    Index(None, "school_id", "at"),
)

# Who is told of problems. school_id: NULL for who is told of all schools. address: Apprise's; it may hold a password.
alert_receivers = Table(
    "alert_receivers",
    metadata,
    Column("receiver_id", Id, primary_key=True),
    Column("school_id", Id, ForeignKey("schools.school_id", ondelete="CASCADE")),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("escalation", Boolean, nullable=False),
    Index(None, "school_id"),
)

# Of which problems of a school people know: JSON of ``ops.alerts``.
alerts_known = Table(
    "alerts_known",
    metadata,
    Column("school_id", Id, ForeignKey("schools.school_id", ondelete="CASCADE"), primary_key=True),
    Column("remembered", Text, nullable=False),
)

# Which process does what only one may do at a time, and until when.
leases = Table(
    "leases",
    metadata,
    Column("duty", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Instant, nullable=False),
)
