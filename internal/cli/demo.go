package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/auth"
	"lsapi/internal/config"
	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/fleet"
)

const defaultDemoListen = "127.0.0.1:8000"

const demoHelp = `Run the service on an emulated AWS with a small fleet, and print curl commands to try.
The demo needs no account, network or configuration. It ignores the environment and the
.env file, and never calls real AWS.

The record of changes is in a temporary file, which is deleted at the end.

If a default port is in use, the demo uses a free one. Ctrl-C ends the demo.`

const demoExample = `  lsapi demo
  lsapi demo --listen 127.0.0.1:9000 --emulator-listen 127.0.0.1:9001`

type demoFlags struct {
	listen, emulatorListen       string
	listenSet, emulatorListenSet bool
}

func newDemo(p Process) *cobra.Command {
	var f demoFlags
	command := &cobra.Command{
		Use:     "demo",
		Short:   "Run the service on an emulated AWS, with commands to try",
		Long:    demoHelp,
		Example: demoExample,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f.listenSet = c.Flags().Changed("listen")
			f.emulatorListenSet = c.Flags().Changed("emulator-listen")
			return demo(c.Context(), p, f)
		},
	}
	command.Flags().StringVar(&f.listen, "listen", defaultDemoListen, "`address` of the service, host:port")
	command.Flags().StringVar(&f.emulatorListen, "emulator-listen", defaultEmulatorListen, "`address` of the emulated AWS, host:port")
	return command
}

func demo(ctx context.Context, p Process, f demoFlags) error {
	if err := config.CheckAddress(f.listen); err != nil {
		return usagef("--listen: %w", err)
	}
	if err := config.CheckAddress(f.emulatorListen); err != nil {
		return usagef("--emulator-listen: %w", err)
	}
	signals := catchSignals()
	defer signals.release()
	starting, cancel := signals.untilStop(ctx)
	running, err := startDemo(starting, p, f)
	cancel()
	if err != nil {
		return signals.unlessStopped(err)
	}
	var text bytes.Buffer
	running.print(&text)
	writeInBackground(p.Stdout, text.String())
	return signals.runUntilStopped(ctx, running, running.config.ShutdownTimeout, nil)
}

// runningDemo is the service with its emulated AWS.
type runningDemo struct {
	*app.App
	emulator *emulator.Emulator
	aws      emulatorServer
	config   config.Config
	folder   string // temporary, with the record of changes
}

func startDemo(ctx context.Context, p Process, f demoFlags) (*runningDemo, error) {
	parsed, err := fleet.Parse("demo")
	if err != nil {
		return nil, err
	}
	d := &runningDemo{}
	if d.emulator, err = emulator.New(emulator.Options{Fleet: parsed}); err != nil {
		return nil, err
	}
	listener, err := listenOrFallBack(ctx, f.emulatorListen, f.emulatorListenSet)
	if err != nil {
		return nil, err
	}
	d.aws = serveEmulator(listener, d.emulator, p)
	if err := d.startService(ctx, p, f); err != nil {
		return nil, errors.Join(err, d.cleanUp())
	}
	d.emulator.Carry(dataplane.Options{
		Concurrency: defaultMemberConcurrency,
		Backends:    map[string]string{demoService: dialAddress(d.Addr().String())},
		Log:         emulatorLog(p),
	})
	return d, nil
}

// demoService is the instance of the fleet for which the service itself responds.
const demoService = "i-0592fe5ccee879f04"

func (d *runningDemo) startService(ctx context.Context, p Process, f demoFlags) error {
	err := isolate(p.Environ)
	if err != nil {
		return err
	}
	if d.folder, err = os.MkdirTemp("", "lsapi-demo-"); err != nil {
		return fmt.Errorf("create a folder for the record of changes: %w", err)
	}
	if d.config, err = demoConfig(f.listen, "http://"+dialAddress(d.aws.Addr().String()), d.store()); err != nil {
		return err
	}
	d.App, err = app.Start(ctx, app.Options{
		Config:  d.config,
		Log:     p.Stderr,
		Color:   colors(p, p.Stderr),
		Version: versionText(),
		Listen: func(ctx context.Context) (net.Listener, error) {
			return listenOrFallBack(ctx, f.listen, f.listenSet)
		},
	})
	return err
}

