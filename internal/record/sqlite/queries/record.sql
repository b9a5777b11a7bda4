-- name: Log :one
SELECT * FROM logs WHERE load_balancer = ?;

-- name: Logs :many
SELECT * FROM logs ORDER BY load_balancer;

-- name: PutLog :exec
INSERT INTO logs (
    load_balancer, first_seq, last_seq, last_at, last_hash, known, looked_at, applied_at, checkpoint_seq, checkpoint_room,
    restamped_seq, restamped_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (load_balancer) DO UPDATE SET
    first_seq = excluded.first_seq, last_seq = excluded.last_seq, last_at = excluded.last_at,
    last_hash = excluded.last_hash, known = excluded.known, looked_at = excluded.looked_at,
    applied_at = excluded.applied_at, checkpoint_seq = excluded.checkpoint_seq,
    checkpoint_room = excluded.checkpoint_room, restamped_seq = excluded.restamped_seq, restamped_at = excluded.restamped_at;

-- name: AddEvent :exec
INSERT INTO events (load_balancer, seq, at, kind, change_id, payload, prev_hash, hash, recorded_at, place)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM events WHERE place > 0));

-- name: Events :many
SELECT * FROM events WHERE load_balancer = ? AND seq >= ? ORDER BY seq LIMIT ?;

-- name: EventsBack :many
SELECT * FROM events WHERE load_balancer = ? AND seq < ? ORDER BY seq DESC LIMIT ?;

-- name: NextLogged :many
SELECT load_balancer FROM events WHERE load_balancer > ? ORDER BY load_balancer LIMIT 1;

-- name: CheckpointUntil :many
SELECT seq FROM events
WHERE load_balancer = ? AND at <= ? AND kind = 'checkpoint'
ORDER BY at DESC, seq DESC LIMIT 1;

-- name: CheckpointFrom :many
SELECT seq FROM events
WHERE load_balancer = ? AND at >= ? AND kind = 'checkpoint'
ORDER BY at, seq LIMIT 1;

-- name: ObservedFrom :many
SELECT * FROM events
WHERE load_balancer = ? AND at >= ? AND seq > ? AND kind = 'observed'
ORDER BY at, seq LIMIT ?;

-- name: DropEvents :exec
DELETE FROM events WHERE load_balancer = ? AND seq < ?;

-- name: Change :one
SELECT * FROM changes WHERE id = ?;

-- name: ChangesAfter :many
SELECT * FROM changes WHERE id > ? ORDER BY id LIMIT ?;

-- name: ChangesOf :many
SELECT * FROM changes WHERE load_balancer = ? AND id > ? ORDER BY id LIMIT ?;

-- name: OpenChanges :many
SELECT * FROM changes WHERE load_balancer = ? AND outcome = '' ORDER BY id;

-- name: AddChange :execrows
INSERT INTO changes (
    id, load_balancer, instance_id, actor, action, reason, request_id, source, not_before, deadline,
    outcome, code, resolution, completed_at, aws_request_id, members_before, members_after,
    instance_type, launch_time, instance_state, first_seq, last_seq
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;

-- name: CompleteChange :exec
UPDATE changes SET
    actor = ?, reason = ?, request_id = ?, deadline = ?, outcome = ?, code = ?, resolution = ?,
    completed_at = ?, aws_request_id = ?, members_before = ?, members_after = ?,
    instance_type = ?, launch_time = ?, instance_state = ?, last_seq = ?
WHERE id = ?;

-- name: DropChanges :exec
DELETE FROM changes WHERE load_balancer = ? AND id < ? AND outcome <> '' AND last_seq < ?;

-- name: Unfinished :many
SELECT load_balancer FROM changes WHERE outcome = ''
UNION
SELECT load_balancer FROM logs WHERE applied_at > ?
ORDER BY load_balancer;

-- name: Members :many
SELECT * FROM members WHERE load_balancer = ? ORDER BY instance_id;

-- name: Populated :many
SELECT DISTINCT load_balancer FROM members ORDER BY load_balancer;

-- name: CountMembers :one
SELECT count(*) FROM members;

-- name: PutMember :exec
INSERT INTO members (load_balancer, instance_id, seq) VALUES (?, ?, ?)
ON CONFLICT (load_balancer, instance_id) DO UPDATE SET seq = excluded.seq;

-- name: DropMember :exec
DELETE FROM members WHERE load_balancer = ? AND instance_id = ?;

-- name: Key :one
SELECT change_id, body_hash, at FROM idempotency_keys WHERE actor = ? AND method = ? AND path = ? AND key = ?;

-- name: PutKey :exec
INSERT INTO idempotency_keys (actor, method, path, key, change_id, body_hash, at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (actor, method, path, key) DO UPDATE SET
    change_id = excluded.change_id, body_hash = excluded.body_hash, at = excluded.at;

-- name: DropKey :exec
DELETE FROM idempotency_keys WHERE actor = ? AND method = ? AND path = ? AND key = ? AND change_id = ?;

-- name: CapKeys :exec
UPDATE idempotency_keys SET at = sqlc.arg(now) WHERE at > sqlc.arg(now);

-- name: DropKeys :execrows
DELETE FROM idempotency_keys WHERE at <= ?;

-- name: TakeOwnership :one
UPDATE ownership SET generation = generation + 1 WHERE id = 1 RETURNING generation;

-- name: Generation :one
SELECT generation FROM ownership WHERE id = 1;

-- name: Probe :exec
UPDATE ownership SET noise = ? WHERE id = 1;

-- name: State :one
SELECT
    CAST(coalesce(sum(first_seq), 0) AS INTEGER) AS firsts,
    CAST(coalesce(sum(last_seq), 0) AS INTEGER) AS lasts
FROM logs;
