package packaging_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi/internal/config"
	"lsapi/internal/policy"
)

// values returns the values of a setting of the unit.
func values(t *testing.T, setting string) (found []string) {
	t.Helper()
	for line := range strings.Lines(read(t, "systemd/lsapi.service")) {
		if name, value, is := strings.Cut(strings.TrimSpace(line), "="); is && name == setting {
			found = append(found, value)
		}
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUnitPassesTheTokenAsCredential(t *testing.T) {
	if got := values(t, "LoadCredential"); !slices.Equal(got, []string{"api-token:" + config.PackageTokenFile}) {
		t.Errorf("LoadCredential=%q, but lsapi names %s", got, config.PackageTokenFile)
	}
	if got := values(t, "SetCredential"); !slices.Equal(got, []string{`api-token:\n`}) {
		t.Errorf("SetCredential=%q: without a default, a missing file ends the start before lsapi says so", got)
	}
	if !slices.Contains(values(t, "Environment"), "API_TOKEN_FILE=/run/credentials/lsapi.service/api-token") {
		t.Error("the credential is not the token")
	}
}

// Go ends a panic, and SIGABRT of the watchdog, with status 2 too.
func TestUnitRestartsACrashButNoInvalidConfiguration(t *testing.T) {
	if !slices.Equal(values(t, "RestartPreventExitStatus"), []string{"2"}) || !slices.Contains(values(t, "Environment"), "GOTRACEBACK=crash") {
		t.Error("status 2 is that of a crash, or is restarted")
	}
}

// check.sh shortens it.
func TestUnitHasAWatchdog(t *testing.T) {
	if got := values(t, "WatchdogSec"); !slices.Equal(got, []string{"60"}) {
		t.Errorf("WatchdogSec=%q", got)
	}
}

func TestUnitStopsLaterThanTheService(t *testing.T) {
	cfg, err := config.Load(config.Sources{Environ: []string{"API_TOKEN=x"}, CheckToken: func(string) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := time.ParseDuration(strings.Join(values(t, "TimeoutStopSec"), "") + "s")
	if err != nil || stop <= cfg.ShutdownTimeout {
		t.Errorf("TimeoutStopSec is %v, and the shutdown takes up to %v: %v", stop, cfg.ShutdownTimeout, err)
	}
}

func TestSettingsOfThePackageExist(t *testing.T) {
	known := read(t, "../.env.example")
	names := regexp.MustCompile(`(?m)^#?([A-Z][A-Z_]+)=`).FindAllStringSubmatch(read(t, "lsapi.env"), -1)
	if len(names) < 5 {
		t.Errorf("only %q", names)
	}
	for _, name := range names {
		if !regexp.MustCompile(`(?m)^#?` + name[1] + `=`).MatchString(known) {
			t.Errorf("%s is no setting", name[1])
		}
	}
}

func TestPolicyOfThePackageIsValid(t *testing.T) {
	if err := policy.Check("policy.yaml"); err != nil {
		t.Error(err)
	}
}
