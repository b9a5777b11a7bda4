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

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/fleet"
	"lsapi/internal/telemetry"
)

const (
	defaultEmulatorListen = "127.0.0.1:4566"
	// defaultMemberConcurrency is the number of workers of a typical small web server.
	defaultMemberConcurrency = 256
)

type emulatorFlags struct {
	emulator.Options
	data                    dataplane.Options
	listen, fleet, throttle string
	dataPlane               bool
}

func newEmulator(p Process) *cobra.Command {
	var f emulatorFlags
	command := newCommand("emulator")
	flags := command.Flags()
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := onlyWith(flags, "data-plane", "member-concurrency", "backend"); err != nil {
			return err
		}
		return emulate(c.Context(), p, f)
	}
	flags.StringVar(&f.listen, "listen", defaultEmulatorListen, "`address` to listen on, host:port")
	flags.StringVar(&f.fleet, "fleet", "demo", "initial fleet: demo, empty, LBSxMEMBERS such as 100x20, tg:GROUPSxTARGETS, or a YAML `file`")
	flags.StringVar(&f.Region, "region", "us-east-1", "AWS `region` to emulate")
	flags.DurationVar(&f.Latency, "latency", 0, "`duration` of each call, such as 50ms")
	flags.DurationVar(&f.Lag, "lag", 0, "maximum `duration` by which reads lag behind writes, such as 500ms")
	choiceVarP(flags, &f.throttle, "throttle", "", "off", "`aws` throttles calls above AWS's request rates, off throttles none", "aws", "off")
	flags.BoolVar(&f.dataPlane, "data-plane", false, "make load balancers listen, and forward HTTP and TCP to members")
	flags.IntVar(&f.data.Concurrency, "member-concurrency", defaultMemberConcurrency, "concurrent `requests` per member; more wait in the surge queue")
	flags.StringToStringVar(&f.data.Backends, "backend", nil, "backend of an instance, `INSTANCE=HOST:PORT`, instead of a small web server; can be repeated")
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
		f.data.Log = emulatorLog(p)
		handler.Carry(f.data)
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

// emulatorServer stops immediately: the emulator has nothing to lose, and its faults may
// delay calls indefinitely.
type emulatorServer struct {
	*app.Server
	emulator *emulator.Emulator
}

func (s emulatorServer) Stop(context.Context) error { return s.Close() }

// Close stops the API and the load balancers.
func (s emulatorServer) Close() error { return errors.Join(s.Server.Close(), s.emulator.Close()) }

func serveEmulator(listener net.Listener, emulated *emulator.Emulator, p Process) emulatorServer {
	return emulatorServer{app.Serve(listener, emulated, 0, emulatorLog(p)), emulated}
}

func emulatorLog(p Process) *slog.Logger {
	return slog.New(slog.NewTextHandler(telemetry.NewWriter(p.Stderr), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// build validates the flags and creates the emulator.
func (f emulatorFlags) build() (*emulator.Emulator, error) {
	if err := config.CheckAddress(f.listen); err != nil {
		return nil, usagef("--listen: %w", err)
	}
	if f.Latency < 0 || f.Lag < 0 {
		return nil, usagef("--latency and --lag cannot be negative")
	}
	if f.data.Concurrency < 1 {
		return nil, usagef("--member-concurrency: must be at least 1")
	}
	for id, address := range f.data.Backends {
		if err := config.CheckAddress(address); err != nil || !lsapi.ValidInstanceID(id) {
			return nil, usagef("--backend %s=%s: must be such as i-0592fe5ccee879f04=127.0.0.1:8000", id, address)
		}
	}
	var err error
	if f.Fleet, err = fleet.Parse(f.fleet); err != nil {
		return nil, usagef("--fleet: %w", err)
	}
	f.Throttle = f.throttle == "aws"
	built, err := emulator.New(f.Options)
	if err != nil {
		return nil, statusError{err, ExitUsage}
	}
	return built, nil
}

// printTraffic prints the addresses of the load balancers, as shell comments.
func printTraffic(w io.Writer, emulated *emulator.Emulator) {
	for _, t := range emulated.Traffic() {
		for _, l := range t.Listeners {
			where := l.URL
			if where == "" {
				where = "not listening: " + l.Problem
			}
			fmt.Fprintf(w, "#   %s, %s port %d: %s\n", t.LoadBalancer, l.Protocol, l.Port, where)
		}
	}
}

// exposureWarning returns a warning if other machines can reach the emulator, or "".
func exposureWarning(address net.Addr) string {
	bound, err := netip.ParseAddrPort(address.String())
	if err != nil || bound.Addr().IsLoopback() {
		return ""
	}
	return fmt.Sprintf("listening on %s: other machines can use the emulator\n", address)
}

// printEmulator prints shell input: comments, exports and a first command.
func printEmulator(w io.Writer, address net.Addr, f emulatorFlags) {
	url := "http://" + dialAddress(address.String())
	fmt.Fprintf(w, `# An emulated AWS listens on %[1]s. Ctrl-C ends it. In another shell:
export AWS_ENDPOINT_URL=%[1]s AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=%[2]s AWS_DEFAULT_REGION=%[2]s
aws --endpoint-url "$AWS_ENDPOINT_URL" elb describe-load-balancers
`, url, f.Region)
}
