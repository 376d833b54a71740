BEGIN TRANSACTION;
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
INSERT INTO "attendance" VALUES('01a20b72-8d1f-7a42-adc8-891cd13c16f1','gate-1','3092f74d7c9239b9',1,'28bc0ce83c312dbac8177cb46d4fc412','2026-06-08','morning','in','on_time',1,0,'2026-06-07T22:40:00.000000Z','manual',0,1,'camera',0,0);
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
CREATE TABLE clock_corrections (
    scan_id TEXT PRIMARY KEY REFERENCES attendance,
    scanned_at TEXT NOT NULL,
    day TEXT NOT NULL,
    status TEXT NOT NULL,
    minutes_late INTEGER NOT NULL,
    corrected_at TEXT NOT NULL
) STRICT;
CREATE TABLE closures (
    closure_id INTEGER PRIMARY KEY,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL CHECK (last_day >= first_day),
    kind TEXT NOT NULL CHECK (kind IN ('holiday', 'suspension')),
    name TEXT NOT NULL,
    session TEXT NOT NULL DEFAULT '',
    UNIQUE (first_day, last_day, session)
) STRICT;
CREATE TABLE epochs (
    position INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL,
    began_at TEXT NOT NULL,
    previous_epoch TEXT,
    previous_last_seq INTEGER
) STRICT;
INSERT INTO "epochs" VALUES(1,'3092f74d7c9239b9','created','2026-06-07T22:40:00.000000Z',NULL,NULL);
CREATE TABLE guardians (
    guardian_id INTEGER PRIMARY KEY,
    student_key TEXT NOT NULL REFERENCES students ON DELETE CASCADE,
    name TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL,
    UNIQUE (student_key, phone)
) STRICT;
INSERT INTO "guardians" VALUES(1,'28bc0ce83c312dbac8177cb46d4fc412','','+639171234567');
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE photos (
    scan_id TEXT PRIMARY KEY REFERENCES attendance,
    path TEXT,
    reason TEXT NOT NULL DEFAULT '',
    score REAL NOT NULL,
    checks TEXT NOT NULL,
    CHECK ((path IS NULL) = (reason <> ''))
) STRICT;
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
INSERT INTO "sms_outbox" VALUES('01a20b72-8d20-7296-8b78-f8bc5b5638f6','01a20b72-8d1f-7a42-adc8-891cd13c16f1','28bc0ce83c312dbac8177cb46d4fc412',1,'check_in','waiting','2026-06-07T22:40:00.000000Z','manual',0);
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
INSERT INTO "students" VALUES('28bc0ce83c312dbac8177cb46d4fc412','1','Student 1','','','','','both','2026-06-07T22:40:00.000000Z',NULL);
CREATE TABLE sync_queue (
    position INTEGER PRIMARY KEY,
    record_type TEXT NOT NULL,
    record_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    UNIQUE (record_type, record_id)
) STRICT;
INSERT INTO "sync_queue" VALUES(1,'scan','01a20b72-8d1f-7a42-adc8-891cd13c16f1','waiting');
CREATE INDEX students_by_section ON students (section, name);
CREATE INDEX cards_by_student ON cards (student_key);
CREATE INDEX attendance_by_student ON attendance (student_key, scanned_at);
CREATE INDEX attendance_by_day ON attendance (day, scanned_at);
CREATE INDEX attendance_undated ON attendance (boot_id) WHERE clock_trusted = 0;
CREATE TRIGGER attendance_is_append_only_update BEFORE UPDATE ON attendance
BEGIN SELECT RAISE(ABORT, 'attendance rows are append-only'); END;
CREATE TRIGGER attendance_is_append_only_delete BEFORE DELETE ON attendance
BEGIN SELECT RAISE(ABORT, 'attendance rows are append-only'); END;
CREATE INDEX refusals_by_day ON refusals (day, seen_at);
CREATE INDEX sms_unsent ON sms_outbox (made_at) WHERE state = 'waiting';
CREATE INDEX sync_unsent ON sync_queue (position) WHERE state = 'waiting';
COMMIT;
PRAGMA user_version=1;
