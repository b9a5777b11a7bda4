-- name: KeepPlaces :exec
-- Where the ids of transactions are less than they were, they go on from the last
-- place.
UPDATE places SET base = last.major
FROM (
    SELECT greatest(
        (SELECT major FROM events WHERE major > 0 ORDER BY major DESC LIMIT 1),
        (SELECT dropped_major FROM places WHERE id = 1)
    )::bigint AS major
) AS last
WHERE id = 1 AND last.major >= base + pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- name: EventsAfter :many
SELECT * FROM events
WHERE major > 0 AND (major, seq) > (sqlc.arg(major)::bigint, sqlc.arg(seq)::bigint) AND kind <> 'checkpoint'
    AND major < (SELECT base FROM places WHERE id = 1) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
ORDER BY major, seq LIMIT sqlc.arg(most)::integer;

-- name: LastPlace :many
SELECT major, seq FROM events
WHERE major > 0 AND kind <> 'checkpoint'
    AND major < (SELECT base FROM places WHERE id = 1) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
ORDER BY major DESC, seq DESC LIMIT 1;

-- name: Behind :many
-- The events behind a place that can be read, and those that cannot be yet: one of
-- each at most.
(
    SELECT true::boolean AS readable FROM events
    WHERE major > 0 AND (major, seq) > (sqlc.arg(major)::bigint, sqlc.arg(seq)::bigint) AND kind <> 'checkpoint'
        AND major < (SELECT base FROM places WHERE id = 1) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    LIMIT 1
)
UNION ALL
(
    SELECT false::boolean AS readable FROM events
    WHERE major > 0 AND (major, seq) > (sqlc.arg(major)::bigint, sqlc.arg(seq)::bigint) AND kind <> 'checkpoint'
        AND major >= (SELECT base FROM places WHERE id = 1) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    LIMIT 1
);

-- name: DroppedPlace :one
SELECT dropped_major, dropped_seq FROM places WHERE id = 1;
