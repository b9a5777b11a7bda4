package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"lsapi"
	"lsapi/internal/config"
	"lsapi/internal/notify"
)

const token = "dXNlcjpwYXNzd29yZA=="

// sources returns complete, valid sources with the given flags.
func sources(t *testing.T, args ...string) config.Sources {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Sources{
		Flags:      flags,
		Environ:    []string{"API_TOKEN=" + token},
		CheckToken: func(string) error { return nil },
	}
}

func load(t *testing.T, s config.Sources) config.Config {
	t.Helper()
	cfg, err := config.Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// problems returns the problems that Load reports.
func problems(t *testing.T, s config.Sources) []string {
	t.Helper()
	_, err := config.Load(s)
	failure, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("Load: %v, want a *config.Error", err)
	}
	return failure.Problems
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "variables.env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOnlyTokenIsRequired(t *testing.T) {
	cfg := load(t, sources(t))
	want := config.Config{
		Listen: ":8000", APIToken: token, Region: "us-east-1", Kinds: []lsapi.Kind{lsapi.KindELB, lsapi.KindTG}, Envelope: config.EnvelopeMessage,
		MaxStaleness: 2 * time.Second, MaxStaleOnError: 5 * time.Minute, IdleAfter: 5 * time.Minute, Sweep: 5 * time.Minute,
		Budget: map[string]config.Bucket{
			"elb-read": {Burst: 40, PerSecond: 10}, "elb-write": {Burst: 20, PerSecond: 4},
			"elbv2-read": {Burst: 40, PerSecond: 10}, "elbv2-write": {Burst: 20, PerSecond: 4},
			"ec2-filtered": {Burst: 100, PerSecond: 20}, "ec2-plain": {Burst: 50, PerSecond: 10},
		},
		Store:          "sqlite:lsapi.db",
		RequestTimeout: 30 * time.Second, ShutdownTimeout: 35 * time.Second,
		Notify:    config.Notify{Format: notify.CloudEvents, OutFor: 30 * time.Minute},
		LogFormat: config.LogText, LogLevel: slog.LevelInfo, Environment: map[string]config.Secret{},
	}
	if fmt.Sprint(cfg) != fmt.Sprint(want) || cfg.APIToken != want.APIToken || cfg.Store != want.Store {
		t.Errorf("got  %v\nwant %v", cfg, want)
	}
}

func TestPrecedenceIsFlagsEnvironmentFile(t *testing.T) {
	file := writeFile(t, "LISTEN=:1\nAWS_REGION=eu-west-1\nLOG_FORMAT=json\n")
	s := sources(t, "--listen=:3", "--env-file="+file)
	s.Environ = append(s.Environ, "LISTEN=:2", "AWS_REGION=eu-west-2")
	cfg := load(t, s)
	if cfg.Listen != ":3" {
		t.Errorf("the flag gives :3, got %s", cfg.Listen)
	}
	if cfg.Region != "eu-west-2" {
		t.Errorf("the environment gives eu-west-2, got %s", cfg.Region)
	}
	if cfg.LogFormat != config.LogJSON {
		t.Errorf("the file gives json, got %s", cfg.LogFormat)
	}
}

func TestFlagEqualToDefaultOverridesEnvironment(t *testing.T) {
	s := sources(t, "--listen=:8000")
	s.Environ = append(s.Environ, "LISTEN=:2")
	if cfg := load(t, s); cfg.Listen != ":8000" {
		t.Errorf("got %s", cfg.Listen)
	}
}

func TestEmptyVariableCountsAsNotSet(t *testing.T) {
	file := writeFile(t, "AWS_REGION=eu-west-1\nAWS_PROFILE=work\n")
	s := sources(t, "--env-file="+file)
	s.Environ = append(s.Environ, "AWS_REGION=", "LISTEN=", "AWS_PROFILE=")
	cfg := load(t, s)
	if cfg.Region != "eu-west-1" || cfg.Listen != ":8000" {
		t.Errorf("got region %s, listen %s", cfg.Region, cfg.Listen)
	}
	if string(cfg.Environment["AWS_PROFILE"]) != "work" {
		t.Error("AWS_PROFILE of the file is lost")
	}
}

