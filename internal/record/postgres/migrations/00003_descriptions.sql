-- +goose Up
-- How a load balancer is set up, as listing it told. NULL when that is not known.
ALTER TABLE listed ADD COLUMN description json;

-- +goose Down
ALTER TABLE listed DROP COLUMN description;
