-- What the centre sends down.

-- How far this gate has it, as the centre numbers it: 'roster' (students and cards), 'rules' (all else of the school's
-- directory), 'scans' (of the school's other gates).
CREATE TABLE centre_cursors (
    feed TEXT PRIMARY KEY CHECK (feed IN ('roster', 'rules', 'scans')),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO centre_cursors (feed, version) VALUES ('roster', 0), ('rules', 0), ('scans', 0);

-- What each living entry of the directory is here. kind, key: the centre's.
-- ref: of a student the key here; of a card kind, value and issue; of a closure first day, last day and session: JSON.
-- guardians: of a student how many the centre named last.
CREATE TABLE centre_entries (
    kind TEXT NOT NULL CHECK (kind IN ('student', 'card', 'closure')),
    key TEXT NOT NULL,
    ref TEXT NOT NULL,
    guardians INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, key)
) STRICT;

CREATE INDEX centre_entries_by_ref ON centre_entries (ref) WHERE kind = 'student';

-- Settings that the centre decides; body: JSON. The configuration reads them from a file that is made of these rows.
CREATE TABLE centre_settings (
    source TEXT PRIMARY KEY CHECK (source IN ('schedule', 'texts', 'command')),
    body TEXT NOT NULL
) STRICT;

-- What the centre sent and this gate did not take, until it is taken or replaced.
-- students, remaining: of a roster that is too small, how many were known here, and how many of them it has.
-- accepted: a person means it: one with so many of them is taken.
CREATE TABLE centre_refusals (
    what TEXT PRIMARY KEY CHECK (what IN ('roster', 'rules', 'schedule', 'texts')),
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    students INTEGER NOT NULL DEFAULT 0,
    remaining INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0 CHECK (accepted IN (0, 1)),
    refused_at TEXT NOT NULL
) STRICT;

-- Scans of the school's other gates, their times as corrected; received: the centre's number.
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
CREATE INDEX foreign_scans_by_student ON foreign_scans (student_id, scanned_at);
CREATE INDEX foreign_scans_by_day ON foreign_scans (day, scanned_at);

-- What is left of them for a month's summary: that somebody was there, and whether the arrival was late.
CREATE TABLE foreign_days (
    student_id TEXT NOT NULL,
    day TEXT NOT NULL,
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    PRIMARY KEY (student_id, day)
) STRICT;
CREATE INDEX foreign_days_by_day ON foreign_days (day);

-- Within this span every scan of the other gates is here, by the centre's clock and word.
CREATE TABLE foreign_span (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since TEXT NOT NULL,
    until TEXT NOT NULL
) STRICT;

-- The sessions through which every other gate provably worked, by its own word. kind: of what it records.
CREATE TABLE foreign_windows (
    day TEXT NOT NULL,
    session TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('arrival', 'departure')),
    PRIMARY KEY (day, session, kind)
) STRICT;

-- Whoever is erased leaves nothing behind in what other gates have sent.
CREATE TRIGGER foreign_scans_go_with_their_student AFTER DELETE ON students
BEGIN
    DELETE FROM foreign_scans WHERE student_id = old.student_id;
    DELETE FROM foreign_days WHERE student_id = old.student_id;
    DELETE FROM centre_entries WHERE kind = 'student' AND ref = old.student_key;
END;

-- A restored or rebuilt database may lack rows of what it says it has: all is asked for again.
CREATE TRIGGER a_new_epoch_asks_the_centre_again AFTER INSERT ON epochs
BEGIN
    UPDATE centre_cursors SET version = 0;
    DELETE FROM foreign_span;
END;

-- What one school's centre has said is nothing to a gate that now belongs to another's.
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

-- Commands of the centre. state: taken, doing, restarting (done once the gate runs again), done, failed, refused.
-- run: which run of the gate has it in hand. reported: the centre knows what became of it.
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
CREATE INDEX centre_commands_open ON centre_commands (reported) WHERE reported = 0;
