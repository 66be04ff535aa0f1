-- What a person said to the card of a slot, and when a failed run is tried again.

ALTER TABLE occurrences ADD COLUMN reaction TEXT;    -- JSON, core::card::Reaction
ALTER TABLE occurrences ADD COLUMN retry_at INTEGER; -- of a running one: no attempt is under way
CREATE INDEX occurrences_running ON occurrences (job) WHERE state = 'running';