func TestLoadReadsEverySetting(t *testing.T) {
	s := sources(t, "--listen=[::1]:0", "--users-file=people", "--aws-endpoint=https://gateway:8443", "--region=cn-north-1", "--kinds=tg, elb,tg",
		"--response-envelope=none", "--log-format=json", "--log-level=WARN", "--request-timeout=1m30s",
		"--max-staleness=500ms", "--max-stale-on-error=1m", "--idle-after=30s", "--metrics-public=true",
		"--budget-elb-read=1+0.5", "--budget-elb-write=2+1", "--budget-elbv2-read=5+1", "--budget-elbv2-write=6+1", "--budget-ec2-filtered=3+1", "--budget-ec2-plain=4+1",
		"--shutdown-timeout=1s", "--trusted-proxies=10.0.0.7/8, 192.0.2.1,2001:db8::/32",
		"--notify=https://a.example/hush, http://b.example", "--notify-format=slack", "--notify-out-for=never", "--notify-allow=127.0.0.1",
		"--notify-secret-file="+writeFile(t, "the secret of the receivers\n"))
	s.CheckUsersFile = func(string, string) error { return nil }
	cfg := load(t, s)
	want := config.Config{
		Listen: "[::1]:0", UsersFile: "people", AWSEndpoint: "https://gateway:8443", Region: "cn-north-1",
		Kinds:    []lsapi.Kind{lsapi.KindELB, lsapi.KindTG},
		Envelope: config.EnvelopeNone, LogFormat: config.LogJSON, LogLevel: slog.LevelWarn,
		MaxStaleness: 500 * time.Millisecond, MaxStaleOnError: time.Minute, IdleAfter: 30 * time.Second, Sweep: 5 * time.Minute,
		Budget: map[string]config.Bucket{
			"elb-read": {Burst: 1, PerSecond: 0.5}, "elb-write": {Burst: 2, PerSecond: 1},
			"elbv2-read": {Burst: 5, PerSecond: 1}, "elbv2-write": {Burst: 6, PerSecond: 1},
			"ec2-filtered": {Burst: 3, PerSecond: 1}, "ec2-plain": {Burst: 4, PerSecond: 1},
		},
		MetricsPublic:  true,
		RequestTimeout: 90 * time.Second, ShutdownTimeout: time.Second, APIToken: token,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"),
			netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/32")},
		Notify: config.Notify{
			URLs: []config.Secret{"https://a.example/hush", "http://b.example"}, Format: notify.Slack,
			Secrets: []notify.Secret{notify.Secret("the secret of the receivers")}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		},
		Environment: map[string]config.Secret{},
	}
	if fmt.Sprint(cfg) != fmt.Sprint(want) || !reflect.DeepEqual(cfg.Notify, want.Notify) {
		t.Errorf("got  %v\nwant %v", cfg, want)
	}
}

