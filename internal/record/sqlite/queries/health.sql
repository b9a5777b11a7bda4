-- name: Health :many
SELECT * FROM health WHERE pool = ? ORDER BY member;

-- name: CountHealth :one
SELECT count(*) FROM health;

-- name: PutHealth :exec
INSERT INTO health (pool, member, state, reason, description, draining, seq, since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pool, member) DO UPDATE SET
    state = excluded.state, reason = excluded.reason, description = excluded.description,
    draining = excluded.draining, seq = excluded.seq, since = excluded.since;

-- name: DropHealth :exec
DELETE FROM health WHERE pool = ? AND member = ?;

-- name: HealthOf :many
SELECT * FROM health WHERE pool = ? AND member = ?;

-- name: MemberOf :many
SELECT * FROM members WHERE pool = ? AND member = ?;

-- name: EventAt :many
SELECT * FROM events WHERE pool = ? AND seq = ?;

-- name: LastChange :many
-- Of changes requested about at once, the last requested may have begun first.
SELECT lately.id FROM (
    SELECT id, first_seq FROM changes
    WHERE member = sqlc.arg(member) AND instance = substr(sqlc.arg(member), 1, instr(sqlc.arg(member) || ':', ':') - 1)
        AND pool = sqlc.arg(pool) AND source = 'lsapi' AND outcome IN ('', 'applied', 'unknown')
    ORDER BY id DESC LIMIT 8
) AS lately
ORDER BY lately.first_seq DESC LIMIT 1;
