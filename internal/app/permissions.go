package app

import (
	"context"

	"lsapi/internal/cloud"
	"lsapi/internal/config"
)

// Permission is one that the service needs of AWS, and what AWS says about it.
type Permission = cloud.Permission

// Permissions asks AWS for each permission that the service needs, with the
// credentials that the service would find here. It changes nothing in AWS.
func Permissions(ctx context.Context, cfg config.Config) ([]Permission, error) {
	asking, err := cloud.New(ctx, cloud.Options{Region: cfg.Region, Endpoint: cfg.AWSEndpoint})
	if err != nil {
		return nil, err //nolint:wrapcheck // says it all
	}
	return asking.Permissions(ctx), nil
}
