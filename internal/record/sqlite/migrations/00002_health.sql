-- What was last recorded of the health of members, and of instances that are being
-- drained; and the order of all events of all load balancers.

-- +goose Up

CREATE TABLE health (
    load_balancer TEXT    NOT NULL,
    instance_id   TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    draining      INTEGER NOT NULL, -- 1: it is being drained
    seq           INTEGER NOT NULL, -- of the event that told it
    since         INTEGER NOT NULL, -- when that was
    PRIMARY KEY (load_balancer, instance_id)
) STRICT, WITHOUT ROWID;

-- The place of an event in the record as a whole. What was recorded before has none.
ALTER TABLE events ADD COLUMN place INTEGER NOT NULL DEFAULT 0;

CREATE INDEX events_by_place ON events (place) WHERE place > 0;

-- One row: the last place that was pruned.
CREATE TABLE places (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    dropped INTEGER NOT NULL
) STRICT;

INSERT INTO places (id, dropped) VALUES (1, 0);
