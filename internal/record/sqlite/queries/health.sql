-- name: Health :many
SELECT * FROM health WHERE pool = ? ORDER BY member;

-- name: CountHealth :one
SELECT count(*) FROM health;

-- name: PutHealth :exec
INSERT INTO health (pool, member, state, aws_state, reason, description, draining, seq, since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pool, member) DO UPDATE SET
    state = excluded.state, aws_state = excluded.aws_state, reason = excluded.reason,
    description = excluded.description, draining = excluded.draining, seq = excluded.seq, since = excluded.since;

-- name: DropHealth :exec
DELETE FROM health WHERE pool = ? AND member = ?;

-- name: HealthOf :many
SELECT * FROM health WHERE pool = ? AND member = ?;

-- name: MemberOf :many
SELECT * FROM members WHERE pool = ? AND member = ?;

-- name: EventAt :many
SELECT * FROM events WHERE pool = ? AND seq = ?;

-- name: LastChange :many
-- Of changes requested about at once, the last requested may have begun first. Those of an
-- earlier pool of the same name do not count.
SELECT lately.id FROM (
    SELECT c.id, c.first_seq FROM changes AS c
    WHERE c.instance = sqlc.arg(instance) AND c.member = sqlc.arg(member)
        AND c.pool = sqlc.arg(pool) AND c.first_seq > (SELECT l.replaced_seq FROM logs AS l WHERE l.pool = c.pool)
        AND c.source = 'lsapi' AND c.outcome IN ('', 'applied', 'unknown')
    ORDER BY c.id DESC LIMIT 8
) AS lately
ORDER BY lately.first_seq DESC LIMIT 1;
