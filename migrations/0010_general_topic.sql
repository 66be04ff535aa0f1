-- The general topic of a forum is the chat itself: what is said there has no thread, before topics were switched
-- on and after. Ids of groups are negative.

-- Where both have a running conversation, that of the topic goes on.
UPDATE conversations AS old SET closed_at = twin.started_at
FROM conversations AS twin
WHERE old.channel = 'telegram' AND old.chat LIKE '-%' AND old.thread = '' AND old.closed_at IS NULL
    AND twin.channel = old.channel AND twin.chat = old.chat AND twin.thread = '1' AND twin.agent = old.agent
    AND twin.closed_at IS NULL;
UPDATE conversations SET thread = '' WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE jobs SET thread = '' WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE outbox SET thread = '' WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE approvals SET thread = '' WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE inbox
SET thread = '',
    incoming = CASE WHEN json_valid(incoming) THEN json_set(incoming, '$.target.thread', NULL) ELSE incoming END
WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE held_parts SET thread = '', incoming = json_set(incoming, '$.target.thread', NULL)
WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
