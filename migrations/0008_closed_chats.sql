-- Jobs that rest because nothing reaches their chat, and go on when something does.
ALTER TABLE jobs ADD COLUMN closed_at INTEGER;
CREATE INDEX jobs_closed ON jobs (channel, chat) WHERE closed_at IS NOT NULL;
