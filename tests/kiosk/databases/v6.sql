BEGIN TRANSACTION;
CREATE TABLE absence_orders (
    day TEXT NOT NULL,
    session TEXT NOT NULL,
    wish TEXT NOT NULL CHECK (wish IN ('confirm', 'off')),
    given_at TEXT NOT NULL,
    PRIMARY KEY (day, session)
) STRICT;
INSERT INTO "absence_orders" VALUES('2026-06-08','','off','2026-06-08T00:00:00.000000Z');
CREATE TABLE absence_rounds (
    day TEXT NOT NULL,
    session TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('absence', 'no_checkout')),
    decision TEXT NOT NULL CHECK (decision IN ('told', 'held')),
    reasons TEXT NOT NULL,
    detail TEXT NOT NULL,
    expected INTEGER NOT NULL,
    named INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (day, session, kind)
) STRICT;
INSERT INTO "absence_rounds" VALUES('2026-06-08','morning','absence','held','not-proven','06:30-06:40',1,1,0,'2026-06-08T00:00:00.000000Z');
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
    card_signed INTEGER NOT NULL CHECK (card_signed IN (0, 1)), chain TEXT NOT NULL DEFAULT '',
    UNIQUE (device_id, epoch, seq),
    UNIQUE (student_key, day, session, direction, passage)
) STRICT;
INSERT INTO "attendance" VALUES('01a20b72-8d1f-7a42-adc8-891cd13c16f1','gate-1','3092f74d7c9239b9',1,'28bc0ce83c312dbac8177cb46d4fc412','2026-06-08','morning','in','on_time',1,0,'2026-06-07T22:40:00.000000Z','manual',0,1,'camera',0,0,'');
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
CREATE TABLE centre_commands (
    command_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('taken', 'doing', 'restarting', 'done', 'failed', 'refused')),
    detail TEXT NOT NULL DEFAULT '',
    run TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0 CHECK (reported IN (0, 1))
) STRICT;
CREATE TABLE centre_cursors (
    feed TEXT PRIMARY KEY CHECK (feed IN ('roster', 'rules', 'scans')),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO "centre_cursors" VALUES('roster',0);
INSERT INTO "centre_cursors" VALUES('rules',0);
INSERT INTO "centre_cursors" VALUES('scans',7);
CREATE TABLE centre_entries (
    kind TEXT NOT NULL CHECK (kind IN ('student', 'card', 'closure')),
    key TEXT NOT NULL,
    ref TEXT NOT NULL,
    guardians INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, key)
) STRICT;
CREATE TABLE centre_refusals (
    what TEXT PRIMARY KEY CHECK (what IN ('roster', 'rules', 'schedule', 'texts')),
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    students INTEGER NOT NULL DEFAULT 0,
    remaining INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0 CHECK (accepted IN (0, 1)),
    refused_at TEXT NOT NULL
) STRICT;
CREATE TABLE centre_settings (
    source TEXT PRIMARY KEY CHECK (source IN ('schedule', 'texts', 'command')),
    body TEXT NOT NULL
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
CREATE TABLE foreign_days (
    student_id TEXT NOT NULL,
    day TEXT NOT NULL,
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    PRIMARY KEY (student_id, day)
) STRICT;
CREATE TABLE foreign_scans (
    scan_id TEXT PRIMARY KEY,
    student_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    day TEXT NOT NULL,
    session TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    status TEXT NOT NULL,
    scanned_at TEXT NOT NULL,
    received INTEGER NOT NULL
) STRICT;
INSERT INTO "foreign_scans" VALUES('01987a00-0000-7000-8000-00000000f001','1','gate-2','2026-06-08','morning','in','on_time','2026-06-07T22:41:00.000000Z',7);
CREATE TABLE foreign_span (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since TEXT NOT NULL,
    until TEXT NOT NULL
) STRICT;
CREATE TABLE foreign_windows (
    day TEXT NOT NULL,
    session TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('arrival', 'departure')),
    PRIMARY KEY (day, session, kind)
) STRICT;
CREATE TABLE guardians (
    guardian_id INTEGER PRIMARY KEY,
    student_key TEXT NOT NULL REFERENCES students ON DELETE CASCADE,
    name TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL, language TEXT NOT NULL DEFAULT '', opted_out_at TEXT, muted_kinds TEXT NOT NULL DEFAULT '', answered_at TEXT,
    UNIQUE (student_key, phone)
) STRICT;
INSERT INTO "guardians" VALUES(1,'28bc0ce83c312dbac8177cb46d4fc412','','+639171234567','','2026-06-08T00:00:00.000000Z','','2026-06-08T00:00:00.000000Z');
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
CREATE TABLE proof_of_work (
    span_id INTEGER PRIMARY KEY,
    began_at TEXT NOT NULL,
    ended_at TEXT NOT NULL CHECK (ended_at >= began_at),
    after_jump INTEGER NOT NULL CHECK (after_jump IN (0, 1))
) STRICT;
INSERT INTO "proof_of_work" VALUES(1,'2026-06-08T00:00:00.000000Z','2026-06-08T02:00:00.000000Z',0);
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
CREATE TABLE sms_delivery_log (
    message_id TEXT PRIMARY KEY,
    phone_number TEXT NOT NULL,
    status TEXT NOT NULL,
    student_id TEXT,
    error_message TEXT,
    timestamp TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
);
INSERT INTO "sms_delivery_log" VALUES('01a20b72-8d20-7296-8b78-f8bc5b5638f6','+639171234567','Failed','1','RESULT_ERROR_LIMIT_EXCEEDED','2026-06-08T06:40:18','2026-06-07 22:40:21','2026-06-07 22:40:22');
INSERT INTO "sms_delivery_log" VALUES('test_123','+639755269146','Delivered',NULL,NULL,'2026-06-08T06:40:23','2026-06-07 22:40:23','2026-06-07 22:40:23');
CREATE TABLE sms_last_taken (
    guardian_id INTEGER NOT NULL REFERENCES guardians ON DELETE CASCADE,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    boot_ns INTEGER NOT NULL,
    clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1)),
    PRIMARY KEY (guardian_id, kind)
) STRICT;
CREATE TABLE "sms_outbox" (
    message_id TEXT PRIMARY KEY,
    scan_id TEXT REFERENCES attendance,
    student_key TEXT NOT NULL,
    guardian_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    made_at TEXT NOT NULL,
    made_boot_id TEXT NOT NULL,
    made_boot_ns INTEGER NOT NULL,
    retry_of TEXT,
    gateway_state TEXT NOT NULL DEFAULT '' CHECK (gateway_state IN
        ('', 'Pending', 'Cancelling', 'Processed', 'Sent', 'Cancelled', 'Delivered', 'Failed')),
    gateway_state_at TEXT,
    gateway_error TEXT NOT NULL DEFAULT ''
, priority INTEGER NOT NULL DEFAULT 20, made_trusted INTEGER NOT NULL DEFAULT 0 CHECK (made_trusted IN (0, 1)), day TEXT, session TEXT NOT NULL DEFAULT '', body TEXT, phone TEXT NOT NULL DEFAULT '', text TEXT, parts INTEGER NOT NULL DEFAULT 0, merged_into TEXT, lease TEXT NOT NULL DEFAULT '', gateway TEXT NOT NULL DEFAULT '', asked INTEGER NOT NULL DEFAULT 0 CHECK (asked IN (0, 1)), attempts INTEGER NOT NULL DEFAULT 0, next_try_at TEXT, next_try_boot_id TEXT, next_try_boot_ns INTEGER, ended_at TEXT, reason TEXT NOT NULL DEFAULT '', report_due_boot_id TEXT, report_due_boot_ns INTEGER, report_asked INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "sms_outbox" VALUES('01a20b72-8d20-7296-8b78-f8bc5b5638f6','01a20b72-8d1f-7a42-adc8-891cd13c16f1','28bc0ce83c312dbac8177cb46d4fc412',1,'check_in','waiting','2026-06-07T22:40:00.000000Z','manual',0,NULL,'Failed','2026-06-07T22:40:22.000000Z','RESULT_ERROR_LIMIT_EXCEEDED',20,1,NULL,'',NULL,'',NULL,0,NULL,'','',0,0,NULL,NULL,NULL,NULL,'',NULL,NULL,0);
INSERT INTO "sms_outbox" VALUES('01a214e7-f423-7427-a205-1f1f736452e2','01a20b72-8d1f-7a42-adc8-891cd13c16f1','28bc0ce83c312dbac8177cb46d4fc412',1,'check_in','waiting','2026-06-07T22:40:00.000000Z','manual',0,'01a20b72-8d20-7296-8b78-f8bc5b5638f6','',NULL,'',20,1,NULL,'',NULL,'',NULL,0,NULL,'','',0,0,NULL,NULL,NULL,NULL,'',NULL,NULL,0);
CREATE TABLE sms_parts (
    day TEXT PRIMARY KEY,
    parts INTEGER NOT NULL
) STRICT;
CREATE TABLE sms_phones (
    device_id TEXT PRIMARY KEY,
    battery_percent REAL,
    charging INTEGER CHECK (charging IN (0, 1)),
    connected INTEGER CHECK (connected IN (0, 1)),
    heard_at TEXT NOT NULL,
    heard_boot_id TEXT NOT NULL,
    heard_boot_ns INTEGER NOT NULL,
    clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1))
) STRICT;
INSERT INTO "sms_phones" VALUES('ffffffffceb0b1db',94.0,1,1,'2026-06-07T22:40:24.000000Z','manual',24000000000,1);
CREATE TABLE sms_report_totals (
    what TEXT PRIMARY KEY,
    total INTEGER NOT NULL
) STRICT;
INSERT INTO "sms_report_totals" VALUES('received',3);
INSERT INTO "sms_report_totals" VALUES('Sent',1);
INSERT INTO "sms_report_totals" VALUES('Failed',1);
INSERT INTO "sms_report_totals" VALUES('Delivered',1);
CREATE TABLE sms_reports (
    position INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    message_id TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    device_id TEXT NOT NULL,
    known INTEGER NOT NULL CHECK (known IN (0, 1)),
    happened_at TEXT,
    received_at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    boot_ns INTEGER NOT NULL,
    clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1))
) STRICT;
INSERT INTO "sms_reports" VALUES(1,'Ey6ECgOkVVFjz3CL48B8C','sms:sent','01a20b72-8d20-7296-8b78-f8bc5b5638f6','Sent','','ffffffffceb0b1db',1,'2026-06-07T22:40:10.000000Z','2026-06-07T22:40:21.000000Z','manual',21000000000,1);
INSERT INTO "sms_reports" VALUES(2,'Fy6ECgOkVVFjz3CL48B8D','sms:failed','01a20b72-8d20-7296-8b78-f8bc5b5638f6','Failed','RESULT_ERROR_LIMIT_EXCEEDED','ffffffffceb0b1db',1,'2026-06-07T22:40:18.000000Z','2026-06-07T22:40:22.000000Z','manual',22000000000,1);
INSERT INTO "sms_reports" VALUES(3,'test_123 Delivered','state','test_123','Delivered','','',0,NULL,'2026-06-07T22:40:23.000000Z','manual',23000000000,1);
INSERT INTO "sms_reports" VALUES(4,'Gy6ECgOkVVFjz3CL48B8E','system:ping','','','','ffffffffceb0b1db',0,NULL,'2026-06-07T22:40:24.000000Z','manual',24000000000,1);
CREATE TABLE sms_slots (
    slot_id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    boot_ns INTEGER NOT NULL,
    clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1))
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
INSERT INTO "students" VALUES('28bc0ce83c312dbac8177cb46d4fc412','1','Student 1','','','','','both','2026-06-07T22:40:00.000000Z',NULL);
CREATE TABLE summary_rounds (
    kind TEXT NOT NULL CHECK (kind IN ('weekly_summary', 'monthly_summary')),
    first_day TEXT NOT NULL,
    messages INTEGER NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (kind, first_day)
) STRICT;
INSERT INTO "summary_rounds" VALUES('weekly_summary','2026-06-01',1,'2026-06-08T00:00:00.000000Z');
CREATE TABLE sync_queue (
    position INTEGER PRIMARY KEY,
    record_type TEXT NOT NULL,
    record_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', revision INTEGER NOT NULL DEFAULT 1, tries INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', next_try_boot_id TEXT, next_try_boot_ns INTEGER,
    UNIQUE (record_type, record_id)
) STRICT;
INSERT INTO "sync_queue" VALUES(1,'scan','01a20b72-8d1f-7a42-adc8-891cd13c16f1','sent',1,0,'',NULL,NULL);
INSERT INTO "sync_queue" VALUES(2,'student','28bc0ce83c312dbac8177cb46d4fc412','waiting',1,0,'',NULL,NULL);
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
CREATE INDEX sync_unsent ON sync_queue (position) WHERE state = 'waiting';
CREATE INDEX sms_reports_by_message ON sms_reports (message_id) WHERE message_id <> '';
CREATE INDEX sms_unsent ON sms_outbox (made_at) WHERE state = 'waiting';
CREATE UNIQUE INDEX sms_one_per_scan ON sms_outbox (scan_id, guardian_id, kind) WHERE retry_of IS NULL;
CREATE UNIQUE INDEX sms_one_retry ON sms_outbox (retry_of) WHERE retry_of IS NOT NULL;
CREATE TRIGGER sms_reports_go_with_their_message AFTER DELETE ON sms_outbox
BEGIN
    DELETE FROM sms_delivery_log WHERE message_id = old.message_id;
    DELETE FROM sms_reports WHERE message_id = old.message_id;
