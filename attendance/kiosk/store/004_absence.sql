-- When a number last said that it wants messages, or none, by the clock of the phone that reported it.
ALTER TABLE guardians ADD COLUMN answered_at TEXT;

-- Whoever said STOP said it for every child, also for one that is enrolled later.
CREATE TRIGGER guardians_of_one_number_agree AFTER INSERT ON guardians
WHEN EXISTS (SELECT 1 FROM guardians WHERE phone = new.phone AND guardian_id <> new.guardian_id)
BEGIN
    UPDATE guardians SET (language, opted_out_at, answered_at) =
        (SELECT language, opted_out_at, answered_at FROM guardians
         WHERE phone = new.phone AND guardian_id <> new.guardian_id ORDER BY guardian_id LIMIT 1)
    WHERE guardian_id = new.guardian_id;
END;

-- Spans in which this gate provably worked, by a trusted clock: what lies in none is not proven.
-- after_jump: the clock was found to have jumped, so that no time near the begin is sure.
CREATE TABLE proof_of_work (
    span_id INTEGER PRIMARY KEY,
    began_at TEXT NOT NULL,
    ended_at TEXT NOT NULL CHECK (ended_at >= began_at),
    after_jump INTEGER NOT NULL CHECK (after_jump IN (0, 1))
) STRICT;
CREATE INDEX proof_of_work_by_end ON proof_of_work (ended_at);

-- A restored or rebuilt database may lack scans of the time that its spans vouch for.
CREATE TRIGGER a_new_epoch_has_proven_nothing AFTER INSERT ON epochs
BEGIN
    DELETE FROM proof_of_work;
END;

-- What was decided about each session's absences and missing departures, and why; 'told' is final.
-- reasons: why nothing was sent, space separated. detail: when the gate did not provably work, local time.
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

-- What a person said about a day's absences; session '' means all.
CREATE TABLE absence_orders (
    day TEXT NOT NULL,
    session TEXT NOT NULL,
    wish TEXT NOT NULL CHECK (wish IN ('confirm', 'off')),
    given_at TEXT NOT NULL,
    PRIMARY KEY (day, session)
) STRICT;

-- Summaries that were queued: of the period that began on first_day.
CREATE TABLE summary_rounds (
    kind TEXT NOT NULL CHECK (kind IN ('weekly_summary', 'monthly_summary')),
    first_day TEXT NOT NULL,
    messages INTEGER NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (kind, first_day)
) STRICT;
