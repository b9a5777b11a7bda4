-- name: EventsAfter :many
SELECT * FROM events WHERE place > 0 AND place > sqlc.arg(place) AND kind <> 'checkpoint' ORDER BY place LIMIT sqlc.arg(most);

-- name: LastPlace :many
SELECT place FROM events WHERE place > 0 AND kind <> 'checkpoint' ORDER BY place DESC LIMIT 1;

-- name: DroppedPlace :one
SELECT dropped FROM places WHERE id = 1;

-- name: DropPlaces :exec
-- Places of events that are about to be dropped.
UPDATE places SET dropped = max(dropped, (
    SELECT coalesce(max(place), 0) FROM events WHERE pool = ? AND seq < ? AND kind <> 'checkpoint'
))
WHERE id = 1;
