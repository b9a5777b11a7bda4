-- What was last recorded of the health of members, and of instances that are being
-- drained.

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
