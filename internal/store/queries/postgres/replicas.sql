-- name: Beat :exec
INSERT INTO replicas (id, seen_at)
SELECT sqlc.arg(id), clock_timestamp() WHERE set_config('synchronous_commit', 'off', true) <> ''
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: Replicas :one
SELECT count(*) FROM replicas WHERE seen_at > clock_timestamp() - sqlc.arg(lately)::bigint * interval '1 microsecond';

-- name: LeaveReplicas :exec
DELETE FROM replicas
WHERE id = sqlc.arg(id) OR seen_at < clock_timestamp() - interval '1 hour';

-- name: Listing :one
SELECT version, as_of, clock_timestamp()::timestamptz AS now FROM listing WHERE id = 1;

-- name: MoveListing :many
-- One that is published already stays when it is the later one.
UPDATE listing SET version = version + 1, as_of = sqlc.arg(as_of)::timestamptz
WHERE id = 1 AND as_of <= sqlc.arg(as_of)::timestamptz
RETURNING version;

-- name: Listed :many
SELECT * FROM listed WHERE version > $1 ORDER BY load_balancer;

-- name: PutListed :exec
INSERT INTO listed (load_balancer, version, gone, members, description) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (load_balancer) DO UPDATE SET
    version = excluded.version, gone = excluded.gone, members = excluded.members, description = excluded.description;
