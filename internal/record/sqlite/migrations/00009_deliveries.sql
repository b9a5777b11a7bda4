-- How far notifications have been sent to each receiver, and which process sends them.

-- +goose Up

CREATE TABLE deliveries (
    receiver   TEXT    NOT NULL PRIMARY KEY, -- a hash of its URL, which may be a secret
    major      INTEGER NOT NULL, -- the position of the last event that was sent
    minor      INTEGER NOT NULL,
    at         INTEGER NOT NULL, -- the time of that event
    out_until  INTEGER NOT NULL, -- members out of service until then were reported
    holder     TEXT    NOT NULL, -- the process that sends
    expires_at INTEGER NOT NULL  -- when another may
) STRICT, WITHOUT ROWID;

-- Members that have been out of service since a time.
CREATE INDEX health_by_since ON health (since);
