-- Parts of albums in groups of which no part has said yet whom it is for. They stay for as long as the
-- parts of an album are waited for; their rows in the inbox say nothing until then.

CREATE TABLE held_parts (
    inbox    INTEGER PRIMARY KEY REFERENCES inbox (id) ON DELETE CASCADE,
    channel  TEXT    NOT NULL,
    chat     TEXT    NOT NULL,
    thread   TEXT    NOT NULL,
    album    TEXT    NOT NULL,
    raw      TEXT    NOT NULL,
    incoming TEXT    NOT NULL,   -- JSON, core::message::Incoming
    held_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX held_parts_album ON held_parts (album);
CREATE INDEX inbox_album ON inbox (album) WHERE album IS NOT NULL;