// store returns the URL of the record of changes.
func (d *runningDemo) store() string { return "sqlite:" + filepath.Join(d.folder, "lsapi.db") }

// Stop stops the service, then the emulated AWS.
func (d *runningDemo) Stop(ctx context.Context) error {
	return errors.Join(d.App.Stop(ctx), d.cleanUp())
}

// cleanUp stops the emulated AWS and removes the record.
func (d *runningDemo) cleanUp() error {
	err := d.aws.Close()
	if d.folder != "" {
		err = errors.Join(err, os.RemoveAll(d.folder))
	}
	return err
}

// listenOrFallBack listens on the address, or on a free port if the address is in use
// and was not set explicitly.
func listenOrFallBack(ctx context.Context, address string, explicit bool) (net.Listener, error) {
	listener, err := app.Listen(ctx, address)
	if failure, ok := errors.AsType[*app.ListenError](err); ok && failure.InUse() && !explicit {
		return app.Listen(ctx, "127.0.0.1:0")
	}
	return listener, err
}

// demoConfig returns the defaults with the settings of the demo. It ignores the
// environment.
func demoConfig(listen, endpoint, store string) (config.Config, error) {
	return config.Load(config.Sources{
		Environ: []string{
			"LISTEN=" + listen,
			"API_TOKEN=" + demoToken(),
			"AWS_ENDPOINT_URL=" + endpoint,
			"STORE_URL=" + store,
			"TRUSTED_PROXIES=127.0.0.1", // the load balancer in front of it
		},
		CheckToken: auth.CheckToken,
	})
}

// isolate keeps the AWS SDK from real credentials, which it would read from the
// environment and the home directory, and its requests from proxies.
func isolate(environ []string) error {
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			if err := os.Unsetenv(name); err != nil {
				return fmt.Errorf("unset %s: %w", name, err)
			}
		}
	}
	for _, variable := range [][2]string{
		{"AWS_ACCESS_KEY_ID", "test"},
		{"AWS_SECRET_ACCESS_KEY", "test"},
		{"AWS_CONFIG_FILE", os.DevNull},
		{"AWS_SHARED_CREDENTIALS_FILE", os.DevNull},
		{"AWS_EC2_METADATA_DISABLED", "true"},
		{"NO_PROXY", "*"},
	} {
		if err := os.Setenv(variable[0], variable[1]); err != nil {
			return fmt.Errorf("set %s: %w", variable[0], err)
		}
	}
	return nil
}

// print prints the addresses and the commands, as shell input with comments.
func (d *runningDemo) print(w io.Writer) {
	base := "http://" + dialAddress(d.Addr().String())
	fmt.Fprintf(w, "# The service is at %s (user demo, password demo; its documentation at %s/docs),\n", base, base)
	fmt.Fprintf(w, "# an emulated AWS at %s. Changes are on record until the demo ends:\n", d.config.AWSEndpoint)
	fmt.Fprintf(w, "#   lsapi changes list --store %s\n", d.store())
	fmt.Fprintf(w, "# Its load balancers listen, too:\n")
	printTraffic(w, d.emulator)
	fmt.Fprintf(w, "# Ctrl-C ends it all. In another shell:\n")
	for _, l := range demoLines(spareInstance(d.emulator.State())) {
		fmt.Fprintf(w, "\n# %s -> %d\n%s\n", l.shows, l.status, l.curl(base))
	}
	if through := listenerURL(d.emulator.Traffic(), "default-elb"); through != "" {
		l := line{shows: "the members of default-elb, requested through default-elb", status: http.StatusOK, method: http.MethodGet, path: "/elb/default-elb"}
		fmt.Fprintf(w, "\n# %s -> %d\n%s\n", l.shows, l.status, l.curl(through))
	}
}
