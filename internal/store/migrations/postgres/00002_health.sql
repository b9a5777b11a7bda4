-- What was last recorded of the health of members, and of instances that are being
-- drained.

-- +goose Up

CREATE TABLE health (
    load_balancer text COLLATE "C" NOT NULL,
    instance_id   text COLLATE "C" NOT NULL,
    state         text        NOT NULL,
    reason        text        NOT NULL,
    description   text        NOT NULL,
    draining      boolean     NOT NULL,
    seq           bigint      NOT NULL, -- of the event that told it
    since         timestamptz NOT NULL, -- when that was
    PRIMARY KEY (load_balancer, instance_id)
);
