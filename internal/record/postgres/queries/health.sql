-- name: Health :many
SELECT * FROM health WHERE pool = $1 ORDER BY member;

-- name: CountHealth :one
SELECT count(*) FROM health;

-- name: PutHealth :exec
INSERT INTO health (pool, member, state, aws_state, reason, description, draining, seq, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (pool, member) DO UPDATE SET
    state = excluded.state, aws_state = excluded.aws_state, reason = excluded.reason,
    description = excluded.description, draining = excluded.draining, seq = excluded.seq, since = excluded.since;

-- name: DropHealth :exec
DELETE FROM health WHERE pool = $1 AND member = $2;

-- name: HealthOf :many
SELECT * FROM health
WHERE pool = sqlc.arg(pool) AND member = ANY (sqlc.arg(members)::text[]);

-- name: MembersOf :many
SELECT * FROM members
WHERE pool = sqlc.arg(pool) AND member = ANY (sqlc.arg(members)::text[]);

-- name: EventsAt :many
SELECT * FROM events WHERE pool = sqlc.arg(pool) AND seq = ANY (sqlc.arg(seqs)::bigint[]);

-- name: LastChanges :many
-- Of changes requested about at once, the last requested may have begun first. Those of an
-- earlier pool of the same name do not count.
SELECT last.id FROM (
    SELECT unnest(sqlc.arg(members)::text[]) AS member, unnest(sqlc.arg(instances)::text[]) AS instance
) AS given
CROSS JOIN LATERAL (
    SELECT lately.id FROM (
        SELECT c.id, c.first_seq FROM changes AS c
        WHERE c.instance = given.instance AND c.member = given.member AND c.pool = sqlc.arg(pool)
            AND c.first_seq > (SELECT l.replaced_seq FROM logs AS l WHERE l.pool = sqlc.arg(pool))
            AND c.source = 'lsapi' AND c.outcome IN ('', 'applied', 'unknown')
        ORDER BY c.id DESC LIMIT 8
    ) AS lately
    ORDER BY lately.first_seq DESC LIMIT 1
) AS last;
