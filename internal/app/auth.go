package app

import (
	"lsapi/internal/auth"
	"lsapi/internal/config"
	"lsapi/internal/telemetry"
)

// startAuth starts to know the users.
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
	a.started("looks at the users file", authenticator.Close)
	showAuth(metrics, authenticator)
	a.users = authenticator
	return authenticator, nil
}
