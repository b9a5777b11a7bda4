-- name: Log :one
SELECT * FROM logs WHERE pool = ?;

-- name: Logs :many
SELECT * FROM logs ORDER BY pool;

-- name: PutLog :exec
INSERT INTO logs (
    pool, first_seq, last_seq, last_at, last_hash, known, looked_at, applied_at, checkpoint_seq, checkpoint_room,
    restamped_seq, restamped_at, incarnation, replaced_seq
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pool) DO UPDATE SET
    first_seq = excluded.first_seq, last_seq = excluded.last_seq, last_at = excluded.last_at,
    last_hash = excluded.last_hash, known = excluded.known, looked_at = excluded.looked_at,
    applied_at = excluded.applied_at, checkpoint_seq = excluded.checkpoint_seq,
    checkpoint_room = excluded.checkpoint_room, restamped_seq = excluded.restamped_seq, restamped_at = excluded.restamped_at,
    incarnation = excluded.incarnation, replaced_seq = excluded.replaced_seq;

-- name: AddEvent :exec
INSERT INTO events (pool, seq, at, kind, change_id, payload, prev_hash, hash, recorded_at, place)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM events WHERE place > 0));

-- name: Events :many
SELECT * FROM events WHERE pool = ? AND seq >= ? ORDER BY seq LIMIT ?;

-- name: EventsBack :many
SELECT * FROM events WHERE pool = ? AND seq < ? ORDER BY seq DESC LIMIT ?;

-- name: NextLogged :many
SELECT pool FROM events WHERE pool > ? ORDER BY pool LIMIT 1;

-- name: CheckpointUntil :many
SELECT seq FROM events
WHERE pool = ? AND at <= ? AND kind = 'checkpoint'
ORDER BY at DESC, seq DESC LIMIT 1;

-- name: CheckpointFrom :many
SELECT seq FROM events
WHERE pool = ? AND at >= ? AND kind = 'checkpoint'
ORDER BY at, seq LIMIT 1;

-- name: ObservedFrom :many
SELECT * FROM events
WHERE pool = ? AND at >= ? AND seq > ? AND kind = 'observed'
ORDER BY at, seq LIMIT ?;

-- name: DropEvents :exec
DELETE FROM events WHERE pool = ? AND seq < ?;

-- name: Change :one
SELECT * FROM changes WHERE id = ?;

-- name: ChangesAfter :many
SELECT * FROM changes WHERE id > ? ORDER BY id LIMIT ?;

-- name: ChangesOf :many
SELECT * FROM changes WHERE pool = ? AND id > ? ORDER BY id LIMIT ?;

-- name: OpenChanges :many
SELECT * FROM changes INDEXED BY changes_open WHERE pool = ? AND outcome = '' ORDER BY id;

-- name: Later :many
-- The changes of a member that may have had an effect after an event, the open ones last.
SELECT * FROM changes
WHERE instance = sqlc.arg(instance) AND id >= sqlc.arg(from_id) AND member = sqlc.arg(member) AND pool = sqlc.arg(pool)
    AND outcome IN ('', 'applied', 'unknown') AND (last_seq > sqlc.arg(after) OR last_seq = 0) AND id <> sqlc.arg(id)
ORDER BY last_seq = 0, last_seq, first_seq LIMIT sqlc.arg(most);

-- name: AddChange :execrows
INSERT INTO changes (
    id, pool, member, actor, action, reason, request_id, source, not_before, deadline,
    outcome, code, resolution, completed_at, aws_request_id, members_before, members_after,
    instance_type, launch_time, instance_state, first_seq, last_seq,
    bulk, undoes, if_match, guard_rule, guard_overridden, guard_reason
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;

-- name: CompleteChange :exec
UPDATE changes SET
    actor = ?, reason = ?, request_id = ?, deadline = ?, outcome = ?, code = ?, resolution = ?,
    completed_at = ?, aws_request_id = ?, members_before = ?, members_after = ?,
    instance_type = ?, launch_time = ?, instance_state = ?, last_seq = ?,
    bulk = ?, undoes = ?, if_match = ?, guard_rule = ?, guard_overridden = ?, guard_reason = ?
WHERE id = ?;

-- name: DropChanges :exec
DELETE FROM changes WHERE pool = ? AND id < ? AND outcome <> '' AND last_seq < ?;

-- name: Unfinished :many
SELECT pool FROM changes WHERE outcome = ''
UNION
SELECT pool FROM logs WHERE applied_at > ?
ORDER BY pool;

-- name: Members :many
SELECT * FROM members WHERE pool = ? ORDER BY member;

-- name: Populated :many
SELECT DISTINCT pool FROM members ORDER BY pool;

-- name: CountMembers :one
SELECT count(*) FROM members;

-- name: PutMember :exec
INSERT INTO members (pool, member, seq) VALUES (?, ?, ?)
ON CONFLICT (pool, member) DO UPDATE SET seq = excluded.seq;

-- name: DropMember :exec
DELETE FROM members WHERE pool = ? AND member = ?;

-- name: DetachedSince :many
SELECT * FROM detached WHERE pool = ? AND recorded_at > ?;

-- name: Detached :many
SELECT * FROM detached WHERE pool = ?;

-- name: CountDetached :one
SELECT count(*) FROM detached;

-- name: PutDetached :exec
INSERT INTO detached (pool, member, seq, recorded_at) VALUES (?, ?, ?, ?)
ON CONFLICT (pool, member) DO UPDATE SET seq = excluded.seq, recorded_at = excluded.recorded_at;

-- name: DropDetached :exec
DELETE FROM detached WHERE pool = ? AND member = ?;

-- name: DropDetachedBefore :exec
DELETE FROM detached WHERE pool = ? AND seq < ?;

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
