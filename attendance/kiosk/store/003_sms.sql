-- language: '' is the school's. muted_kinds: kinds of messages that this guardian does not want, space separated.
ALTER TABLE guardians ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE guardians ADD COLUMN opted_out_at TEXT;
ALTER TABLE guardians ADD COLUMN muted_kinds TEXT NOT NULL DEFAULT '';
CREATE INDEX guardians_by_phone ON guardians (phone);

-- What the courier needs.
-- state: waiting, claimed, sent; ends without being sent: expired, rejected, dropped, unknown, cancelled, opted_out.
-- priority: higher leaves first. made_at is that of the scan, corrected with it; made_trusted: whether it is known good.
-- day, session: of an absence, or a summary. body: the text of a message that was written when it was queued.
-- phone, text, parts: frozen when it is claimed for the first time; a repeat says the same.
-- merged_into: the message that tells this one's news too; this one shares its state.
-- lease: which courier has claimed it. gateway: who was asked; asked = 1: that gateway may have it, nobody else is asked.
-- next_try_*: not before; the pause ends with the boot. report_due_*: when its gateway is asked what became of it.
ALTER TABLE sms_outbox ADD COLUMN priority INTEGER NOT NULL DEFAULT 20;
ALTER TABLE sms_outbox ADD COLUMN made_trusted INTEGER NOT NULL DEFAULT 0 CHECK (made_trusted IN (0, 1));
ALTER TABLE sms_outbox ADD COLUMN day TEXT;
ALTER TABLE sms_outbox ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE sms_outbox ADD COLUMN body TEXT;
ALTER TABLE sms_outbox ADD COLUMN phone TEXT NOT NULL DEFAULT '';
ALTER TABLE sms_outbox ADD COLUMN text TEXT;
ALTER TABLE sms_outbox ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sms_outbox ADD COLUMN merged_into TEXT;
ALTER TABLE sms_outbox ADD COLUMN lease TEXT NOT NULL DEFAULT '';
ALTER TABLE sms_outbox ADD COLUMN gateway TEXT NOT NULL DEFAULT '';
ALTER TABLE sms_outbox ADD COLUMN asked INTEGER NOT NULL DEFAULT 0 CHECK (asked IN (0, 1));
ALTER TABLE sms_outbox ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sms_outbox ADD COLUMN next_try_at TEXT;
ALTER TABLE sms_outbox ADD COLUMN next_try_boot_id TEXT;
ALTER TABLE sms_outbox ADD COLUMN next_try_boot_ns INTEGER;
ALTER TABLE sms_outbox ADD COLUMN ended_at TEXT;
ALTER TABLE sms_outbox ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE sms_outbox ADD COLUMN report_due_boot_id TEXT;
ALTER TABLE sms_outbox ADD COLUMN report_due_boot_ns INTEGER;
ALTER TABLE sms_outbox ADD COLUMN report_asked INTEGER NOT NULL DEFAULT 0;
UPDATE sms_outbox SET priority = 30 WHERE kind = 'late_arrival';
UPDATE sms_outbox SET (made_at, made_trusted) =
    (SELECT coalesce(c.scanned_at, a.scanned_at), a.clock_trusted OR c.scan_id IS NOT NULL
     FROM attendance a LEFT JOIN clock_corrections c USING (scan_id) WHERE a.scan_id = sms_outbox.scan_id)
    WHERE EXISTS (SELECT 1 FROM attendance a WHERE a.scan_id = sms_outbox.scan_id);
-- Row numbers follow the order of queueing, so within one priority these are oldest first.
CREATE INDEX sms_waiting ON sms_outbox (priority DESC) WHERE state = 'waiting' AND merged_into IS NULL;
CREATE INDEX sms_waiting_by_guardian ON sms_outbox (guardian_id) WHERE state = 'waiting';
CREATE INDEX sms_claimed ON sms_outbox (lease) WHERE state = 'claimed';
CREATE INDEX sms_merged ON sms_outbox (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX sms_report_due ON sms_outbox (report_due_boot_id, report_due_boot_ns) WHERE report_due_boot_ns IS NOT NULL;
CREATE UNIQUE INDEX sms_one_per_day ON sms_outbox (guardian_id, kind, day, session)
    WHERE scan_id IS NULL AND day IS NOT NULL AND retry_of IS NULL;

-- Who is erased is not named in anybody's message any more, and takes nobody's message along.
CREATE TRIGGER sms_merged_news_are_told_apart AFTER DELETE ON sms_outbox
BEGIN
    UPDATE sms_outbox SET merged_into = NULL WHERE merged_into = old.message_id;
    UPDATE sms_outbox SET text = NULL WHERE message_id = old.merged_into;
END;

-- Requests to a gateway, for the limits: reserved before (ended = 0), dated again when they ended (ended = 1).
CREATE TABLE sms_slots (
    slot_id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    boot_ns INTEGER NOT NULL,
    clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1))
) STRICT;

-- When a gateway last took a message of a kind for a guardian, so that the same news does not come twice in a moment.
CREATE TABLE sms_last_taken (
    guardian_id INTEGER NOT NULL REFERENCES guardians ON DELETE CASCADE,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    boot_ns INTEGER NOT NULL,
    clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1)),
    PRIMARY KEY (guardian_id, kind)
) STRICT;

-- Message parts that gateways took, by local day.
CREATE TABLE sms_parts (
    day TEXT PRIMARY KEY,
    parts INTEGER NOT NULL
) STRICT;
