CREATE TABLE events (
    school_id UUID NOT NULL,
    scan_id UUID NOT NULL,
    event_at TIMESTAMP WITH TIME ZONE NOT NULL,
    chain_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    student_key TEXT NOT NULL,
    day DATE NOT NULL,
    session TEXT NOT NULL,
    direction TEXT NOT NULL,
    status TEXT NOT NULL,
    passage INTEGER NOT NULL,
    minutes_late INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    boot_ns BIGINT NOT NULL,
    clock_trusted BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    card_issue INTEGER NOT NULL,
    card_signed BOOLEAN NOT NULL,
    link TEXT NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (school_id, scan_id, event_at)
)
PARTITION BY RANGE (event_at);
CREATE INDEX events_by_chain_id_seq ON events (chain_id, seq);
CREATE INDEX events_by_school_id_day ON events (school_id, day);

CREATE TABLE guesses (
    key_hash TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT guesses_pkey PRIMARY KEY (key_hash)
);
CREATE INDEX guesses_by_last_at ON guesses (last_at);

CREATE TABLE schools (
    school_id UUID NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT schools_pkey PRIMARY KEY (school_id),
    CONSTRAINT schools_unique_name UNIQUE (name)
);

CREATE TABLE users (
    user_id UUID NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    operator BOOLEAN DEFAULT false NOT NULL,
    must_change BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    password_set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    disabled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT users_pkey PRIMARY KEY (user_id),
    CONSTRAINT users_unique_login UNIQUE (login)
);

