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

-- The members that a pool has lost lately. All columns that their query reads are in it.
CREATE INDEX changes_detached ON changes (pool, completed_at, last_seq) INCLUDE (member, source)
    WHERE action = 'detach' AND outcome = 'applied';
