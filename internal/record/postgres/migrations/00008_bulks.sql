-- What was looked at before a change: its bulk, precondition and guard.

-- +goose Up

ALTER TABLE changes ADD COLUMN bulk text; -- the id of its bulk, NULL for none
ALTER TABLE changes ADD COLUMN undoes text NOT NULL DEFAULT ''; -- the id of a change, empty for none
ALTER TABLE changes ADD COLUMN if_match text NOT NULL DEFAULT ''; -- empty for none

-- The guard that refused it or that it overrode; the rule is empty for none.
ALTER TABLE changes ADD COLUMN guard_rule text NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN guard_overridden boolean NOT NULL DEFAULT false;
ALTER TABLE changes ADD COLUMN guard_reason text NOT NULL DEFAULT '';

CREATE INDEX changes_by_bulk ON changes (bulk, id) WHERE bulk IS NOT NULL;

-- Those that ceased to be members, for the last time, by a detach of lsapi; also of those that
-- are members again. Those of an earlier pool of the same name do not count.
CREATE TABLE detached (
    pool        text COLLATE "C" NOT NULL,
    member      text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL, -- of the event that completed the detach
    recorded_at timestamptz,     -- when that was recorded; NULL in events of older versions
    PRIMARY KEY (pool, member)
);

CREATE INDEX detached_by_time ON detached (pool, recorded_at);

INSERT INTO detached (pool, member, seq, recorded_at)
SELECT l.pool, c.member, c.last_seq, e.recorded_at
FROM (
    SELECT DISTINCT ON (pool, member) pool, member, source, last_seq
    FROM changes WHERE action = 'detach' AND outcome = 'applied' ORDER BY pool, member, last_seq DESC
) AS c
JOIN logs AS l ON l.pool = c.pool
JOIN events AS e ON e.pool = c.pool AND e.seq = c.last_seq
WHERE c.source = 'lsapi' AND c.last_seq > l.replaced_seq;
