-- The durable core. All times are milliseconds since 1970-01-01 UTC; `thread` is '' where a chat
-- has no topics; columns that hold JSON say so.

-- Everything that arrived, before anything else happens to it.
CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    source      TEXT    NOT NULL,            -- telegram:<bot id>, console, job
    external_id INTEGER NOT NULL,            -- the source's own id
    kind        TEXT    NOT NULL,            -- message, edited_message, callback_query, scheduled, …
    channel     TEXT    NOT NULL DEFAULT '',
    chat        TEXT    NOT NULL DEFAULT '',
    thread      TEXT    NOT NULL DEFAULT '',
    sender      TEXT    NOT NULL DEFAULT '',
    message     TEXT,                        -- the channel's id of the message
    album       TEXT,
    state       TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'ignored', 'stranger', 'unreadable')),
    raw         TEXT,                        -- as it came; NULL for strangers
    incoming    TEXT,                        -- JSON, core::message::Incoming
    error       TEXT,
    turn        INTEGER,
    priority    INTEGER NOT NULL DEFAULT 0,
    trace_id    TEXT,                        -- ties causes and effects together
    parent_id   INTEGER,                     -- the row that caused this one
    received_at INTEGER NOT NULL,
    done_at     INTEGER,
    UNIQUE (source, external_id)
) STRICT;
CREATE INDEX inbox_waiting ON inbox (channel, chat, thread, id) WHERE state = 'waiting';
CREATE INDEX inbox_turn ON inbox (turn) WHERE turn IS NOT NULL;
CREATE INDEX inbox_done ON inbox (done_at) WHERE done_at IS NOT NULL;

-- A conversation is what happens in one place between two /new. At most one is running there.
CREATE TABLE conversations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel    TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    thread     TEXT    NOT NULL DEFAULT '',
    agent      TEXT    NOT NULL DEFAULT 'default',
    started_at INTEGER NOT NULL,
    closed_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX conversations_running ON conversations (channel, chat, thread, agent) WHERE closed_at IS NULL;

