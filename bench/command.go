package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	commandName = "lsapi elb show"
	awsName     = "aws elb describe-load-balancers"
)

// command is a program that reads one list and ends.
type command struct {
	name  string
	words []string
	env   []string // beside PATH and HOME
}

// lsapiCommand returns the command of lsapi, which reads from the service.
func (b *bench) lsapiCommand(s *service) command {
	return command{
		name:  commandName,
		words: []string{b.binary, "elb", "show", balancer(1), "-o", "json"},
		env:   []string{"LSAPI_URL=" + s.url(""), "LSAPI_CONFIG=" + os.DevNull, "LSAPI_USER=" + user, "LSAPI_PASSWORD=" + password},
	}
}

// awsCommand returns the command of the AWS CLI, which calls AWS. It lists the ids of the
// members, without the type and launch date of their instances.
func (b *bench) awsCommand(e *emulated) command {
	const debian = "/usr/bin/aws"
	program := debian
	if _, err := os.Stat(debian); err != nil {
		program = "aws"
	}
	return command{
		name: awsName,
		words: []string{
			program, "--endpoint-url", e.url, "--region", "us-east-1", "--no-cli-pager",
			"elb", "describe-load-balancers", "--load-balancer-names", balancer(1),
		},
		env: []string{"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "AWS_CONFIG_FILE=" + os.DevNull},
	}
}

// repeat runs the command again and again, in several callers at a time. The last runs end
// after the duration, and count with the time that they take.
func (c command) repeat(ctx context.Context, callers int, lasts time.Duration) (sample, error) {
	latencies := make([][]time.Duration, callers)
	problems := make([]error, callers)
	began := time.Now()
	var running sync.WaitGroup
	for i := range callers {
		running.Go(func() {
			for time.Since(began) < lasts && problems[i] == nil {
				started := time.Now()
				problems[i] = c.run(ctx)
				latencies[i] = append(latencies[i], time.Since(started))
			}
		})
	}
	running.Wait()
	took := time.Since(began)
	for _, problem := range problems {
		if problem != nil {
			return sample{}, problem
		}
	}
	all := load.NewLatencies(latencies...)
	return sample{
		perSecond: float64(len(all)) / took.Seconds(),
		p50:       report.Milliseconds(all.Percentile(0.5)),
		p99:       report.Milliseconds(all.Percentile(0.99)),
	}, nil
}

func (c command) run(ctx context.Context) error {
	process := exec.CommandContext(ctx, c.words[0], c.words[1:]...)
	process.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, c.env...)
	if out, err := process.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c.name, err, out)
	}
	return nil
}
