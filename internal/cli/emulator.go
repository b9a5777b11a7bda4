package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/telemetry"
)

const (
	defaultEmulatorListen = "127.0.0.1:4566"
	// defaultMemberConcurrency is about what a small web server's workers are.
	defaultMemberConcurrency = 256
)

const emulatorHelp = `Run a small AWS on this machine: Classic load balancers, EC2 instances and STS,
in memory, for laptops and tests. The AWS CLI, boto3 and every SDK can talk to
it. It takes any credentials, and asks for some as AWS does.

Faults on request, the calls counted, and its state are under /_emulator/:

  curl -d '{"action":"*","kind":"throttle","count":3}' http://127.0.0.1:4566/_emulator/faults
  curl http://127.0.0.1:4566/_emulator/calls
  curl http://127.0.0.1:4566/_emulator/state

With --data-plane each HTTP or TCP listener of a load balancer is a port of this
machine, and each member a small web server behind it. Health is what probes find,
draining takes as long as requests do, and CloudWatch has the metrics. What is carried
is under /_emulator/traffic; /_emulator/kill makes an instance die, /_emulator/revive
answer again.

Environment variables set none of its flags.`

const emulatorExample = `  lsapi emulator
  lsapi emulator --fleet 100x20 --latency 50ms --throttle aws
  lsapi emulator --fleet fleet.yaml --lag 500ms

  # then, in another shell
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
  aws --endpoint-url http://127.0.0.1:4566 elb describe-load-balancers`

type emulatorFlags struct {
	listen, fleet, region, throttle string
	latency, lag                    time.Duration
	dataPlane                       bool
	memberConcurrency               int
	backends                        map[string]string
}

func newEmulator(p Process) *cobra.Command {
	var f emulatorFlags
	command := &cobra.Command{
		Use:     "emulator",
		Short:   "Run an emulated AWS",
		Long:    emulatorHelp,
		Example: emulatorExample,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !f.dataPlane && c.Flags().Changed("member-concurrency") {
				return usagef("--member-concurrency is for --data-plane")
			}
			return emulate(c.Context(), p, f)
		},
	}
	flags := command.Flags()
	flags.StringVar(&f.listen, "listen", defaultEmulatorListen, "`address` to listen on, host:port")
	flags.StringVar(&f.fleet, "fleet", "demo", "what exists at the start: demo, empty, LBSxMEMBERS such as 100x20, or a YAML `file`")
	flags.StringVar(&f.region, "region", "us-east-1", "AWS `region` to be")
	flags.DurationVar(&f.latency, "latency", 0, "time that each call takes, such as 50ms")
	flags.DurationVar(&f.lag, "lag", 0, "time by which reads trail writes at most, such as 500ms")
	flags.StringVar(&f.throttle, "throttle", "off", "`aws` refuses calls beyond AWS's request rates, off refuses none")
	flags.BoolVar(&f.dataPlane, "data-plane", false, "have load balancers listen and forward HTTP and TCP to members that answer")
	flags.IntVar(&f.memberConcurrency, "member-concurrency", defaultMemberConcurrency, "`requests` that each member serves at a time; more wait in the surge queue")
	flags.StringToStringVar(&f.backends, "backend", nil, "what answers for an instance in place of a small web server, `INSTANCE=HOST:PORT`; may be repeated")
	return command
}

func emulate(ctx context.Context, p Process, f emulatorFlags) error {
	handler, err := f.build()
	if err != nil {
		return err
	}
	signals := catchSignals()
	defer signals.release()
	listener, err := app.Listen(ctx, f.listen)
	if err != nil {
		return err
	}
	if f.dataPlane {
		handler.Carry(dataplane.Options{Concurrency: f.memberConcurrency, Backends: f.backends, Log: emulatorLog(p)})
	}
	server := serveEmulator(listener, handler, p)
	var text bytes.Buffer
	printEmulator(&text, server.Addr(), f)
	if f.dataPlane {
		fmt.Fprintln(&text, "# Its load balancers listen:")
		printTraffic(&text, handler)
	}
	writeInBackground(p.Stdout, text.String())
	writeInBackground(p.Stderr, exposureWarning(server.Addr()))
	return signals.runUntilStopped(ctx, server, 0, nil)
}

