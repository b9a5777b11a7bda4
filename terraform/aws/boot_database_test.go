package aws

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-x"

// newDatabaseMachine returns a machine whose record is in RDS.
func newDatabaseMachine(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	m.install("password.sh")
	m.settings("password_secret=" + secret)
	m.parameter(secret, `{"username":"lsapi","password":"se:c\\ret \"1"}`)
	m.environment = append(m.environment, "LSAPI_OWNER="+strconv.Itoa(os.Getuid()))
	return m
}

func TestBootWritesThePasswordBeforeTheServiceStarts(t *testing.T) {
	t.Parallel()
	m := newDatabaseMachine(t)
	m.fail("builder")
	if status, said := m.run("boot.sh"); status != 1 || !strings.Contains(said, "builder") {
		t.Errorf("status %d: %s", status, said)
	}
	if got, want := m.read("etc/lsapi/pgpass"), `*:*:*:lsapi:se\:c\\ret "1`+"\n"; got != want {
		t.Errorf("the passfile is %q, want %q", got, want)
	}
	if information, err := os.Stat(filepath.Join(m.root, "etc", "lsapi", "pgpass")); err != nil || information.Mode().Perm() != 0o400 {
		t.Errorf("others can read the password: %v %v", information, err)
	}
	if strings.Contains(m.read("root/.env"), "ret") {
		t.Errorf("the service's settings have the password: %s", m.read("root/.env"))
	}
}

func TestPasswordFollowsItsRotation(t *testing.T) {
	t.Parallel()
	m := newDatabaseMachine(t)
	m.boot()
	m.parameter(secret, `{"username":"lsapi","password":"second"}`)
	if status, said := m.run("password.sh"); status != 0 || said != "" {
		t.Errorf("status %d: %s", status, said)
	}
	if got := m.read("etc/lsapi/pgpass"); got != "*:*:*:lsapi:second\n" {
		t.Errorf("the passfile is %q", got)
	}
	for problem, text := range map[string]string{"has no username and password": `{"username":"lsapi"}`, "cannot be read": ""} {
		m.parameter(secret, text)
		if text == "" {
			m.fail("aws")
		}
		if status, said := m.run("password.sh"); status != 1 || !strings.Contains(said, problem) || m.read("etc/lsapi/pgpass") != "*:*:*:lsapi:second\n" {
			t.Errorf("status %d: %s", status, said)
		}
	}
}

// An instance without a password must not serve: another one would be asked for.
func TestBootFailsWithoutThePassword(t *testing.T) {
	t.Parallel()
	m := newDatabaseMachine(t)
	m.parameter(secret, `{}`)
	if status, said := m.run("boot.sh"); status == 0 || strings.Contains(m.calls(), "builder ") {
		t.Errorf("status %d: %s", status, said)
	}
}
