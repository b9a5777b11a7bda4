-- What was looked at before a change: its bulk, precondition and guard.

-- +goose Up

ALTER TABLE changes ADD COLUMN bulk TEXT; -- the id of its bulk, NULL for none
ALTER TABLE changes ADD COLUMN undoes TEXT NOT NULL DEFAULT ''; -- the id of a change, empty for none
ALTER TABLE changes ADD COLUMN if_match TEXT NOT NULL DEFAULT ''; -- empty for none

-- The guard that refused it or that it overrode; the rule is empty for none.
ALTER TABLE changes ADD COLUMN guard_rule TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN guard_overridden INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changes ADD COLUMN guard_reason TEXT NOT NULL DEFAULT '';

CREATE INDEX changes_by_bulk ON changes (bulk, id) WHERE bulk IS NOT NULL;

-- Those that ceased to be members, for the last time, by a detach of lsapi; also of those that
-- are members again. Those of an earlier pool of the same name do not count.
CREATE TABLE detached (
    pool        TEXT    NOT NULL,
    member      TEXT    NOT NULL,
    seq         INTEGER NOT NULL, -- of the event that completed the detach
    recorded_at INTEGER NOT NULL, -- when that was recorded; 0 in events of older versions
    PRIMARY KEY (pool, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX detached_by_time ON detached (pool, recorded_at);

INSERT INTO detached (pool, member, seq, recorded_at)
SELECT l.pool, c.member, c.seq, e.recorded_at
FROM (
    SELECT pool, member, source, max(last_seq) AS seq
    FROM changes WHERE action = 'detach' AND outcome = 'applied' GROUP BY pool, member
) AS c
JOIN logs AS l ON l.pool = c.pool
JOIN events AS e ON e.pool = c.pool AND e.seq = c.seq
WHERE c.source = 'lsapi' AND c.seq > l.replaced_seq;
