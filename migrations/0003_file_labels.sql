-- Where the content of files comes from, for the files that the bot wrote itself.

CREATE TABLE file_labels (
    area        TEXT NOT NULL,     -- the folder: a chat's, or the common one
    path        TEXT NOT NULL,     -- there; empty for programs that ran there
    size_bytes  INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,  -- with the size: how the file is recognised
    labels      TEXT NOT NULL,     -- JSON, core::label::Labels
    PRIMARY KEY (area, path)
) WITHOUT ROWID, STRICT;
