CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- A new epoch begins with every new, restored or rebuilt database, so that a number is never used for two scans.
CREATE TABLE epochs (
    position INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL,
    began_at TEXT NOT NULL,
    previous_epoch TEXT,
    previous_last_seq INTEGER
) STRICT;

CREATE TABLE students (
    student_key TEXT PRIMARY KEY,
    student_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    section TEXT NOT NULL DEFAULT '',
    grade TEXT NOT NULL DEFAULT '',
    sex TEXT NOT NULL DEFAULT '' CHECK (sex IN ('', 'F', 'M')),
    lrn TEXT NOT NULL DEFAULT '',
    allowed_session TEXT NOT NULL DEFAULT 'both',
    added_at TEXT NOT NULL,
    removed_at TEXT
) STRICT;
CREATE INDEX students_by_section ON students (section, name);

CREATE TABLE guardians (
    guardian_id INTEGER PRIMARY KEY,
    student_key TEXT NOT NULL REFERENCES students ON DELETE CASCADE,
    name TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL,
    UNIQUE (student_key, phone)
) STRICT;

-- kind: 'payload' (whole text of a code), 'number' (a student number with its issue), 'rfid' (a reader's UID).
CREATE TABLE cards (
    card_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('payload', 'number', 'rfid')),
    value TEXT NOT NULL,
    issue INTEGER NOT NULL DEFAULT 0,
    student_key TEXT REFERENCES students ON DELETE CASCADE,
    issued_at TEXT NOT NULL,
    revoked_at TEXT,
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (kind, value, issue)
) STRICT;
CREATE INDEX cards_by_student ON cards (student_key);

-- Append-only: what is learned later about a scan stands in tables of its own.
CREATE TABLE attendance (
    scan_id TEXT PRIMARY KEY,
    device_id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    student_key TEXT NOT NULL,
    day TEXT NOT NULL,
    session TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    status TEXT NOT NULL,
    passage INTEGER NOT NULL,
    minutes_late INTEGER NOT NULL,
    scanned_at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    boot_ns INTEGER NOT NULL,
    clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1)),
    source TEXT NOT NULL,
    card_issue INTEGER NOT NULL,
    card_signed INTEGER NOT NULL CHECK (card_signed IN (0, 1)),
    UNIQUE (device_id, epoch, seq),
    UNIQUE (student_key, day, session, direction, passage)
) STRICT;
CREATE INDEX attendance_by_student ON attendance (student_key, scanned_at);
CREATE INDEX attendance_by_day ON attendance (day, scanned_at);
CREATE INDEX attendance_undated ON attendance (boot_id) WHERE clock_trusted = 0;
CREATE TRIGGER attendance_is_append_only_update BEFORE UPDATE ON attendance
BEGIN SELECT RAISE(ABORT, 'attendance rows are append-only'); END;
CREATE TRIGGER attendance_is_append_only_delete BEFORE DELETE ON attendance
BEGIN SELECT RAISE(ABORT, 'attendance rows are append-only'); END;

CREATE TABLE refusals (
    refusal_id TEXT PRIMARY KEY,
    device_id TEXT NOT NULL,
    refusal TEXT NOT NULL,
    student_key TEXT,
    payload TEXT NOT NULL,
    day TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    boot_ns INTEGER NOT NULL,
    clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1)),
    source TEXT NOT NULL
) STRICT;
CREATE INDEX refusals_by_day ON refusals (day, seen_at);

CREATE TABLE photos (
    scan_id TEXT PRIMARY KEY REFERENCES attendance,
    path TEXT,
    reason TEXT NOT NULL DEFAULT '',
    score REAL NOT NULL,
    checks TEXT NOT NULL,
    CHECK ((path IS NULL) = (reason <> ''))
) STRICT;

CREATE TABLE clock_corrections (
    scan_id TEXT PRIMARY KEY REFERENCES attendance,
    scanned_at TEXT NOT NULL,
    day TEXT NOT NULL,
    status TEXT NOT NULL,
    minutes_late INTEGER NOT NULL,
    corrected_at TEXT NOT NULL
) STRICT;

CREATE TABLE sms_outbox (
    message_id TEXT PRIMARY KEY,
    scan_id TEXT REFERENCES attendance,
    student_key TEXT NOT NULL,
    guardian_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    made_at TEXT NOT NULL,
    made_boot_id TEXT NOT NULL,
    made_boot_ns INTEGER NOT NULL,
    UNIQUE (scan_id, guardian_id, kind)
) STRICT;
CREATE INDEX sms_unsent ON sms_outbox (made_at) WHERE state = 'waiting';

CREATE TABLE sync_queue (
    position INTEGER PRIMARY KEY,
    record_type TEXT NOT NULL,
    record_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    UNIQUE (record_type, record_id)
) STRICT;
CREATE INDEX sync_unsent ON sync_queue (position) WHERE state = 'waiting';

CREATE TABLE closures (
    closure_id INTEGER PRIMARY KEY,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL CHECK (last_day >= first_day),
    kind TEXT NOT NULL CHECK (kind IN ('holiday', 'suspension')),
    name TEXT NOT NULL,
    session TEXT NOT NULL DEFAULT '',
    UNIQUE (first_day, last_day, session)
) STRICT;