func TestProblemNamesFlagAndVariable(t *testing.T) {
	for _, tc := range []struct{ name, flag, variable, value string }{
		{"no port", "listen", "LISTEN", "127.0.0.1"},
		{"empty address", "listen", "LISTEN", ""},
		{"port out of range", "listen", "LISTEN", ":65536"},
		{"negative port", "listen", "LISTEN", ":-1"},
		{"port by name", "listen", "LISTEN", ":http"},
		{"host with a space", "listen", "LISTEN", "a b:80"},
		{"unbracketed IPv6", "listen", "LISTEN", "::1:80"},
		{"URL as address", "listen", "LISTEN", "http://127.0.0.1:80"},
		{"no region", "region", "AWS_REGION", "nowhere"},
		{"URL without scheme", "aws-endpoint", "AWS_ENDPOINT_URL", "127.0.0.1:4566"},
		{"URL without host", "aws-endpoint", "AWS_ENDPOINT_URL", "http://"},
		{"wrong scheme", "aws-endpoint", "AWS_ENDPOINT_URL", "ftp://gateway"},
		{"URL with a password", "aws-endpoint", "AWS_ENDPOINT_URL", "http://me:hush@gateway"},
		{"unknown envelope", "response-envelope", "RESPONSE_ENVELOPE", "xml"},
		{"unknown format", "log-format", "LOG_FORMAT", "yaml"},
		{"unknown level", "log-level", "LOG_LEVEL", "loud"},
		{"no unit", "request-timeout", "REQUEST_TIMEOUT", "30"},
		{"zero", "request-timeout", "REQUEST_TIMEOUT", "0s"},
		{"negative", "shutdown-timeout", "SHUTDOWN_TIMEOUT", "-1s"},
		{"longer than a day", "shutdown-timeout", "SHUTDOWN_TIMEOUT", "1000000h"},
		{"no staleness", "max-staleness", "MAX_STALENESS", "0s"},
		{"negative staleness", "max-staleness", "MAX_STALENESS", "-2s"},
		{"stale on error below staleness", "max-stale-on-error", "MAX_STALE_ON_ERROR", "1s"},
		{"idle below staleness", "idle-after", "IDLE_AFTER", "1s"},
		{"neither true nor false", "metrics-public", "METRICS_PUBLIC", "yes"},
		{"no burst", "budget-elb-read", "BUDGET_ELB_READ", "0+10"},
		{"no refill", "budget-elb-write", "BUDGET_ELB_WRITE", "20+0"},
		{"half a size", "budget-ec2-plain", "BUDGET_EC2_PLAIN", "50"},
		{"infinite refill", "budget-ec2-filtered", "BUDGET_EC2_FILTERED", "50+Inf"},
		{"no address", "trusted-proxies", "TRUSTED_PROXIES", "10.0.0.1,proxy"},
		{"empty entry", "trusted-proxies", "TRUSTED_PROXIES", "10.0.0.1,,10.0.0.2"},
		{"address with a zone", "trusted-proxies", "TRUSTED_PROXIES", "fe80::1%eth0"},
		{"no kind of pool", "kinds", "KINDS", "elb,alb"},
		{"half a list of kinds", "kinds", "KINDS", "elb,"},
		{"no URL", "notify", "NOTIFY", "hooks.example.com/lsapi"},
		{"empty URL", "notify", "NOTIFY", "https://a.example,"},
		{"URL with a user", "notify", "NOTIFY", "https://me:hush@a.example"},
		{"unknown format of notifications", "notify-format", "NOTIFY_FORMAT", "xml"},
		{"no secret", "notify-secret-file", "NOTIFY_SECRET_FILE", os.DevNull},
		{"no file of secrets", "notify-secret-file", "NOTIFY_SECRET_FILE", "/nonexistent"},
		{"neither never nor a duration", "notify-out-for", "NOTIFY_OUT_FOR", "always"},
		{"no address to allow", "notify-allow", "NOTIFY_ALLOW", "localhost"},
		{"range too wide", "trusted-proxies", "TRUSTED_PROXIES", "10.0.0.0/33"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found := problems(t, sources(t, "--"+tc.flag+"="+tc.value))
			if len(found) != 1 || !strings.HasPrefix(found[0], "--"+tc.flag+" ("+tc.variable+"): ") {
				t.Errorf("got %q", found)
			}
		})
	}
}

