-- name: Health :many
SELECT * FROM health WHERE load_balancer = $1 ORDER BY instance_id;

-- name: CountHealth :one
SELECT count(*) FROM health;

-- name: PutHealth :exec
INSERT INTO health (load_balancer, instance_id, state, reason, description, draining, seq, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (load_balancer, instance_id) DO UPDATE SET
    state = excluded.state, reason = excluded.reason, description = excluded.description,
    draining = excluded.draining, seq = excluded.seq, since = excluded.since;

-- name: DropHealth :exec
DELETE FROM health WHERE load_balancer = $1 AND instance_id = $2;

-- name: HealthOf :many
SELECT * FROM health
WHERE load_balancer = sqlc.arg(load_balancer) AND instance_id = ANY (sqlc.arg(instance_ids)::text[]);

-- name: MembersOf :many
SELECT * FROM members
WHERE load_balancer = sqlc.arg(load_balancer) AND instance_id = ANY (sqlc.arg(instance_ids)::text[]);

-- name: EventsAt :many
SELECT * FROM events WHERE load_balancer = sqlc.arg(load_balancer) AND seq = ANY (sqlc.arg(seqs)::bigint[]);

-- name: LastChanges :many
-- Of changes that were asked for about at once, the one that was asked for last may
-- have been begun first.
SELECT last.id FROM unnest(sqlc.arg(instance_ids)::text[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT lately.id FROM (
        SELECT c.id, c.first_seq FROM changes AS c
        WHERE c.instance_id = wanted.id AND c.load_balancer = sqlc.arg(load_balancer)
            AND c.source = 'lsapi' AND c.outcome IN ('', 'applied', 'unknown')
        ORDER BY c.id DESC LIMIT 8
    ) AS lately
    ORDER BY lately.first_seq DESC LIMIT 1
) AS last;
