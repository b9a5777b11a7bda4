package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/emulator"
)

const defaultEmulatorListen = "127.0.0.1:4566"

const emulatorHelp = `Run a small AWS on this machine: Classic load balancers, EC2 instances and STS,
in memory, for laptops and tests. The AWS CLI, boto3 and every SDK can talk to
it. It takes any credentials, and asks for some as AWS does.

Faults on request, the calls counted, and its state are under /_emulator/:

  curl -d '{"action":"*","kind":"throttle","count":3}' http://127.0.0.1:4566/_emulator/faults
  curl http://127.0.0.1:4566/_emulator/calls
  curl http://127.0.0.1:4566/_emulator/state

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
}

func newEmulator(p Process) *cobra.Command {
	var f emulatorFlags
	command := &cobra.Command{
		Use:     "emulator",
		Short:   "Run an emulated AWS",
		Long:    emulatorHelp,
		Example: emulatorExample,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return emulate(c.Context(), p, f) },
	}
	flags := command.Flags()
	flags.StringVar(&f.listen, "listen", defaultEmulatorListen, "`address` to listen on, host:port")
	flags.StringVar(&f.fleet, "fleet", "demo", "what exists at the start: demo, empty, LBSxMEMBERS such as 100x20, or a YAML `file`")
	flags.StringVar(&f.region, "region", "us-east-1", "AWS `region` to be")
	flags.DurationVar(&f.latency, "latency", 0, "time that each call takes, such as 50ms")
	flags.DurationVar(&f.lag, "lag", 0, "time by which reads trail writes at most, such as 500ms")
	flags.StringVar(&f.throttle, "throttle", "off", "`aws` refuses calls beyond AWS's request rates, off refuses none")
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
	server := serveEmulator(listener, handler, p)
	printEmulator(p, server.Addr(), f)
	return signals.runUntilStopped(ctx, server, 0)
}

// emulatorServer stops at once: the emulator keeps nothing that could be lost,
// and holds calls for as long as its faults say.
type emulatorServer struct{ *app.Server }

func (s emulatorServer) Stop(context.Context) error { return s.Close() }

func serveEmulator(listener net.Listener, handler http.Handler, p Process) emulatorServer {
	log := slog.New(slog.NewTextHandler(p.Stderr, nil))
	return emulatorServer{app.Serve(listener, handler, 0, log)}
}

// build checks the flags and makes the emulator.
func (f emulatorFlags) build() (*emulator.Emulator, error) {
	if err := config.CheckAddress(f.listen); err != nil {
		return nil, usagef("--listen: %w", err)
	}
	if f.latency < 0 || f.lag < 0 {
		return nil, usagef("--latency and --lag cannot be negative")
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
		return nil, usageError{err}
	}
	return built, nil
}

// printEmulator prints lines for a shell: comments, exports and a first command.
func printEmulator(p Process, address net.Addr, f emulatorFlags) {
	url := "http://" + dialAddress(address.String())
	if bound, err := netip.ParseAddrPort(address.String()); err == nil && !bound.Addr().IsLoopback() {
		fmt.Fprintf(p.Stderr, "listening on %s: whoever reaches this machine can use the emulator\n", address)
	}
	fmt.Fprintf(p.Stdout, `# An emulated AWS listens on %[1]s. Ctrl-C ends it. In another shell:
export AWS_ENDPOINT_URL=%[1]s AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=%[2]s AWS_DEFAULT_REGION=%[2]s
aws --endpoint-url "$AWS_ENDPOINT_URL" elb describe-load-balancers
`, url, f.region)
}