CREATE TABLE arrivals (
    school_id UUID NOT NULL,
    last_number BIGINT NOT NULL,
    first_number BIGINT NOT NULL,
    gate_id UUID NOT NULL,
    chain_id BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    earliest TIMESTAMP WITH TIME ZONE NOT NULL,
    latest TIMESTAMP WITH TIME ZONE NOT NULL,
    arrived_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT arrivals_pkey PRIMARY KEY (school_id, last_number),
    CONSTRAINT arrivals_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE INDEX arrivals_by_arrived_at ON arrivals (arrived_at);

CREATE TABLE audit (
    entry_id BIGSERIAL NOT NULL,
    school_id UUID,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail JSONB NOT NULL,
    CONSTRAINT audit_pkey PRIMARY KEY (entry_id),
    CONSTRAINT audit_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE INDEX audit_by_school_id_at ON audit (school_id, at);

CREATE TABLE corrections (
    school_id UUID NOT NULL,
    scan_id UUID NOT NULL,
    event_at TIMESTAMP WITH TIME ZONE NOT NULL,
    scanned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    day DATE NOT NULL,
    status TEXT NOT NULL,
    minutes_late INTEGER NOT NULL,
    corrected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT corrections_pkey PRIMARY KEY (school_id, scan_id),
    CONSTRAINT corrections_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE INDEX corrections_by_school_id_day ON corrections (school_id, day);

CREATE TABLE counters (
    school_id UUID NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    CONSTRAINT counters_pkey PRIMARY KEY (school_id, name),
    CONSTRAINT counters_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);

CREATE TABLE entries (
    school_id UUID NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    version BIGINT NOT NULL,
    deleted BOOLEAN NOT NULL,
    body JSONB NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT entries_pkey PRIMARY KEY (school_id, kind, key),
    CONSTRAINT entries_kind CHECK (kind IN ('student', 'card', 'closure', 'schedule', 'texts', 'erasure')),
    CONSTRAINT entries_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX entries_by_version ON entries (school_id, version);

CREATE TABLE erased (
    school_id UUID NOT NULL,
    student_key TEXT NOT NULL,
    number_hash TEXT,
    erased_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT erased_pkey PRIMARY KEY (school_id, student_key),
    CONSTRAINT erased_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE INDEX erased_by_school_id_number_hash ON erased (school_id, number_hash);

CREATE TABLE gates (
    gate_id UUID NOT NULL,
    school_id UUID NOT NULL,
    name TEXT NOT NULL,
    device_id TEXT NOT NULL,
    key_hash TEXT,
    version TEXT NOT NULL,
    model TEXT NOT NULL,
    enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    last_contact_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT gates_pkey PRIMARY KEY (gate_id),
    CONSTRAINT gates_revoked CHECK ((key_hash IS NULL) = (revoked_at IS NOT NULL)),
    CONSTRAINT gates_unique_school_id_gate_id UNIQUE (school_id, gate_id),
    CONSTRAINT gates_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE,
    CONSTRAINT gates_unique_key_hash UNIQUE (key_hash)
);
CREATE UNIQUE INDEX gates_live_devices ON gates (school_id, device_id) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX gates_live_names ON gates (school_id, name) WHERE revoked_at IS NULL;

CREATE TABLE memberships (
    user_id UUID NOT NULL,
    school_id UUID NOT NULL,
    role TEXT NOT NULL,
    CONSTRAINT memberships_pkey PRIMARY KEY (user_id, school_id),
    CONSTRAINT memberships_role CHECK (role IN ('viewer', 'office', 'admin')),
    CONSTRAINT memberships_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT memberships_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE INDEX memberships_by_school_id ON memberships (school_id);

CREATE TABLE photo_files (
    school_id UUID NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    state TEXT NOT NULL,
    CONSTRAINT photo_files_pkey PRIMARY KEY (school_id, sha256),
    CONSTRAINT photo_files_state CHECK (state IN ('wanted', 'complete', 'doomed')),
    CONSTRAINT photo_files_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE INDEX photo_files_doomed ON photo_files (school_id) WHERE state = 'doomed';

CREATE TABLE sessions (
    token_hash TEXT NOT NULL,
    user_id UUID NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (token_hash),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
);
CREATE INDEX sessions_by_seen_at ON sessions (seen_at);
CREATE INDEX sessions_by_user_id ON sessions (user_id);

CREATE TABLE students (
    school_id UUID NOT NULL,
    student_key TEXT NOT NULL,
    student_id TEXT NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT students_pkey PRIMARY KEY (school_id, student_key),
    CONSTRAINT students_unique_school_id_student_id UNIQUE (school_id, student_id),
    CONSTRAINT students_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);

CREATE TABLE aliases (
    school_id UUID NOT NULL,
    alias TEXT NOT NULL,
    student_key TEXT NOT NULL,
    CONSTRAINT aliases_pkey PRIMARY KEY (school_id, alias),
    CONSTRAINT aliases_school_id_student_key_fkey FOREIGN KEY(school_id, student_key) REFERENCES students (school_id, student_key) ON DELETE CASCADE
);
CREATE INDEX aliases_by_school_id_student_key ON aliases (school_id, student_key);

CREATE TABLE chains (
    chain_id BIGSERIAL NOT NULL,
    school_id UUID NOT NULL,
    gate_id UUID NOT NULL,
    device_id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    complete_to BIGINT DEFAULT 0 NOT NULL,
    complete_link TEXT DEFAULT '' NOT NULL,
    highest BIGINT DEFAULT 0 NOT NULL,
    broken_at BIGINT,
    claimed_seq BIGINT,
    claimed_link TEXT,
    claimed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT chains_pkey PRIMARY KEY (chain_id),
    CONSTRAINT chains_unique_gate_id_device_id_epoch UNIQUE (gate_id, device_id, epoch),
    CONSTRAINT chains_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE,
    CONSTRAINT chains_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE
);
CREATE INDEX chains_by_school_id ON chains (school_id);

CREATE TABLE commands (
    command_id UUID NOT NULL,
    school_id UUID NOT NULL,
    gate_id UUID NOT NULL,
    kind TEXT NOT NULL,
    arguments JSONB NOT NULL,
    signature TEXT NOT NULL,
    issued_by TEXT NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT commands_pkey PRIMARY KEY (command_id),
    CONSTRAINT commands_state CHECK (state IN ('queued', 'delivered', 'done', 'failed', 'refused', 'expired', 'cancelled')),
    CONSTRAINT commands_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE,
    CONSTRAINT commands_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE
);
CREATE INDEX commands_by_school_id_issued_at ON commands (school_id, issued_at);
CREATE INDEX commands_open ON commands (gate_id) WHERE ended_at IS NULL;

CREATE TABLE dead_letters (
    letter_id BIGSERIAL NOT NULL,
    school_id UUID NOT NULL,
    gate_id UUID NOT NULL,
    result TEXT NOT NULL,
    reason TEXT NOT NULL,
    type TEXT NOT NULL,
    item_id TEXT NOT NULL,
    student_key TEXT,
    item TEXT NOT NULL,
    item_hash TEXT NOT NULL,
    times INTEGER NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    settled_by TEXT,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (letter_id),
    CONSTRAINT dead_letters_unique_gate_id_item_hash UNIQUE (gate_id, item_hash),
    CONSTRAINT dead_letters_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE,
    CONSTRAINT dead_letters_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE
);
CREATE INDEX dead_letters_by_school_id_last_at ON dead_letters (school_id, last_at);
CREATE INDEX dead_letters_by_school_id_student_key ON dead_letters (school_id, student_key);

CREATE TABLE gate_health (
    gate_id UUID NOT NULL,
    school_id UUID NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    clock_trusted BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    queue_items INTEGER NOT NULL,
    oldest_seconds DOUBLE PRECISION NOT NULL,
    photos_waiting INTEGER NOT NULL,
    changes_applied BIGINT NOT NULL,
    scans_applied BIGINT NOT NULL,
    synced_to TIMESTAMP WITH TIME ZONE,
    summary JSONB NOT NULL,
    beat JSONB NOT NULL,
    CONSTRAINT gate_health_pkey PRIMARY KEY (gate_id),
    CONSTRAINT gate_health_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE,
    CONSTRAINT gate_health_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE INDEX gate_health_by_school_id ON gate_health (school_id);

CREATE TABLE health_history (
    gate_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    school_id UUID NOT NULL,
    status TEXT NOT NULL,
    facts JSONB NOT NULL,
    CONSTRAINT health_history_pkey PRIMARY KEY (gate_id, at),
    CONSTRAINT health_history_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE,
    CONSTRAINT health_history_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE
);
CREATE INDEX health_history_by_at ON health_history (at);

CREATE TABLE invites (
    code_hash TEXT NOT NULL,
    school_id UUID NOT NULL,
    gate_name TEXT NOT NULL,
    gate_id UUID,
    students_wanted BOOLEAN NOT NULL,
    made_by TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    used_key_hash TEXT,
    used_gate_id UUID,
    CONSTRAINT invites_pkey PRIMARY KEY (code_hash),
    CONSTRAINT invites_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE,
    CONSTRAINT invites_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE,
    CONSTRAINT invites_used_gate_id_fkey FOREIGN KEY(used_gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE
);
CREATE INDEX invites_by_school_id ON invites (school_id);

CREATE TABLE photos (
    school_id UUID NOT NULL,
    scan_id UUID NOT NULL,
    gate_id UUID NOT NULL,
    student_key TEXT NOT NULL,
    event_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sha256 TEXT,
    size_bytes INTEGER NOT NULL,
    reason TEXT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    CONSTRAINT photos_pkey PRIMARY KEY (school_id, scan_id),
    CONSTRAINT photos_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE,
    CONSTRAINT photos_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE
);
CREATE INDEX photos_by_school_id_sha256 ON photos (school_id, sha256);
CREATE INDEX photos_by_school_id_student_key ON photos (school_id, student_key);

CREATE TABLE refusals (
    school_id UUID NOT NULL,
    refusal_id UUID NOT NULL,
    gate_id UUID NOT NULL,
    device_id TEXT NOT NULL,
    refusal TEXT NOT NULL,
    student_key TEXT,
    day DATE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    clock_trusted BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    CONSTRAINT refusals_pkey PRIMARY KEY (school_id, refusal_id),
    CONSTRAINT refusals_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE,
    CONSTRAINT refusals_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE
);
CREATE INDEX refusals_by_school_id_day ON refusals (school_id, day);

CREATE TABLE rollups (
    school_id UUID NOT NULL,
    gate_id UUID NOT NULL,
    day DATE NOT NULL,
    slot INTEGER NOT NULL,
    scans INTEGER NOT NULL,
    late INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    CONSTRAINT rollups_pkey PRIMARY KEY (gate_id, day, slot),
    CONSTRAINT rollups_school_id_fkey FOREIGN KEY(school_id) REFERENCES schools (school_id) ON DELETE CASCADE,
    CONSTRAINT rollups_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (gate_id) ON DELETE CASCADE
);
CREATE INDEX rollups_by_school_id_day ON rollups (school_id, day);

CREATE TABLE events_default PARTITION OF events DEFAULT;