func TestErrorListsAllProblems(t *testing.T) {
	s := sources(t, "--listen=nowhere", "--log-level=loud", "--request-timeout=soon", "--env-file=/does/not/exist")
	s.Environ = []string{"AWS_REGION=mars", "TRUSTED_PROXIES=x,y"}
	found := problems(t, s)
	if len(found) != 8 { // two for the proxies, one for the token that is missing
		t.Errorf("got %d problems:\n%s", len(found), strings.Join(found, "\n"))
	}
	_, err := config.Load(s)
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 9 || lines[0] != "the configuration has 8 problems:" {
		t.Errorf("got %q", lines)
	}
}

func TestMissingTokenProblemShowsHowToMakeOne(t *testing.T) {
	s := sources(t)
	s.Environ = nil
	if found := problems(t, s); !strings.Contains(found[0], "API_TOKEN: not set") || !strings.Contains(found[0], "| base64") || !strings.Contains(found[0], "--users-file (USERS_FILE)") {
		t.Errorf("got %q", found)
	}
}

func TestUsersFileReplacesOrComplementsToken(t *testing.T) {
	for token, environ := range map[string][]string{"": nil, token: {"API_TOKEN=" + token}} {
		s := sources(t, "--users-file=people")
		s.Environ = environ
		s.CheckUsersFile = func(path, beside string) error {
			if path != "people" || beside != token {
				t.Errorf("%q is checked beside %q", path, beside)
			}
			return nil
		}
		if cfg := load(t, s); cfg.UsersFile != "people" || string(cfg.APIToken) != token {
			t.Errorf("got %q and %q", cfg.UsersFile, string(cfg.APIToken))
		}
	}
}

// badPolicy is an error with several lines.
type badPolicy []string

func (b badPolicy) Error() string { return strings.Join(b, "; ") }

func (b badPolicy) Lines() []string { return b }

func TestPolicyProblemsAreListed(t *testing.T) {
	s := sources(t, "--policy=guards.yaml")
	s.CheckPolicy = func(string) error { return nil }
	if cfg := load(t, s); cfg.Policy != "guards.yaml" {
		t.Errorf("got %q", cfg.Policy)
	}
	s.CheckPolicy = func(string) error { return badPolicy{"guards.yaml:1:2: one", "guards.yaml:3:4: two"} }
	if found := problems(t, s); !slices.Equal(found, []string{
		"--policy (POLICY): guards.yaml:1:2: one; it is set by the flag", "--policy (POLICY): guards.yaml:3:4: two; it is set by the flag",
	}) {
		t.Errorf("got %q", found)
	}
	s.CheckPolicy = func(string) error { return errors.New("no such file") }
	if found := problems(t, s); !slices.Equal(found, []string{"--policy (POLICY): guards.yaml: no such file; it is set by the flag"}) {
		t.Errorf("got %q", found)
	}
}

func TestUsersFileProblemNamesFile(t *testing.T) {
	s := withVariable(sources(t), "USERS_FILE=people")
	s.CheckUsersFile = func(string, string) error { return errors.New("line 2: no colon in it") }
	if found := problems(t, s); !slices.Equal(found, []string{"--users-file (USERS_FILE): people: line 2: no colon in it; it is set in the environment"}) {
		t.Errorf("got %q", found)
	}
}

func TestTokenProblemDoesNotShowToken(t *testing.T) {
	s := sources(t)
	s.CheckToken = func(string) error { return errors.New("no colon in it") }
	if found := problems(t, s); !slices.Equal(found, []string{"API_TOKEN: no colon in it; it is set in the environment"}) {
		t.Errorf("got %q", found)
	}
}

func TestConfigPrintsNoSecret(t *testing.T) {
	cfg := load(t, sources(t, "--env-file="+writeFile(t, "AWS_SECRET_ACCESS_KEY=hush\n")))
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %q %x", cfg, cfg, cfg, cfg.APIToken, cfg.APIToken), string(encoded)} {
		if strings.Contains(text, token) || strings.Contains(text, "hush") {
			t.Errorf("a secret shows in %s", text)
		}
	}
}

