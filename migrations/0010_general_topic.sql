-- The general topic of a forum is the chat itself: what is said there has no thread, before topics were switched
-- on and after. Ids of groups are negative.

-- Where both have a running conversation, the one that was used last goes on.
WITH running AS (
    SELECT id, channel, chat, thread, agent,
        (SELECT coalesce(max(turns.id), 0) FROM turns WHERE turns.conversation = conversations.id) AS newest
    FROM conversations
    WHERE channel = 'telegram' AND chat LIKE '-%' AND thread IN ('', '1') AND closed_at IS NULL
)
UPDATE conversations
SET closed_at = coalesce((SELECT max(ended_at) FROM turns WHERE turns.conversation = conversations.id), started_at)
WHERE id IN (
    SELECT one.id
    FROM running AS one
    JOIN running AS twin
        ON twin.channel = one.channel AND twin.chat = one.chat AND twin.agent = one.agent AND twin.thread <> one.thread
    WHERE (one.newest, one.id) < (twin.newest, twin.id)
);
UPDATE conversations SET thread = '' WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE jobs SET thread = '' WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE outbox SET thread = '' WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE approvals SET thread = '' WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE inbox
SET thread = '',
    incoming = CASE WHEN json_valid(incoming) THEN json_set(incoming, '$.target.thread', NULL) ELSE incoming END
WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
UPDATE held_parts
SET thread = '',
    incoming = CASE WHEN json_valid(incoming) THEN json_set(incoming, '$.target.thread', NULL) ELSE incoming END
WHERE channel = 'telegram' AND chat LIKE '-%' AND thread = '1';
