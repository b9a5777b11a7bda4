-- The instance of a change is the member without its port, also for an address:
-- '[2001:db8::7]' of '[2001:db8::7]:8080'.

-- +goose Up

DROP INDEX changes_by_instance;
ALTER TABLE changes DROP COLUMN instance;
ALTER TABLE changes ADD COLUMN instance TEXT NOT NULL GENERATED ALWAYS AS (
    CASE WHEN member LIKE '[%' THEN substr(member, 1, instr(member, ']')) ELSE substr(member, 1, instr(member || ':', ':') - 1) END
);
CREATE INDEX changes_by_instance ON changes (instance, id);
