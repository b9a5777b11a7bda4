package app

import (
	"errors"

	"lsapi"
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

// CheckToken says what is wrong with an API token, without echoing it.
func CheckToken(token string) error { return plain(auth.CheckToken(token)) }

// CheckUsersFile says what is wrong with a file of users, beside a token that may
// be empty, without echoing either.
func CheckUsersFile(path, token string) error { return plain(auth.CheckUsersFile(path, token)) }

// plain leaves the code off an error that a person reads.
func plain(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(lsapi.AsError(err).Message)
}