END;
CREATE INDEX guardians_by_phone ON guardians (phone);
CREATE INDEX sms_waiting ON sms_outbox (priority DESC) WHERE state = 'waiting' AND merged_into IS NULL;
CREATE INDEX sms_waiting_by_guardian ON sms_outbox (guardian_id) WHERE state = 'waiting';
CREATE INDEX sms_claimed ON sms_outbox (lease) WHERE state = 'claimed';
CREATE INDEX sms_merged ON sms_outbox (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX sms_report_due ON sms_outbox (report_due_boot_id, report_due_boot_ns) WHERE report_due_boot_ns IS NOT NULL;
CREATE UNIQUE INDEX sms_one_per_day ON sms_outbox (guardian_id, kind, day, session)
    WHERE scan_id IS NULL AND day IS NOT NULL AND retry_of IS NULL;
CREATE TRIGGER sms_merged_news_are_told_apart AFTER DELETE ON sms_outbox
BEGIN
    UPDATE sms_outbox SET merged_into = NULL WHERE merged_into = old.message_id;
    UPDATE sms_outbox SET text = NULL WHERE message_id = old.merged_into;
END;
CREATE TRIGGER guardians_of_one_number_agree AFTER INSERT ON guardians
WHEN EXISTS (SELECT 1 FROM guardians WHERE phone = new.phone AND guardian_id <> new.guardian_id)
BEGIN
    UPDATE guardians SET (language, opted_out_at, answered_at) =
        (SELECT language, opted_out_at, answered_at FROM guardians
         WHERE phone = new.phone AND guardian_id <> new.guardian_id ORDER BY guardian_id LIMIT 1)
    WHERE guardian_id = new.guardian_id;
END;
CREATE INDEX proof_of_work_by_end ON proof_of_work (ended_at);
CREATE TRIGGER a_new_epoch_has_proven_nothing AFTER INSERT ON epochs
BEGIN
    DELETE FROM proof_of_work;
END;
CREATE INDEX sync_announced ON sync_queue (position) WHERE state = 'announced';
CREATE INDEX sync_dead ON sync_queue (position) WHERE state = 'dead';
CREATE TRIGGER sync_scans AFTER INSERT ON attendance
BEGIN
    INSERT INTO sync_queue (record_type, record_id) VALUES ('scan', new.scan_id)
    ON CONFLICT (record_type, record_id) DO NOTHING;
END;
CREATE TRIGGER sync_corrections AFTER INSERT ON clock_corrections
BEGIN
    INSERT INTO sync_queue (record_type, record_id) VALUES ('correction', new.scan_id)
    ON CONFLICT (record_type, record_id) DO NOTHING;
END;
CREATE TRIGGER sync_refusals AFTER INSERT ON refusals
BEGIN
    INSERT INTO sync_queue (record_type, record_id) VALUES ('refusal', new.refusal_id)
    ON CONFLICT (record_type, record_id) DO NOTHING;
END;
CREATE TRIGGER sync_new_photos AFTER INSERT ON photos
BEGIN
    INSERT INTO sync_queue (record_type, record_id) VALUES ('photo', new.scan_id)
    ON CONFLICT (record_type, record_id) DO UPDATE SET state = 'waiting', revision = revision + 1, tries = 0,
        reason = '', next_try_boot_id = NULL, next_try_boot_ns = NULL;
END;
CREATE TRIGGER sync_changed_photos AFTER UPDATE ON photos
WHEN new.reason <> 'expired'
BEGIN
    INSERT INTO sync_queue (record_type, record_id) VALUES ('photo', new.scan_id)
    ON CONFLICT (record_type, record_id) DO UPDATE SET state = 'waiting', revision = revision + 1, tries = 0,
        reason = '', next_try_boot_id = NULL, next_try_boot_ns = NULL;
END;
CREATE TRIGGER sync_new_students AFTER INSERT ON students
BEGIN
    INSERT INTO sync_queue (record_type, record_id) VALUES ('student', new.student_key)
    ON CONFLICT (record_type, record_id) DO NOTHING;
END;
CREATE TRIGGER sync_left_or_returned_students AFTER UPDATE OF removed_at ON students
WHEN (old.removed_at IS NULL) <> (new.removed_at IS NULL)
BEGIN
    INSERT INTO sync_queue (record_type, record_id) VALUES ('student', new.student_key)
    ON CONFLICT (record_type, record_id) DO UPDATE SET state = 'waiting', revision = revision + 1, tries = 0,
        reason = '', next_try_boot_id = NULL, next_try_boot_ns = NULL;
END;
CREATE INDEX centre_entries_by_ref ON centre_entries (ref) WHERE kind = 'student';
CREATE INDEX foreign_scans_by_student ON foreign_scans (student_id, scanned_at);
CREATE INDEX foreign_scans_by_day ON foreign_scans (day, scanned_at);
CREATE INDEX foreign_days_by_day ON foreign_days (day);
CREATE TRIGGER foreign_scans_go_with_their_student AFTER DELETE ON students
BEGIN
    DELETE FROM foreign_scans WHERE student_id = old.student_id;
    DELETE FROM foreign_days WHERE student_id = old.student_id;
    DELETE FROM centre_entries WHERE kind = 'student' AND ref = old.student_key;
END;
CREATE TRIGGER a_new_epoch_asks_the_centre_again AFTER INSERT ON epochs
BEGIN
    UPDATE centre_cursors SET version = 0;
    DELETE FROM foreign_span;
END;
CREATE TRIGGER another_school_is_asked_from_the_beginning AFTER UPDATE OF value ON meta
WHEN new.key = 'centre.school_id' AND new.value <> old.value
BEGIN
    UPDATE centre_cursors SET version = 0;
    DELETE FROM centre_entries;
    DELETE FROM centre_settings;
    DELETE FROM centre_refusals;
    DELETE FROM foreign_scans;
    DELETE FROM foreign_days;
    DELETE FROM foreign_span;
    DELETE FROM foreign_windows;
END;
CREATE INDEX centre_commands_open ON centre_commands (reported) WHERE reported = 0;
COMMIT;
PRAGMA user_version=6;
