-- AWS's own word for a state of health, and which of the pools that have had a name is the
-- one of now.

-- +goose Up

-- Empty: the same as state.
ALTER TABLE health ADD COLUMN aws_state TEXT NOT NULL DEFAULT '';

-- What identifies the pool, empty if that is unknown; and the number of the event in which
-- it replaced another of its name, 0 if none is kept.
ALTER TABLE logs ADD COLUMN incarnation TEXT NOT NULL DEFAULT '';
ALTER TABLE logs ADD COLUMN replaced_seq INTEGER NOT NULL DEFAULT 0;