CREATE TABLE items (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    turn         INTEGER NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
    item         TEXT    NOT NULL,           -- JSON, core::conversation::Item
    created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX items_conversation ON items (conversation, id);
CREATE INDEX items_turn ON items (turn);

-- What a conversation was about, up to an item.
CREATE TABLE summaries (
    conversation INTEGER PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    text         TEXT    NOT NULL,
    covers_to    INTEGER NOT NULL,           -- items.id; the item itself may be deleted since
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE turns (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    state        TEXT    NOT NULL CHECK (state IN ('running', 'answered', 'failed', 'stopped')),
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT;
CREATE INDEX turns_running ON turns (id) WHERE state = 'running';
CREATE INDEX turns_conversation ON turns (conversation, id);
CREATE INDEX turns_ended ON turns (ended_at) WHERE ended_at IS NOT NULL;

-- What happened in a turn, in order: enough to rebuild it after a crash.
CREATE TABLE turn_facts (
    turn       INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    fact       TEXT    NOT NULL,             -- JSON, core::turn::Fact
    created_at INTEGER NOT NULL,
    PRIMARY KEY (turn, seq)
) STRICT, WITHOUT ROWID;

-- Everything to send. 'open' rows are answers that are still being written.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    channel         TEXT    NOT NULL,
    chat            TEXT    NOT NULL,
    thread          TEXT    NOT NULL DEFAULT '',
    urgency         INTEGER NOT NULL,        -- 0 interactive, 1 background
    state           TEXT    NOT NULL CHECK (state IN ('open', 'pending', 'sending', 'sent', 'failed', 'withdrawn')),
    content         TEXT,                    -- JSON, core::outbox::Outgoing; NULL while open
    reply_to        TEXT,
    message         TEXT,                    -- the channel's id once it exists
    dedupe_key      TEXT UNIQUE,
    turn            INTEGER,
    attempts        INTEGER NOT NULL DEFAULT 0,
    ambiguous       INTEGER NOT NULL DEFAULT 0,  -- attempts that may have succeeded without an answer
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    error           TEXT,
    created_at      INTEGER NOT NULL,
    done_at         INTEGER
) STRICT;
-- Holds all that decides which row of each chat is next.
CREATE INDEX outbox_waiting ON outbox (channel, chat, urgency, id, state, next_attempt_at) WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_open ON outbox (turn) WHERE state = 'open';
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;

CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel    TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    thread     TEXT    NOT NULL DEFAULT '',
    chat_kind  TEXT    NOT NULL CHECK (chat_kind IN ('private', 'group')),
    creator    TEXT    NOT NULL,             -- JSON, core::channel::Sender
    title      TEXT,
    content    TEXT    NOT NULL,
    role       TEXT    NOT NULL CHECK (role IN ('assistant', 'user')),
    schedule   TEXT    NOT NULL,             -- JSON, core::schedule::Schedule
    metadata   TEXT,                         -- JSON
    status     TEXT    NOT NULL CHECK (status IN ('active', 'paused', 'completed', 'cancelled')),
    next_run   INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_due ON jobs (channel, next_run, id) WHERE status = 'active';
CREATE INDEX jobs_chat ON jobs (channel, chat, thread, status);

-- The receipts: each slot of a job once.
CREATE TABLE occurrences (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    job         INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    slot        INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('running', 'ran', 'late', 'skipped', 'failed')),
    reason      TEXT,
    attempts    INTEGER NOT NULL DEFAULT 1,
    lease_until INTEGER,
    recorded_at INTEGER NOT NULL,
    UNIQUE (job, slot)
) STRICT;

CREATE TABLE notes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    owner      TEXT    NOT NULL,             -- person:<channel>:<user> or chat:<channel>:<chat>
    title      TEXT    NOT NULL COLLATE NOCASE,
    data       TEXT    NOT NULL,
    metadata   TEXT,                         -- JSON
    source     TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    UNIQUE (owner, title)
) STRICT;
CREATE VIRTUAL TABLE notes_text USING fts5 (title, data, content = 'notes', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');
CREATE TRIGGER notes_added AFTER INSERT ON notes BEGIN
    INSERT INTO notes_text (rowid, title, data) VALUES (new.id, new.title, new.data);
END;
CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
    INSERT INTO notes_text (notes_text, rowid, title, data) VALUES ('delete', old.id, old.title, old.data);
END;
CREATE TRIGGER notes_changed AFTER UPDATE ON notes BEGIN
    INSERT INTO notes_text (notes_text, rowid, title, data) VALUES ('delete', old.id, old.title, old.data);
    INSERT INTO notes_text (rowid, title, data) VALUES (new.id, new.title, new.data);
END;

-- Who did what: append-only, each row chained to the one before by its hash.
CREATE TABLE audit_log (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at             INTEGER NOT NULL,
    channel        TEXT    NOT NULL,
    chat           TEXT    NOT NULL,
    user           TEXT    NOT NULL,
    turn           INTEGER,
    tool           TEXT    NOT NULL,
    arguments_hash TEXT    NOT NULL,
    verdict        TEXT    NOT NULL,
    outcome        TEXT    NOT NULL,
    previous_hash  TEXT    NOT NULL,
    hash           TEXT    NOT NULL
) STRICT;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_log_keeps_all BEFORE DELETE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- Each model call that the server counted.
CREATE TABLE usage (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at             INTEGER NOT NULL,
    turn           INTEGER,
    purpose        TEXT    NOT NULL DEFAULT 'turn' CHECK (purpose IN ('turn', 'compaction')),
    outcome        TEXT    NOT NULL DEFAULT 'ok' CHECK (outcome IN ('ok', 'failed')),
    provider       TEXT    NOT NULL,
    model          TEXT    NOT NULL,
    input          INTEGER NOT NULL,
    cached_input   INTEGER NOT NULL,
    output         INTEGER NOT NULL,
    cost_micro_usd INTEGER                       -- NULL when the model has no price
) STRICT;
CREATE INDEX usage_at ON usage (at);

-- What the owner added to the budget of a day and its month.
CREATE TABLE budget_raises (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at        INTEGER NOT NULL,
    micro_usd INTEGER NOT NULL
) STRICT;
CREATE INDEX budget_raises_at ON budget_raises (at);
