-- How far notifications have been sent to each receiver, and which process sends them.

-- +goose Up

CREATE TABLE deliveries (
    receiver   text COLLATE "C" PRIMARY KEY, -- a hash of its URL, which may be a secret
    major      bigint      NOT NULL, -- the position of the last event that was sent
    minor      bigint      NOT NULL,
    at         timestamptz NOT NULL, -- the time of that event
    out_until  timestamptz NOT NULL, -- members out of service until then were reported
    holder     text        NOT NULL, -- the process that sends
    expires_at timestamptz NOT NULL  -- when another may, by this database's clock
);

-- Members that have been out of service since a time.
CREATE INDEX health_by_since ON health (since);
