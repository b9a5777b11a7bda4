package app

import (
	"lsapi/internal/config"
	"lsapi/internal/fleet"
	"lsapi/internal/policy"
	"lsapi/internal/telemetry"
)

// startPolicy reads the policy file, if there is one, and starts its reloads.
func (a *App) startPolicy(cfg config.Config, metrics *telemetry.Metrics) error {
	file, err := policy.Open(cfg.Policy, a.log)
	if err != nil {
		return err
	}
	file.Start()
	a.started("watch of the policy file", file.Close)
	registerPolicyMetrics(metrics, file)
	a.policy = file
	return nil
}

// startGuards starts the guards of the policy and of tags.
func (a *App) startGuards(tags *fleet.Tags, metrics *telemetry.Metrics) *policy.Guards {
	guards := policy.New(policy.Options{Policy: a.policy.Policy, Tags: tags, Log: a.log})
	a.started("guards", guards.Close)
	registerGuardMetrics(metrics, guards)
	return guards
}
