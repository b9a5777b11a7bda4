-- Ages are measured by the clock of the file's owner, which may be set back.

-- +goose Up

-- When the event was recorded; not hashed. 0 in events of older versions.
ALTER TABLE events ADD COLUMN recorded_at INTEGER NOT NULL DEFAULT 0;

-- Once the clock was set back, events are stamped with times to come. The events up
-- to restamped_seq count as recorded at restamped_at at the latest.
ALTER TABLE logs ADD COLUMN restamped_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logs ADD COLUMN restamped_at INTEGER NOT NULL DEFAULT 0;