func TestListenNeedsNoToken(t *testing.T) {
	address, err := config.Listen(config.Sources{Environ: []string{"LISTEN=:9000"}})
	if err != nil || address != ":9000" {
		t.Errorf("got %q, %v", address, err)
	}
}

func TestStoreDefaultsToStateDirectory(t *testing.T) {
	for _, test := range []struct{ environ, flag, want string }{
		{"STATE_DIRECTORY=/var/lib/lsapi", "", "sqlite:/var/lib/lsapi/lsapi.db"},
		{"STATE_DIRECTORY=/var/lib/a:/var/lib/b", "", "sqlite:/var/lib/a/lsapi.db"},
		{"STORE_URL=postgres://lsapi@db/lsapi", "", "postgres://lsapi@db/lsapi"},
		{"STORE_URL=postgres://lsapi@db/lsapi", "--store=sqlite:other.db", "sqlite:other.db"},
	} {
		var s config.Sources
		if test.flag == "" {
			s = sources(t)
		} else {
			s = sources(t, test.flag)
		}
		s.Environ = append(s.Environ, test.environ)
		if got := string(load(t, s).Store); got != test.want {
			t.Errorf("%s %s: got %s, want %s", test.environ, test.flag, got, test.want)
		}
		if got, err := config.Store(s); err != nil || string(got) != test.want {
			t.Errorf("by itself, %s %s: got %s, %v", test.environ, test.flag, string(got), err)
		}
	}
}

