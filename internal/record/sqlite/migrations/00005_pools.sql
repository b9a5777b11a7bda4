-- Pools and members replace load balancers and instances: pool is 'default/elb/web', and
-- member 'i-5203422c', or 'i-5203422c:8080' in a pool whose members have ports. Payloads
-- stay as they were hashed.

-- +goose Up

ALTER TABLE logs RENAME COLUMN load_balancer TO pool;
UPDATE logs SET pool = 'default/elb/' || pool;

ALTER TABLE events RENAME COLUMN load_balancer TO pool;
UPDATE events SET pool = 'default/elb/' || pool;

-- instance is the member without its port: an instance has changes in several pools, under
-- several ports.
ALTER TABLE changes RENAME COLUMN load_balancer TO pool;
ALTER TABLE changes RENAME COLUMN instance_id TO member;
DROP INDEX changes_by_load_balancer;
DROP INDEX changes_by_instance;
UPDATE changes SET pool = 'default/elb/' || pool;
ALTER TABLE changes ADD COLUMN instance TEXT NOT NULL GENERATED ALWAYS AS (substr(member, 1, instr(member || ':', ':') - 1));
CREATE INDEX changes_by_pool ON changes (pool, id);
CREATE INDEX changes_by_instance ON changes (instance, id);

ALTER TABLE members RENAME COLUMN load_balancer TO pool;
ALTER TABLE members RENAME COLUMN instance_id TO member;
UPDATE members SET pool = 'default/elb/' || pool;

ALTER TABLE health RENAME COLUMN load_balancer TO pool;
ALTER TABLE health RENAME COLUMN instance_id TO member;
UPDATE health SET pool = 'default/elb/' || pool;
