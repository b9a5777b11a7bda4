-- name: Delivery :many
SELECT * FROM deliveries WHERE receiver = ?;

-- name: AddDelivery :exec
INSERT INTO deliveries (receiver, major, minor, at, out_until, holder, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (receiver) DO NOTHING;

-- name: PutDelivery :exec
UPDATE deliveries SET major = ?, minor = ?, at = ?, out_until = ?, holder = ?, expires_at = ? WHERE receiver = ?;

-- name: DropDeliveries :exec
DELETE FROM deliveries WHERE expires_at < ?;

-- name: OutOfService :many
-- A target of a group that no load balancer uses is not out of service.
SELECT h.* FROM health AS h
JOIN members AS m ON m.pool = h.pool AND m.member = h.member
WHERE h.since >= sqlc.arg(since) AND h.since < sqlc.arg(until)
    AND h.state = 'OutOfService' AND h.draining = 0 AND h.reason <> 'Target.NotInUse'
ORDER BY h.since, h.pool, h.member;