func TestKeepChangesTakesWholeDays(t *testing.T) {
	if got := load(t, sources(t, "--keep-changes=400d")).KeepChanges; got != 400*24*time.Hour {
		t.Errorf("got %v", got)
	}
	for _, bad := range []string{"0d", "-1d", "12h", "d", "1.5d", "99999999d", "never"} {
		if got := problems(t, sources(t, "--keep-changes="+bad)); len(got) != 1 || !strings.Contains(got[0], "--keep-changes (KEEP_CHANGES)") {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

func TestInvalidStoreProblemHidesPassword(t *testing.T) {
	for _, bad := range []string{"mysql://u:secret@h/d", "lsapi.db", "sqlite:", "secret"} {
		got := problems(t, sources(t, "--store="+bad))
		if len(got) != 1 || !strings.Contains(got[0], "--store (STORE_URL)") || strings.Contains(got[0], "secret") {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

func TestEmptyStoreIsAProblem(t *testing.T) {
	file := func(text string) func(config.Sources) config.Sources {
		return func(s config.Sources) config.Sources { s.EnvFile = writeFile(t, text); return s }
	}
	for name, test := range map[string]struct {
		set   func(config.Sources) config.Sources
		where string
	}{
		"in the environment": {func(s config.Sources) config.Sources { return withVariable(s, "STORE_URL=") }, "set to nothing in the environment"},
		"to blanks":          {func(s config.Sources) config.Sources { return withVariable(s, "STORE_URL= ") }, "set to nothing in the environment"},
		"in the file":        {file("STORE_URL=\n"), "set to nothing in /"},
		"by the flag": {func(s config.Sources) config.Sources {
			flags := sources(t, "--store=")
			flags.Environ = s.Environ
			return flags
		}, "set by the flag"},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.set(sources(t))
			want := "--store (STORE_URL): empty; give the URL of the record, or do not set it at all for a record of this process in lsapi.db; it is " + test.where
			if found := problems(t, s); len(found) != 1 || !strings.HasPrefix(found[0], want) {
				t.Errorf("the problems are %q", found)
			}
			if _, err := config.Store(s); err == nil {
				t.Error("lsapi changes would read another record")
			}
		})
	}
	given := withVariable(file("STORE_URL=sqlite:x.db\n")(sources(t)), "STORE_URL=")
	if cfg, err := config.Load(given); err != nil || cfg.Store != "sqlite:x.db" {
		t.Errorf("the store is %q, %v", string(cfg.Store), err)
	}
}

func TestProblemNamesOriginOfSetting(t *testing.T) {
	file := writeFile(t, "MAX_STALENESS=soon\nLOG_LEVEL=loud\nAPI_TOKEN=\n")
	for name, test := range map[string]struct {
		flags, environ []string
		want           []string
	}{
		"in the file": {nil, []string{"API_TOKEN=" + token}, []string{
			"--max-staleness (MAX_STALENESS): not a positive duration of at most 24h, such as 30s or 1m30s; it is set in " + file,
			"--log-level (LOG_LEVEL): not debug, info, warn or error; it is set in " + file,
		}},
		"in the environment and by a flag, which win": {[]string{"--log-level=noisy"}, []string{"MAX_STALENESS=later", "API_TOKEN=" + token}, []string{
			"--max-staleness (MAX_STALENESS): not a positive duration of at most 24h, such as 30s or 1m30s; it is set in the environment",
			"--log-level (LOG_LEVEL): not debug, info, warn or error; it is set by the flag",
		}},
		"to nothing": {[]string{"--log-level=info"}, []string{"MAX_STALENESS=1s"}, []string{
			"API_TOKEN: not set; it is base64 of user:password, made by: printf '%s' 'user:password' | base64; " +
				"or name a file that holds it with --token-file (API_TOKEN_FILE), or a file of users, made by htpasswd -B, with --users-file (USERS_FILE); it is set to nothing in " + file,
		}},
		"a bound below the staleness": {[]string{"--log-level=info"}, []string{"MAX_STALENESS=6m", "IDLE_AFTER=3m", "API_TOKEN=" + token}, []string{
			"--max-stale-on-error (MAX_STALE_ON_ERROR): shorter than --max-staleness, which is 6m0s (set in the environment); it is 5m0s, the default",
			"--idle-after (IDLE_AFTER): shorter than --max-staleness, which is 6m0s (set in the environment); it is 3m0s; it is set in the environment",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sources(t, append(test.flags, "--env-file="+file)...)
			s.Environ = test.environ
			if found := problems(t, s); !slices.Equal(found, test.want) {
				t.Errorf("got  %q\nwant %q", found, test.want)
			}
		})
	}
}

func TestTimeZoneMustExist(t *testing.T) {
	for zone, valid := range map[string]bool{
		"": true, "UTC": true, "Europe/Berlin": true, ":Europe/Berlin": true, "/usr/share/zoneinfo/Europe/Berlin": true,
		"Europe/Berln": false, "CET-1CEST": false, "/none": false, "/dev/null": false, "../secret": false,
	} {
		_, err := config.Load(withVariable(sources(t), "TZ="+zone))
		if (err == nil) != valid {
			t.Errorf("TZ=%s: %v", zone, err)
		}
		if !valid && (!strings.Contains(err.Error(), "TZ: not a time zone") || strings.Contains(err.Error(), zone)) {
			t.Errorf("TZ=%s: %v", zone, err)
		}
	}
}

func TestProblemsOfTheAWSVariablesAreListedWithTheirPlace(t *testing.T) {
	s := withVariable(sources(t, "--env-file="+writeFile(t, "AWS_B=file\nAWS_A=file\n")), "AWS_A=environment")
	s.CheckAWS = func(value func(string) string, report func(variable, problem string)) {
		for _, variable := range []string{"AWS_A", "AWS_B", "AWS_C"} {
			if value(variable) != "" {
				report(variable, "wrong")
			}
		}
	}
	s.Environ = append(s.Environ, "LISTEN=nowhere")
	found := problems(t, s)
	if len(found) != 3 || found[1] != "AWS_A: wrong; it is set in the environment" || !strings.HasPrefix(found[2], "AWS_B: wrong; it is set in /") {
		t.Errorf("got %q", found)
	}
	if _, err := config.AWS(s); err == nil || !strings.Contains(err.Error(), "2 problems") {
		t.Errorf("got %v", err)
	}
}
