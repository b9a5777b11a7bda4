-- leases.go acquires leases, in two statements. An intent follows each acquisition, and
-- precedes each renewal: their commits make durable what these left to the next flush.

-- name: QueueForLease :exec
UPDATE leases SET next = sqlc.arg(holder)::text, next_until = clock_timestamp() + sqlc.arg(grace)::bigint * interval '1 microsecond'
WHERE name = sqlc.arg(name) AND (next IN ('', sqlc.arg(holder)::text) OR next_until <= clock_timestamp())
    AND set_config('synchronous_commit', 'off', true) <> '' AND set_config('lock_timeout', '1s', true) <> '';

-- name: TrimLease :exec
-- No lease ends later than a new one would, unless the clock was set back.
UPDATE leases SET
    expires_at = least(expires_at, clock_timestamp() + sqlc.arg(lease)::bigint * interval '1 microsecond'),
    next_until = least(next_until, clock_timestamp() + sqlc.arg(grace)::bigint * interval '1 microsecond')
WHERE name = sqlc.arg(name)
    AND (expires_at > clock_timestamp() + sqlc.arg(lease)::bigint * interval '1 microsecond'
        OR next_until > clock_timestamp() + sqlc.arg(grace)::bigint * interval '1 microsecond')
    AND set_config('synchronous_commit', 'off', true) <> '' AND set_config('lock_timeout', '1s', true) <> '';

-- name: RenewLease :many
UPDATE leases SET expires_at = clock_timestamp() + sqlc.arg(lease)::bigint * interval '1 microsecond'
WHERE name = sqlc.arg(name) AND holder = sqlc.arg(holder) AND epoch = sqlc.arg(epoch)
RETURNING epoch;

-- name: ReleaseLease :exec
UPDATE leases SET holder = '', expires_at = 'epoch'
WHERE name = sqlc.arg(name) AND holder = sqlc.arg(holder) AND epoch = sqlc.arg(epoch) AND set_config('synchronous_commit', 'off', true) <> '';

-- name: DropLease :execrows
-- A pool without a log leaves no row, unless a process waits for it: any caller
-- can invent names.
DELETE FROM leases
WHERE name = sqlc.arg(name) AND holder = sqlc.arg(holder) AND epoch = sqlc.arg(epoch)
    AND (next = '' OR next_until <= clock_timestamp())
    AND NOT EXISTS (SELECT FROM logs WHERE pool = sqlc.arg(name)) AND set_config('synchronous_commit', 'off', true) <> '';

-- name: DropLeases :exec
-- Those of processes that ended without a release.
DELETE FROM leases AS t
WHERE t.expires_at < clock_timestamp() - sqlc.arg(age)::bigint * interval '1 microsecond' AND t.expires_at > 'epoch'
    AND NOT EXISTS (SELECT FROM logs WHERE pool = t.name);

-- name: LockLease :many
-- An expired lease is its holder's until another process acquires it.
SELECT clock_timestamp()::timestamptz AS now FROM leases
WHERE name = sqlc.arg(name) AND holder = sqlc.arg(holder) AND epoch = sqlc.arg(epoch)
FOR UPDATE;

-- name: Notify :exec
SELECT pg_notify(sqlc.arg(channel)::text, payload) FROM unnest(sqlc.arg(payloads)::text[]) AS payload
WHERE set_config('synchronous_commit', 'off', true) <> '';
