-- name: Beat :exec
INSERT INTO replicas (id, seen_at)
SELECT sqlc.arg(id), clock_timestamp() WHERE set_config('synchronous_commit', 'off', true) <> ''
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: Replicas :one
-- A time that is further ahead is of a clock that was set back since.
SELECT count(*) FROM replicas
WHERE seen_at BETWEEN clock_timestamp() - sqlc.arg(lately)::bigint * interval '1 microsecond'
    AND clock_timestamp() + sqlc.arg(lately)::bigint * interval '1 microsecond';

-- name: LeaveReplicas :exec
DELETE FROM replicas
WHERE id = sqlc.arg(id) OR seen_at < clock_timestamp() - interval '1 hour' OR seen_at > clock_timestamp() + interval '1 hour';

-- name: MoveListing :one
UPDATE listing SET version = version + 1, as_of = clock_timestamp() WHERE id = 1 RETURNING version;

-- name: Listing :many
-- The row of a kind has the state of its listing in place of a description, and as its pool
-- the begin of the ids of the kind's pools, such as 'default/elb/'.
SELECT version, description, clock_timestamp()::timestamptz AS now FROM listed WHERE pool = $1;

-- name: Listed :many
SELECT * FROM listed WHERE version > sqlc.arg(version) AND pool <> sqlc.arg(kind) AND starts_with(pool, sqlc.arg(kind)) ORDER BY pool;

-- name: PutListed :exec
INSERT INTO listed (pool, version, gone, members, description) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (pool) DO UPDATE SET
    version = excluded.version, gone = excluded.gone, members = excluded.members, description = excluded.description;

-- name: DropGone :exec
-- Of pools that were deleted, with names that may never come again.
DELETE FROM listed WHERE gone AND version <= sqlc.arg(version) AND starts_with(pool, sqlc.arg(kind));

-- name: ClaimHealth :many
-- While another process has the claim, nothing is locked or written. A future time is of
-- a clock that was set back.
INSERT INTO health_claims AS c (pool, at)
SELECT sqlc.arg(pool), clock_timestamp()
WHERE set_config('synchronous_commit', 'off', true) <> '' AND NOT EXISTS (
    SELECT FROM health_claims AS held
    WHERE held.pool = sqlc.arg(pool)
        AND held.at > clock_timestamp() - sqlc.arg(every)::bigint * interval '1 microsecond' AND held.at <= clock_timestamp()
)
ON CONFLICT (pool) DO UPDATE SET at = clock_timestamp()
WHERE c.at <= clock_timestamp() - sqlc.arg(every)::bigint * interval '1 microsecond' OR c.at > clock_timestamp()
RETURNING c.pool;

-- name: Clock :one
SELECT clock_timestamp()::timestamptz;

-- name: PublishHealth :many
-- A report stays when its asking began later, unless that is by a clock that was set
-- back since.
WITH next AS (
    UPDATE health_version SET version = version + 1
    WHERE id = 1 AND set_config('synchronous_commit', 'off', true) <> ''
    RETURNING version
)
INSERT INTO health_reports AS r (pool, version, as_of, report)
SELECT sqlc.arg(pool), next.version, sqlc.arg(as_of), sqlc.arg(report) FROM next
ON CONFLICT (pool) DO UPDATE SET version = excluded.version, as_of = excluded.as_of, report = excluded.report
WHERE r.as_of <= excluded.as_of OR r.as_of > clock_timestamp()
RETURNING r.version;

-- name: HealthReports :many
SELECT pool, version, report, as_of, clock_timestamp()::timestamptz AS now FROM health_reports
WHERE version > $1 ORDER BY version;

-- name: DropHealthReports :exec
-- Those of the future are of a clock that was set back since: their age is not known.
DELETE FROM health_reports
WHERE as_of < clock_timestamp() - sqlc.arg(age)::bigint * interval '1 microsecond' OR as_of > clock_timestamp();

-- name: DropHealthClaims :exec
DELETE FROM health_claims
WHERE at < clock_timestamp() - sqlc.arg(age)::bigint * interval '1 microsecond' OR at > clock_timestamp();
