-- Pools and members replace load balancers and instances: pool is 'default/elb/web', and
-- member 'i-5203422c', or 'i-5203422c:8080' in a pool whose members have ports. Payloads
-- stay as they were hashed. Replicas of older versions fail on the new names, and so
-- write nothing.

-- +goose Up

ALTER TABLE logs RENAME COLUMN load_balancer TO pool;
ALTER TABLE logs ALTER COLUMN pool TYPE text COLLATE "C" USING 'default/elb/' || pool;

ALTER TABLE events RENAME COLUMN load_balancer TO pool;
ALTER TABLE events ALTER COLUMN pool TYPE text COLLATE "C" USING 'default/elb/' || pool;

-- instance is the member without its port: an instance has changes in several pools, under
-- several ports.
ALTER TABLE changes RENAME COLUMN load_balancer TO pool;
ALTER TABLE changes RENAME COLUMN instance_id TO member;
DROP INDEX changes_by_instance;
ALTER TABLE changes
    ALTER COLUMN pool TYPE text COLLATE "C" USING 'default/elb/' || pool,
    ADD COLUMN instance text NOT NULL GENERATED ALWAYS AS (split_part(member, ':', 1)) STORED;
ALTER INDEX changes_by_load_balancer RENAME TO changes_by_pool;
CREATE INDEX changes_by_instance ON changes (instance, id);

ALTER TABLE members RENAME COLUMN load_balancer TO pool;
ALTER TABLE members RENAME COLUMN instance_id TO member;
ALTER TABLE members ALTER COLUMN pool TYPE text COLLATE "C" USING 'default/elb/' || pool;

ALTER TABLE health RENAME COLUMN load_balancer TO pool;
ALTER TABLE health RENAME COLUMN instance_id TO member;
ALTER TABLE health ALTER COLUMN pool TYPE text COLLATE "C" USING 'default/elb/' || pool;

ALTER TABLE listed RENAME COLUMN load_balancer TO pool;
ALTER TABLE listed ALTER COLUMN pool TYPE text COLLATE "C" USING 'default/elb/' || pool;

-- Claims and reports of health are of the last minutes, and made again.
DELETE FROM health_claims;
ALTER TABLE health_claims RENAME COLUMN load_balancer TO pool;

DELETE FROM health_reports;
ALTER TABLE health_reports RENAME COLUMN load_balancer TO pool;

-- Leases keep their epochs, which never decrease.
ALTER TABLE turns RENAME TO leases;
ALTER INDEX turns_pkey RENAME TO leases_pkey;
UPDATE leases SET name = 'default/elb/' || name;

-- By this name older versions recognize a record, and then report that it is newer.
CREATE TABLE turns ();

-- Rewritten columns have no statistics.
ANALYZE logs, events, changes, members, health;
