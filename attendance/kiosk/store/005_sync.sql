-- The link of the hash chain over this gate's scans; empty in rows from before there were chains.
ALTER TABLE attendance ADD COLUMN chain TEXT NOT NULL DEFAULT '';

-- What the courier to the centre needs.
-- record_type: scan, correction, refusal, photo, student, erasure; record_id: the key of the record it is about.
-- state: waiting; announced: the centre knows of the photo and has yet to get the picture; sent; dead: the centre
-- cannot take it, a person decides.
-- revision: counts the changes of the record, so that an answer to an older one settles nothing.
-- tries: answers that were no yes. reason: what the last of them said. next_try_*: not before; it ends with the boot.
ALTER TABLE sync_queue ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sync_queue ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync_queue ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE sync_queue ADD COLUMN next_try_boot_id TEXT;
ALTER TABLE sync_queue ADD COLUMN next_try_boot_ns INTEGER;
CREATE INDEX sync_announced ON sync_queue (position) WHERE state = 'announced';
CREATE INDEX sync_dead ON sync_queue (position) WHERE state = 'dead';

-- Whoever writes a record queues it, whichever way it comes in.
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
-- That a gate deletes its copy when its days are over is no news: the centre keeps its own by its own rules.
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

-- What is there already.
INSERT OR IGNORE INTO sync_queue (record_type, record_id) SELECT 'student', student_key FROM students ORDER BY rowid;
INSERT OR IGNORE INTO sync_queue (record_type, record_id) SELECT 'scan', scan_id FROM attendance ORDER BY rowid;
INSERT OR IGNORE INTO sync_queue (record_type, record_id)
    SELECT 'correction', scan_id FROM clock_corrections ORDER BY rowid;
INSERT OR IGNORE INTO sync_queue (record_type, record_id) SELECT 'refusal', refusal_id FROM refusals ORDER BY rowid;
INSERT OR IGNORE INTO sync_queue (record_type, record_id) SELECT 'photo', scan_id FROM photos ORDER BY rowid;
