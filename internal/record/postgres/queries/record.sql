-- name: Log :many
SELECT sqlc.embed(logs), clock_timestamp()::timestamptz AS now FROM logs WHERE pool = $1;

-- name: LockLog :many
SELECT sqlc.embed(logs), clock_timestamp()::timestamptz AS now FROM logs WHERE pool = $1 FOR UPDATE;

-- name: Logs :many
SELECT sqlc.embed(logs), clock_timestamp()::timestamptz AS now FROM logs ORDER BY pool;

-- name: PutLog :exec
INSERT INTO logs (
    pool, first_seq, last_seq, last_at, last_hash, known, looked_at, applied_at, checkpoint_seq, checkpoint_room,
    restamped_seq, restamped_at, incarnation, replaced_seq
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (pool) DO UPDATE SET
    first_seq = excluded.first_seq, last_seq = excluded.last_seq, last_at = excluded.last_at,
    last_hash = excluded.last_hash, known = excluded.known, looked_at = excluded.looked_at,
    applied_at = excluded.applied_at, checkpoint_seq = excluded.checkpoint_seq,
    checkpoint_room = excluded.checkpoint_room, restamped_seq = excluded.restamped_seq, restamped_at = excluded.restamped_at,
    incarnation = excluded.incarnation, replaced_seq = excluded.replaced_seq;

-- name: AddEvent :exec
INSERT INTO events (pool, seq, at, kind, change_id, payload, prev_hash, hash, recorded_at, major)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT base FROM places WHERE id = 1) + pg_current_xact_id()::text::bigint);

-- name: Events :many
SELECT * FROM events WHERE pool = $1 AND seq >= $2 ORDER BY seq LIMIT $3;

-- name: EventsBack :many
SELECT * FROM events WHERE pool = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3;

-- name: NextLogged :many
SELECT pool FROM events WHERE pool > $1 ORDER BY pool LIMIT 1;

-- name: CheckpointUntil :many
SELECT seq FROM events
WHERE pool = $1 AND at <= $2 AND kind = 'checkpoint'
ORDER BY at DESC, seq DESC LIMIT 1;

-- name: CheckpointFrom :many
SELECT seq FROM events
WHERE pool = $1 AND at >= $2 AND kind = 'checkpoint'
ORDER BY at, seq LIMIT 1;

-- name: ObservedFrom :many
SELECT * FROM events
WHERE pool = $1 AND at >= $2 AND seq > $3 AND kind = 'observed'
ORDER BY at, seq LIMIT $4;

-- name: DropEvents :exec
WITH dropped AS (
    DELETE FROM events WHERE pool = $1 AND seq < $2 RETURNING major, seq, kind
), last AS (
    SELECT major, seq FROM dropped WHERE major > 0 AND kind <> 'checkpoint' ORDER BY major DESC, seq DESC LIMIT 1
)
UPDATE places SET dropped_major = last.major, dropped_seq = last.seq FROM last
WHERE id = 1 AND (dropped_major, dropped_seq) < (last.major, last.seq);

-- name: ChangesByID :many
SELECT * FROM changes WHERE id = ANY (sqlc.arg(ids)::uuid[]);

-- name: ChangesAfter :many
SELECT * FROM changes WHERE id > $1 ORDER BY id LIMIT $2;

-- name: ChangesOf :many
SELECT * FROM changes WHERE pool = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: OpenChanges :many
SELECT * FROM changes WHERE pool = $1 AND outcome = '' ORDER BY id;

-- name: Later :many
-- The changes of a member that may have had an effect after an event, the open ones last.
SELECT * FROM changes
WHERE instance = sqlc.arg(instance) AND id >= sqlc.arg(from_id) AND member = sqlc.arg(member) AND pool = sqlc.arg(pool)
    AND outcome IN ('', 'applied', 'unknown') AND (last_seq > sqlc.arg(after) OR last_seq = 0) AND id <> sqlc.arg(id)
ORDER BY last_seq = 0, last_seq, first_seq LIMIT sqlc.arg(most);

-- name: AddChange :exec
INSERT INTO changes (
    id, pool, member, actor, action, reason, request_id, source, not_before, deadline,
    outcome, code, resolution, completed_at, aws_request_id, members_before, members_after,
    instance_type, launch_time, instance_state, first_seq, last_seq,
    bulk, undoes, if_match, guard_rule, guard_overridden, guard_reason
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
    $23, $24, $25, $26, $27, $28
);

