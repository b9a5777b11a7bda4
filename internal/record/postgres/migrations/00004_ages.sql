-- Ages are measured by this database's clock. A time label of an event comes from the
-- replica that recorded it, or from a clock that was wrong: nothing is decided by it.

-- +goose Up

-- When the event was recorded, by this database's clock; not hashed. NULL in events
-- of older versions.
ALTER TABLE events ADD COLUMN recorded_at timestamptz;

-- Once this database's clock was set back, events are stamped with times to come. The
-- events up to restamped_seq count as recorded at restamped_at at the latest.
-- looked_at and applied_at are by this database's clock, too.
ALTER TABLE logs ADD COLUMN restamped_seq bigint NOT NULL DEFAULT 0;
ALTER TABLE logs ADD COLUMN restamped_at timestamptz;
