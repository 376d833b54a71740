-- What the phone says of each message, for the office: this table is literally as documented, so it is not STRICT.
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

-- Evidence of every report, which is also the memory that tells a repeated one. The newest are kept.
-- event_id: the gateway's; for a report without one, its message and state.
-- known: whether the message was one of ours.
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
CREATE INDEX sms_reports_by_message ON sms_reports (message_id) WHERE message_id <> '';

-- what: 'received' counts reports; 'Delivered', 'Failed', … count messages that came into that state.
CREATE TABLE sms_report_totals (
    what TEXT PRIMARY KEY,
    total INTEGER NOT NULL
) STRICT;

-- The last ping of each phone.
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

-- The outbox learns what became of a message. Built anew, because a retry has the scan, guardian and kind of the message
-- that it repeats, which the first schema's UNIQUE forbids.
CREATE TABLE sms_outbox_with_receipts (
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
) STRICT;
INSERT INTO sms_outbox_with_receipts
    (message_id, scan_id, student_key, guardian_id, kind, state, made_at, made_boot_id, made_boot_ns)
    SELECT message_id, scan_id, student_key, guardian_id, kind, state, made_at, made_boot_id, made_boot_ns
    FROM sms_outbox ORDER BY rowid;
DROP TABLE sms_outbox;
ALTER TABLE sms_outbox_with_receipts RENAME TO sms_outbox;
CREATE INDEX sms_unsent ON sms_outbox (made_at) WHERE state = 'waiting';
CREATE UNIQUE INDEX sms_one_per_scan ON sms_outbox (scan_id, guardian_id, kind) WHERE retry_of IS NULL;
CREATE UNIQUE INDEX sms_one_retry ON sms_outbox (retry_of) WHERE retry_of IS NOT NULL;

-- Whoever erases a message, as with its student, erases its number and its reports too.
CREATE TRIGGER sms_reports_go_with_their_message AFTER DELETE ON sms_outbox
BEGIN
    DELETE FROM sms_delivery_log WHERE message_id = old.message_id;
    DELETE FROM sms_reports WHERE message_id = old.message_id;
END;
