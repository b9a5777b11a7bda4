-- name: Anchor :one
SELECT boot, booted_at FROM clock WHERE id = 1;

-- name: PutAnchor :exec
UPDATE clock SET boot = ?, booted_at = ? WHERE id = 1;

-- name: LastStamp :one
-- The latest time at which an event counts as recorded.
SELECT CAST(coalesce(max(
    CASE WHEN e.seq <= l.restamped_seq THEN min(e.recorded_at, l.restamped_at) ELSE e.recorded_at END
), 0) AS INTEGER) AS at
FROM logs AS l JOIN events AS e ON e.pool = l.pool AND e.seq = l.last_seq;
