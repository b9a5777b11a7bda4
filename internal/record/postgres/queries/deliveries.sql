-- name: Delivery :many
SELECT * FROM deliveries WHERE receiver = $1;

-- name: LockDelivery :many
SELECT * FROM deliveries WHERE receiver = $1 FOR UPDATE;

-- name: AddDelivery :exec
INSERT INTO deliveries (receiver, major, minor, at, out_until, holder, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (receiver) DO NOTHING;

-- name: PutDelivery :exec
UPDATE deliveries SET major = $1, minor = $2, at = $3, out_until = $4, holder = $5, expires_at = $6 WHERE receiver = $7;

-- name: DropDeliveries :exec
DELETE FROM deliveries WHERE expires_at < $1;

-- name: OutOfService :many
-- A target of a group that no load balancer uses is not out of service.
SELECT h.* FROM health AS h
JOIN members AS m ON m.pool = h.pool AND m.member = h.member
WHERE h.since >= sqlc.arg(since)::timestamptz AND h.since < sqlc.arg(until)::timestamptz
    AND h.state = 'OutOfService' AND NOT h.draining AND h.reason <> 'Target.NotInUse'
ORDER BY h.since, h.pool, h.member;
