-- The record of changes: see the package comment of internal/record. Times are
-- microseconds since 1970 in UTC, 0 is none; ids of changes are the 16 bytes of
-- their UUIDs.

-- +goose Up

-- What is true of a load balancer's log as a whole. Its row changes in the
-- transaction that appends.
CREATE TABLE logs (
    load_balancer   TEXT    NOT NULL PRIMARY KEY,
    first_seq       INTEGER NOT NULL, -- of the oldest event that is kept
    last_seq        INTEGER NOT NULL,
    last_at         INTEGER NOT NULL,
    last_hash       BLOB    NOT NULL,
    known           INTEGER NOT NULL, -- 1: the membership has been recorded
    looked_at       INTEGER NOT NULL,
    applied_at      INTEGER NOT NULL, -- when the last applied change completed
    checkpoint_seq  INTEGER NOT NULL,
    checkpoint_room INTEGER NOT NULL  -- events after it until the next is due
) STRICT, WITHOUT ROWID;

-- The log itself. Only pruning deletes from it, and nothing updates it.
CREATE TABLE events (
    load_balancer TEXT    NOT NULL,
    seq           INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    change_id     BLOB    NOT NULL, -- empty for an event of no single change
    payload       BLOB    NOT NULL, -- the JSON that is hashed
    prev_hash     BLOB    NOT NULL,
    hash          BLOB    NOT NULL, -- SHA-256(prev_hash || payload)
    PRIMARY KEY (load_balancer, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_checkpoints ON events (load_balancer, at, seq) WHERE kind = 'checkpoint';
CREATE INDEX events_observed ON events (load_balancer, at, seq) WHERE kind = 'observed';

-- What the events of each change add up to.
CREATE TABLE changes (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    load_balancer  TEXT    NOT NULL,
    instance_id    TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    action         TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    request_id     TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    not_before     INTEGER NOT NULL,
    deadline       INTEGER NOT NULL,
    outcome        TEXT    NOT NULL, -- empty while it is open
    code           TEXT    NOT NULL,
    resolution     TEXT    NOT NULL,
    completed_at   INTEGER NOT NULL,
    aws_request_id TEXT    NOT NULL,
    members_before INTEGER,
    members_after  INTEGER,
    instance_type  TEXT    NOT NULL,
    launch_time    INTEGER NOT NULL,
    instance_state TEXT    NOT NULL,
    first_seq      INTEGER NOT NULL, -- of the event that began it
    last_seq       INTEGER NOT NULL  -- of the one that completed it, 0 while it is open
) STRICT, WITHOUT ROWID;

CREATE INDEX changes_by_load_balancer ON changes (load_balancer, id);
CREATE INDEX changes_by_instance ON changes (instance_id, id);
CREATE INDEX changes_by_actor ON changes (actor, id);
CREATE INDEX changes_by_action ON changes (action, id);
CREATE INDEX changes_by_outcome ON changes (outcome, id);
CREATE INDEX changes_open ON changes (load_balancer, id) WHERE outcome = '';

-- The members of now.
CREATE TABLE members (
    load_balancer TEXT    NOT NULL,
    instance_id   TEXT    NOT NULL,
    seq           INTEGER NOT NULL, -- of the event that made it one, 0 if that was before the record
    PRIMARY KEY (load_balancer, instance_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    actor     TEXT    NOT NULL,
    method    TEXT    NOT NULL,
    path      TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    change_id TEXT    NOT NULL,
    body_hash TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (actor, method, path, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (at);

-- One row: how often the file has changed hands, and room to try whether it can
-- be written.
CREATE TABLE ownership (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    noise      BLOB    NOT NULL
) STRICT;

INSERT INTO ownership (id, generation, noise) VALUES (1, 0, x'');
