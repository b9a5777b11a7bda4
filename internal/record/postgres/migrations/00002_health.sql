-- What was last recorded of the health of members, and of instances that are being
-- drained; and the order of all events of all load balancers.

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

-- The place of an event in the record as a whole is the id of the transaction that
-- recorded it, and its number in its log. An id that is less than all of those
-- that are under way, and only that, is followed by no lesser one that appears
-- later. What was recorded before has no place. The default is for replicas that do
-- not know of places yet.
ALTER TABLE events ADD COLUMN major bigint NOT NULL DEFAULT 0;
ALTER TABLE events ALTER COLUMN major SET DEFAULT pg_current_xact_id()::text::bigint;

CREATE INDEX events_by_place ON events (major, seq) WHERE major > 0;

-- One row: what is added to the ids of transactions, which begin anew where the
-- record is restored on another server; and the last place that was pruned.
CREATE TABLE places (
    id            integer PRIMARY KEY CHECK (id = 1),
    base          bigint NOT NULL,
    dropped_major bigint NOT NULL,
    dropped_seq   bigint NOT NULL
);

INSERT INTO places (id, base, dropped_major, dropped_seq) VALUES (1, 0, 0, 0);

-- When the right to ask for a load balancer's health was last given, by this
-- database's clock.
CREATE TABLE health_claims (
    load_balancer text COLLATE "C" PRIMARY KEY,
    at            timestamptz NOT NULL
);

-- One row: how many reports have been published. It is locked by whoever publishes,
-- so that reports appear in the order of their versions.
CREATE TABLE health_version (
    id      integer PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL
);

INSERT INTO health_version (id, version) VALUES (1, 0);

-- The last report of each load balancer.
CREATE TABLE health_reports (
    load_balancer text COLLATE "C" PRIMARY KEY,
    version       bigint      NOT NULL,
    as_of         timestamptz NOT NULL, -- by this database's clock
    report        json        NOT NULL
);

CREATE INDEX health_reports_by_version ON health_reports (version);
