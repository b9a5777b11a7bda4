-- name: Health :many
SELECT * FROM health WHERE load_balancer = ? ORDER BY instance_id;

-- name: CountHealth :one
SELECT count(*) FROM health;

-- name: PutHealth :exec
INSERT INTO health (load_balancer, instance_id, state, reason, description, draining, seq, since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (load_balancer, instance_id) DO UPDATE SET
    state = excluded.state, reason = excluded.reason, description = excluded.description,
    draining = excluded.draining, seq = excluded.seq, since = excluded.since;

-- name: DropHealth :exec
DELETE FROM health WHERE load_balancer = ? AND instance_id = ?;

-- name: HealthOf :many
SELECT * FROM health WHERE load_balancer = ? AND instance_id = ?;

-- name: MemberOf :many
SELECT * FROM members WHERE load_balancer = ? AND instance_id = ?;

-- name: EventAt :many
SELECT * FROM events WHERE load_balancer = ? AND seq = ?;

-- name: LastChange :many
-- Of changes that were asked for about at once, the one that was asked for last may
-- have been begun first.
SELECT lately.id FROM (
    SELECT id, first_seq FROM changes
    WHERE instance_id = ? AND load_balancer = ? AND source = 'lsapi' AND outcome IN ('', 'applied', 'unknown')
    ORDER BY id DESC LIMIT 8
) AS lately
ORDER BY lately.first_seq DESC LIMIT 1;
