-- Whoever takes a turn records an intent before it acts, and whoever extends one
-- has done so: those commits make sure of what these left to the next flush.

-- name: TakeTurn :many
-- Nothing is locked, and nothing written, while somebody else has it.
INSERT INTO turns (name, holder, epoch, expires_at, next, next_until)
SELECT sqlc.arg(name), sqlc.arg(holder), 1, clock_timestamp() + sqlc.arg(lease)::bigint * interval '1 microsecond', '', 'epoch'
WHERE set_config('synchronous_commit', 'off', true) <> '' AND set_config('lock_timeout', '1s', true) <> ''
    AND NOT EXISTS (
        SELECT FROM turns AS t
        WHERE t.name = sqlc.arg(name) AND t.holder <> sqlc.arg(holder) AND (t.expires_at > clock_timestamp()
            OR t.next NOT IN ('', sqlc.arg(holder)) AND t.next_until > clock_timestamp())
    )
ON CONFLICT (name) DO UPDATE SET
    holder = excluded.holder, epoch = turns.epoch + 1, expires_at = excluded.expires_at,
    next = CASE turns.next WHEN excluded.holder THEN '' ELSE turns.next END
WHERE turns.holder = excluded.holder OR turns.expires_at <= clock_timestamp()
    AND (turns.next IN ('', excluded.holder) OR turns.next_until <= clock_timestamp())
RETURNING epoch;

-- name: WaitForTurn :exec
UPDATE turns SET next = sqlc.arg(holder)::text, next_until = clock_timestamp() + sqlc.arg(grace)::bigint * interval '1 microsecond'
WHERE name = sqlc.arg(name) AND (next IN ('', sqlc.arg(holder)::text) OR next_until <= clock_timestamp())
    AND set_config('synchronous_commit', 'off', true) <> '' AND set_config('lock_timeout', '1s', true) <> '';

-- name: ExtendTurn :many
UPDATE turns SET expires_at = clock_timestamp() + sqlc.arg(lease)::bigint * interval '1 microsecond'
WHERE name = sqlc.arg(name) AND holder = sqlc.arg(holder) AND epoch = sqlc.arg(epoch)
RETURNING epoch;

-- name: GiveTurn :exec
UPDATE turns SET holder = '', expires_at = 'epoch'
WHERE name = sqlc.arg(name) AND holder = sqlc.arg(holder) AND epoch = sqlc.arg(epoch) AND set_config('synchronous_commit', 'off', true) <> '';

-- name: LockTurn :many
-- An expired turn that nobody has taken is still that of its holder.
SELECT clock_timestamp()::timestamptz AS now FROM turns
WHERE name = sqlc.arg(name) AND holder = sqlc.arg(holder) AND epoch = sqlc.arg(epoch)
FOR UPDATE;

-- name: Notify :exec
SELECT pg_notify(sqlc.arg(channel)::text, told) FROM unnest(sqlc.arg(payloads)::text[]) AS told
WHERE set_config('synchronous_commit', 'off', true) <> '';
