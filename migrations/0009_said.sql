-- Where what a message says comes from (JSON, core::label::Labels), for whoever replies to it; NULL where nobody knows.
ALTER TABLE outbox ADD COLUMN labels TEXT;
CREATE INDEX outbox_said ON outbox (channel, chat, message) WHERE message IS NOT NULL;