-- name: CompleteChange :exec
UPDATE changes SET
    actor = sqlc.arg(actor), reason = sqlc.arg(reason), request_id = sqlc.arg(request_id), deadline = sqlc.arg(deadline),
    outcome = sqlc.arg(outcome), code = sqlc.arg(code), resolution = sqlc.arg(resolution),
    completed_at = sqlc.arg(completed_at), aws_request_id = sqlc.arg(aws_request_id),
    members_before = sqlc.arg(members_before), members_after = sqlc.arg(members_after),
    instance_type = sqlc.arg(instance_type), launch_time = sqlc.arg(launch_time),
    instance_state = sqlc.arg(instance_state), last_seq = sqlc.arg(last_seq),
    bulk = sqlc.arg(bulk), undoes = sqlc.arg(undoes), if_match = sqlc.arg(if_match), guard_rule = sqlc.arg(guard_rule),
    guard_overridden = sqlc.arg(guard_overridden), guard_reason = sqlc.arg(guard_reason)
WHERE id = sqlc.arg(id);

-- name: DropChanges :exec
DELETE FROM changes WHERE pool = $1 AND id < $2 AND outcome <> '' AND last_seq < $3;

-- name: Unfinished :many
SELECT pool FROM changes WHERE outcome = ''
UNION
SELECT pool FROM logs WHERE applied_at > clock_timestamp() - sqlc.arg(within)::bigint * interval '1 microsecond'
ORDER BY pool;

-- name: Ahead :many
SELECT pool FROM logs WHERE applied_at > clock_timestamp() LIMIT 1;

-- name: Restamp :exec
-- Events with future stamps were recorded before now.
UPDATE logs SET restamped_seq = last_seq, restamped_at = clock_timestamp(), applied_at = clock_timestamp()
WHERE applied_at > clock_timestamp();

-- name: Members :many
SELECT * FROM members WHERE pool = $1 ORDER BY member;

-- name: Populated :many
SELECT DISTINCT pool FROM members ORDER BY pool;

-- name: CountMembers :one
SELECT count(*) FROM members;

-- name: PutMember :exec
INSERT INTO members (pool, member, seq) VALUES ($1, $2, $3)
ON CONFLICT (pool, member) DO UPDATE SET seq = excluded.seq;

-- name: DropMember :exec
DELETE FROM members WHERE pool = $1 AND member = $2;

-- name: DetachedSince :many
SELECT * FROM detached WHERE pool = $1 AND recorded_at > $2;

-- name: Detached :many
SELECT * FROM detached WHERE pool = $1;

-- name: CountDetached :one
SELECT count(*) FROM detached;

-- name: PutDetached :exec
INSERT INTO detached (pool, member, seq, recorded_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (pool, member) DO UPDATE SET seq = excluded.seq, recorded_at = excluded.recorded_at;

-- name: DropDetached :exec
DELETE FROM detached WHERE pool = $1 AND member = $2;

-- name: DropDetachedBefore :exec
DELETE FROM detached WHERE pool = $1 AND seq < $2;

-- name: LockKey :exec
-- A free key has no row to lock.
SELECT pg_advisory_xact_lock(hashtextextended(jsonb_build_array(sqlc.arg(actor)::text, sqlc.arg(method)::text, sqlc.arg(path)::text, sqlc.arg(key)::text)::text, 0));

-- name: Key :many
SELECT change_id, body_hash, at FROM idempotency_keys WHERE actor = $1 AND method = $2 AND path = $3 AND key = $4;

-- name: PutKey :exec
INSERT INTO idempotency_keys (actor, method, path, key, change_id, body_hash, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (actor, method, path, key) DO UPDATE SET
    change_id = excluded.change_id, body_hash = excluded.body_hash, at = excluded.at;

-- name: DropKey :exec
DELETE FROM idempotency_keys WHERE actor = $1 AND method = $2 AND path = $3 AND key = $4 AND change_id = $5;

-- name: CapKeys :exec
UPDATE idempotency_keys SET at = $1 WHERE at > $1;

-- name: DropKeys :one
WITH dropped AS (DELETE FROM idempotency_keys WHERE at <= $1 RETURNING at)
SELECT count(*) FROM dropped;

-- name: Probe :exec
UPDATE probe SET at = clock_timestamp() WHERE id = 1;
