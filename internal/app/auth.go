package app

import (
	"lsapi/internal/auth"
	"lsapi/internal/config"
	"lsapi/internal/telemetry"
)

func (a *App) startAuth(cfg config.Config, metrics *telemetry.Metrics) (*auth.Authenticator, error) {
	authenticator, err := auth.New(auth.Options{
		Token:     string(cfg.APIToken),
		UsersFile: cfg.UsersFile,
		Log:       a.log,
	})
	if err != nil {
		return nil, err
	}
	authenticator.Start()
	a.started("watch of the users file", authenticator.Close)
	registerAuthMetrics(metrics, authenticator)
	a.users = authenticator
	return authenticator, nil
}
