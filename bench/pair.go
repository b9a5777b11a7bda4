package main

import "context"

// pair is lsapi with an emulated AWS.
type pair struct {
	service *service
	aws     *emulated
}

// startPair starts an emulator with arguments, and lsapi serve with those of the launch.
func (b *bench) startPair(ctx context.Context, l launch, emulatorArgs ...string) (pair, error) {
	aws, err := b.startEmulator(ctx, emulatorArgs...)
	if err != nil {
		return pair{}, err
	}
	l.aws = aws.url
	served, err := b.startService(ctx, l)
	if err != nil {
		aws.Stop()
		return pair{}, err
	}
	return pair{served, aws}, nil
}

// startWarmPair also reads the first list, so that the service has the fleet in memory.
func (b *bench) startWarmPair(ctx context.Context, l launch, emulatorArgs ...string) (pair, error) {
	return b.startPairReading(ctx, path(1), l, emulatorArgs...)
}

// startPairReading also reads a path once.
func (b *bench) startPairReading(ctx context.Context, path string, l launch, emulatorArgs ...string) (pair, error) {
	p, err := b.startPair(ctx, l, emulatorArgs...)
	if err != nil {
		return pair{}, err
	}
	if err := p.service.warm(ctx, path); err != nil {
		p.stop()
		return pair{}, err
	}
	return p, nil
}

// startFilledPair also waits for a full listing, so that the cold start is not measured.
func (b *bench) startFilledPair(ctx context.Context, emulatorArgs ...string) (pair, error) {
	p, err := b.startWarmPair(ctx, launch{}, emulatorArgs...)
	if err != nil {
		return pair{}, err
	}
	if err := p.service.untilMetric(ctx, refreshMetric, 1); err != nil {
		p.stop()
		return pair{}, err
	}
	return p, nil
}

func (p pair) stop() {
	p.service.Stop()
	p.aws.Stop()
}

// unlimited returns arguments that remove the limits of the budget.
func unlimited() []string {
	const much = "1000000+1000000"
	return []string{
		"--budget-elb-read", much, "--budget-elb-write", much,
		"--budget-elbv2-read", much, "--budget-elbv2-write", much,
		"--budget-ec2-filtered", much, "--budget-ec2-plain", much,
	}
}
