-- The record of changes: see the package comment of internal/record. Names are
-- ordered by their bytes, as Go does. A time or id that is NULL is none.

-- +goose Up

-- What is true of a load balancer's log as a whole. Its row is locked by whoever
-- appends or prunes, and changes in the same transaction.
CREATE TABLE logs (
    load_balancer   text COLLATE "C" PRIMARY KEY,
    first_seq       bigint  NOT NULL, -- of the oldest event that is kept
    last_seq        bigint  NOT NULL,
    last_at         timestamptz,
    last_hash       bytea   NOT NULL,
    known           boolean NOT NULL, -- whether the membership has been recorded
    looked_at       timestamptz,
    applied_at      timestamptz,      -- when the last applied change completed
    checkpoint_seq  bigint  NOT NULL,
    checkpoint_room bigint  NOT NULL  -- events after it until the next is due
);

-- The log itself. Only pruning deletes from it, and nothing updates it.
CREATE TABLE events (
    load_balancer text COLLATE "C" NOT NULL,
    seq           bigint      NOT NULL,
    at            timestamptz NOT NULL,
    kind          text        NOT NULL,
    change_id     uuid,                 -- NULL for an event of no single change
    payload       json        NOT NULL, -- what is hashed, byte by byte
    prev_hash     bytea       NOT NULL,
    hash          bytea       NOT NULL, -- SHA-256(prev_hash || payload)
    PRIMARY KEY (load_balancer, seq)
);

CREATE INDEX events_checkpoints ON events (load_balancer, at, seq) WHERE kind = 'checkpoint';
CREATE INDEX events_observed ON events (load_balancer, at, seq) WHERE kind = 'observed';

-- What the events of each change add up to.
CREATE TABLE changes (
    id             uuid PRIMARY KEY,
    load_balancer  text COLLATE "C" NOT NULL,
    instance_id    text   NOT NULL,
    actor          text   NOT NULL,
    action         text   NOT NULL,
    reason         text   NOT NULL,
    request_id     text   NOT NULL,
    source         text   NOT NULL,
    not_before     timestamptz,
    deadline       timestamptz,
    outcome        text   NOT NULL, -- empty while it is open
    code           text   NOT NULL,
    resolution     text   NOT NULL,
    completed_at   timestamptz,
    aws_request_id text   NOT NULL,
    members_before bigint,
    members_after  bigint,
    instance_type  text   NOT NULL,
    launch_time    timestamptz,
    instance_state text   NOT NULL,
    first_seq      bigint NOT NULL, -- of the event that began it
    last_seq       bigint NOT NULL  -- of the one that completed it, 0 while it is open
);

CREATE INDEX changes_by_load_balancer ON changes (load_balancer, id);
CREATE INDEX changes_by_instance ON changes (instance_id, id);
CREATE INDEX changes_by_actor ON changes (actor, id);
CREATE INDEX changes_by_action ON changes (action, id);
CREATE INDEX changes_by_outcome ON changes (outcome, id);
CREATE INDEX changes_open ON changes (load_balancer, id) WHERE outcome = '';

-- The members of now.
CREATE TABLE members (
    load_balancer text COLLATE "C" NOT NULL,
    instance_id   text COLLATE "C" NOT NULL,
    seq           bigint NOT NULL, -- of the event that made it one, 0 if that was before the record
    PRIMARY KEY (load_balancer, instance_id)
);

CREATE TABLE idempotency_keys (
    actor     text NOT NULL,
    method    text NOT NULL,
    path      text NOT NULL,
    key       text NOT NULL,
    change_id text NOT NULL,
    body_hash text NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (actor, method, path, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (at);

-- The turns of load balancers, and that of refreshing for all. All times are by
-- this database's clock.
CREATE TABLE turns (
    name       text COLLATE "C" PRIMARY KEY,
    holder     text        NOT NULL, -- empty when it was given back
    epoch      bigint      NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Who waits for it, and until when it is kept for them once it is free, so
    -- that whoever has it does not always have it again.
    next       text        NOT NULL,
    next_until timestamptz NOT NULL
);

-- The processes that are at work.
CREATE TABLE replicas (
    id      text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- One row: the last listing of the region, whose load balancers are those of
-- listed that are not gone.
CREATE TABLE listing (
    id      integer PRIMARY KEY CHECK (id = 1),
    version bigint      NOT NULL,
    as_of   timestamptz NOT NULL
);

INSERT INTO listing (id, version, as_of) VALUES (1, 0, 'epoch');

CREATE TABLE listed (
    load_balancer text COLLATE "C" PRIMARY KEY,
    version       bigint  NOT NULL, -- of the listing in which it last differed
    gone          boolean NOT NULL,
    members       json    NOT NULL
);

CREATE INDEX listed_by_version ON listed (version);

-- One row, to try whether the record can be written.
CREATE TABLE probe (
    id integer PRIMARY KEY CHECK (id = 1),
    at timestamptz NOT NULL
);

INSERT INTO probe (id, at) VALUES (1, 'epoch');
