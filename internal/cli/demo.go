package cli

import (
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
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
	"lsapi/internal/policy"
)

const defaultDemoListen = "127.0.0.1:8000"

type demoFlags struct {
	listen, emulatorListen string
	isSet                  func(flag string) bool
}

func newDemo(p Process) *cobra.Command {
	var f demoFlags
	command := newCommand("demo")
	command.RunE = func(c *cobra.Command, _ []string) error {
		f.isSet = c.Flags().Changed
		return demo(c.Context(), p, f)
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
	writeInBackground(p.Stdout, running.lines())
	return signals.runUntilStopped(ctx, running, running.config.ShutdownTimeout, nil)
}

// runningDemo is the service with its emulated AWS.
type runningDemo struct {
	*app.App
	emulator *emulator.Emulator
	aws      emulatorServer
	config   config.Config
	folder   string // temporary, with the record of changes and the policy
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
	listener, err := listenOrFallBack(ctx, f.emulatorListen, f.isSet("emulator-listen"))
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
		return fmt.Errorf("create a folder: %w", err)
	}
	if err := os.WriteFile(d.policy(), demoPolicy, 0o600); err != nil {
		return fmt.Errorf("write the policy file: %w", err)
	}
	if d.config, err = demoConfig(f.listen, "http://"+dialAddress(d.aws.Addr().String()), d.store(), d.policy()); err != nil {
		return err
	}
	d.App, err = app.Start(ctx, app.Options{
		Config:  d.config,
		Log:     p.Stderr,
		Color:   colors(p, p.Stderr),
		Version: versionText(),
		Listen: func(ctx context.Context) (net.Listener, error) {
			return listenOrFallBack(ctx, f.listen, f.isSet("listen"))
		},
	})
	return err
}

// store returns the URL of the record of changes.
func (d *runningDemo) store() string { return "sqlite:" + filepath.Join(d.folder, "lsapi.db") }

// policy returns the path of the policy file.
func (d *runningDemo) policy() string { return filepath.Join(d.folder, "policy.yaml") }

// Stop stops the service, then the emulated AWS.
func (d *runningDemo) Stop(ctx context.Context) error {
	return errors.Join(d.App.Stop(ctx), d.cleanUp())
}

// cleanUp stops the emulated AWS and removes the folder.
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
func demoConfig(listen, endpoint, store, guards string) (config.Config, error) {
	return config.Load(config.Sources{
		Environ: []string{
			"LISTEN=" + listen,
			"API_TOKEN=" + demoToken(),
			"AWS_ENDPOINT_URL=" + endpoint,
			"STORE_URL=" + store,
			"POLICY=" + guards,
			"TRUSTED_PROXIES=127.0.0.1", // the load balancer in front of it
		},
		CheckToken:  auth.CheckToken,
		CheckPolicy: policy.Check,
	})
}

// isolate keeps the AWS SDK from real credentials, which it would read from the
// environment and the home directory, and its requests from proxies.
func isolate(environ []string) (err error) {
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			err = errors.Join(err, os.Unsetenv(name))
		}
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID":           "test",
		"AWS_SECRET_ACCESS_KEY":       "test",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED":   "true",
		"NO_PROXY":                    "*",
	} {
		err = errors.Join(err, os.Setenv(name, value))
	}
	return err
}

// demoPolicy keeps the last member of each pool in service.
//
//go:embed demo.yaml
var demoPolicy []byte

// demoText has commands that can be run in order repeatedly. Each comment ends with the
// status of its response.
//
//go:embed demo.txt
var demoText string

const demoListenerText = `
# the members of default-elb, requested through default-elb -> 200
${curl} ${user} ${listener}/elb/default-elb
`

const demoRulesText = `
# through web-alb: an instance of the target group web-elb answers on port 8080 -> 200
${curl} -i ${alb}/

# and by a rule for the path one of web-admin, on port 9090 -> 200
${curl} -i ${alb}/admin
`

// lines returns the addresses and the commands, as shell input with comments.
func (d *runningDemo) lines() string {
	values := map[string]string{
		"service":  "http://" + dialAddress(d.Addr().String()),
		"emulator": d.config.AWSEndpoint,
		"store":    d.store(),
		"policy":   d.policy(),
		"curl":     `curl -sS -w '%{http_code}\n'`,
		"user":     "-H 'Authorization: Basic " + demoToken() + "'",
		"member":   `'{"instanceId":"` + spareInstance(d.emulator.State()) + `"}'`,
	}
	var listeners strings.Builder
	for _, t := range d.emulator.Traffic() {
		for _, l := range t.Listeners {
			switch {
			case l.URL == "":
			case t.LoadBalancer == "default-elb":
				values["listener"] = l.URL
			case t.LoadBalancer == "web-alb":
				values["alb"] = l.URL
			}
		}
	}
	printTraffic(&listeners, d.emulator)
	values["listeners"] = listeners.String()
	text := demoText
	if values["listener"] != "" {
		text += demoListenerText
	}
	if values["alb"] != "" {
		text += demoRulesText
	}
	return os.Expand(text, func(name string) string { return values[name] })
}

// demoToken is fixed, so that a copied command works in every demo.
func demoToken() string { return base64.StdEncoding.EncodeToString([]byte("demo:demo")) }

// spareInstance returns the first running instance that is in no pool.
func spareInstance(s emulator.State) string {
	members := make(map[string]bool)
	for _, g := range s.TargetGroups {
		for _, t := range g.Targets {
			members[t.ID] = true
		}
	}
	for _, b := range s.LoadBalancers {
		for _, m := range b.Members {
			members[m.InstanceID] = true
		}
	}
	for _, i := range s.Instances {
		if i.State == "running" && !members[i.InstanceID] {
			return i.InstanceID
		}
	}
	return ""
}
