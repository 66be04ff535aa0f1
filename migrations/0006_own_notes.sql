-- The newest notes of an owner go with each message, as far as nothing from outside is in them.

CREATE INDEX notes_own ON notes (owner, updated_at) WHERE labels = '[]';
