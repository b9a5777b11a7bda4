-- The instance of a change is the member without its port, also for an address:
-- '[2001:db8::7]' of '[2001:db8::7]:8080'.

-- +goose Up

ALTER TABLE changes DROP COLUMN instance; -- and its index
ALTER TABLE changes ADD COLUMN instance text NOT NULL GENERATED ALWAYS AS (
    CASE WHEN member LIKE '[%' THEN split_part(member, ']', 1) || ']' ELSE split_part(member, ':', 1) END
) STORED;
CREATE INDEX changes_by_instance ON changes (instance, id);

-- A rewritten column has no statistics.
ANALYZE changes;
