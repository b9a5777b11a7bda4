-- Ages are measured by one clock, which goes on across the processes of one boot of the
-- machine, whatever its wall clock is set to.

-- +goose Up

-- One row: what the clock read when the machine was booted.
CREATE TABLE clock (
    id        INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    boot      TEXT    NOT NULL, -- which boot that was; empty before the first owner
    booted_at INTEGER NOT NULL
) STRICT;

INSERT INTO clock (id, boot, booted_at) VALUES (1, '', 0);