// emulatorServer stops at once: the emulator keeps nothing that could be lost,
// and holds calls for as long as its faults say.
type emulatorServer struct {
	*app.Server
	emulator *emulator.Emulator
}

func (s emulatorServer) Stop(context.Context) error { return s.Close() }

// Close stops it at once, and the traffic of its load balancers.
func (s emulatorServer) Close() error { return errors.Join(s.Server.Close(), s.emulator.Close()) }

func serveEmulator(listener net.Listener, emulated *emulator.Emulator, p Process) emulatorServer {
	return emulatorServer{app.Serve(listener, emulated, 0, emulatorLog(p)), emulated}
}

// emulatorLog is where the emulator tells what is not as it should be.
func emulatorLog(p Process) *slog.Logger {
	return slog.New(slog.NewTextHandler(telemetry.NewWriter(p.Stderr), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// build checks the flags and makes the emulator.
func (f emulatorFlags) build() (*emulator.Emulator, error) {
	if err := config.CheckAddress(f.listen); err != nil {
		return nil, usagef("--listen: %w", err)
	}
	if f.latency < 0 || f.lag < 0 {
		return nil, usagef("--latency and --lag cannot be negative")
	}
	if f.memberConcurrency < 1 {
		return nil, usagef("--member-concurrency: must be at least 1")
	}
	if !f.dataPlane && len(f.backends) > 0 {
		return nil, usagef("--backend is for --data-plane")
	}
	for id, address := range f.backends {
		if err := config.CheckAddress(address); err != nil || !lsapi.ValidInstanceID(id) {
			return nil, usagef("--backend %s=%s: must be such as i-0592fe5ccee879f04=127.0.0.1:8000", id, address)
		}
	}
	if f.throttle != "aws" && f.throttle != "off" {
		return nil, usagef("--throttle: neither aws nor off")
	}
	fleet, err := emulator.ParseFleet(f.fleet)
	if err != nil {
		return nil, usagef("--fleet: %w", err)
	}
	built, err := emulator.New(emulator.Options{
		Fleet:    fleet,
		Region:   f.region,
		Latency:  f.latency,
		Lag:      f.lag,
		Throttle: f.throttle == "aws",
	})
	if err != nil {
		return nil, statusError{err, ExitUsage}
	}
	return built, nil
}

// printTraffic prints where load balancers listen, as comments of a shell.
func printTraffic(w io.Writer, emulated *emulator.Emulator) {
	for _, t := range emulated.Traffic() {
		for _, l := range t.Listeners {
			where := l.URL
			if where == "" {
				where = "nowhere: " + l.Problem
			}
			fmt.Fprintf(w, "#   %s, %s port %d: %s\n", t.LoadBalancer, l.Protocol, l.Port, where)
		}
	}
}

// exposureWarning is a line for an emulator that other machines can reach; empty for
// another.
func exposureWarning(address net.Addr) string {
	bound, err := netip.ParseAddrPort(address.String())
	if err != nil || bound.Addr().IsLoopback() {
		return ""
	}
	return fmt.Sprintf("listening on %s: every machine that reaches this one can use the emulator\n", address)
}

// printEmulator prints lines for a shell: comments, exports and a first command.
func printEmulator(w io.Writer, address net.Addr, f emulatorFlags) {
	url := "http://" + dialAddress(address.String())
	fmt.Fprintf(w, `# An emulated AWS listens on %[1]s. Ctrl-C ends it. In another shell:
export AWS_ENDPOINT_URL=%[1]s AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=%[2]s AWS_DEFAULT_REGION=%[2]s
aws --endpoint-url "$AWS_ENDPOINT_URL" elb describe-load-balancers
`, url, f.region)
}
