-- Questions about calls, what chats always allow, and an audit log that tells what was called.

-- One row for each card. The decision counts here; the turn takes it into its facts.
CREATE TABLE approvals (
    turn           INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    number         INTEGER NOT NULL,         -- the turn's first, second, … question
    channel        TEXT    NOT NULL,
    chat           TEXT    NOT NULL,
    thread         TEXT    NOT NULL DEFAULT '',
    person         TEXT    NOT NULL,         -- who may answer
    tool           TEXT    NOT NULL,
    fingerprint    TEXT    NOT NULL,         -- SHA-256 of the tool and its exact arguments
    arguments_hash TEXT    NOT NULL,         -- as in audit_log
    arguments      TEXT    NOT NULL,         -- without secrets
    rule           TEXT    NOT NULL,         -- which one asks
    always         TEXT,                     -- JSON, core::approval::RuleTarget; NULL when it can only be allowed once
    card           TEXT,                     -- JSON, core::markup::FormattedText; NULL where messages are not shown again
    state          TEXT    NOT NULL CHECK (state IN ('waiting', 'approved', 'denied', 'expired', 'superseded')),
    decided_by     TEXT,                     -- the name, as shown
    decided_always INTEGER NOT NULL DEFAULT 0,
    decided_at     INTEGER,
    asked_at       INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    PRIMARY KEY (turn, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE approval_rules (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel    TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    tool       TEXT    NOT NULL,
    target     TEXT    NOT NULL,             -- JSON, core::approval::RuleTarget
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (channel, chat, tool, target)
) STRICT;

-- NULL in rows of earlier versions, whose hashes do not cover them.
ALTER TABLE audit_log ADD COLUMN arguments TEXT; -- without secrets
ALTER TABLE audit_log ADD COLUMN rule TEXT;
