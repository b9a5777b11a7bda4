package aws

import (
	"cmp"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// machine is a folder in which the scripts of boot/ run with fakes of the machine's programs
// (testdata/bin), the real Git, curl and jq, and a builder that only notes its calls.
type machine struct {
	t           *testing.T
	root, fakes string
	repository  string
	port        string
	serves      atomic.Bool
	environment []string // of the scripts, beside the usual
}

// newMachine returns a machine after the installation by the user data, with parameters as
// Terraform makes them and a repository.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir(), fakes: t.TempDir(), repository: t.TempDir()}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthcheck" || !m.serves.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(service.Close)
	address, err := url.Parse(service.URL)
	if err != nil {
		t.Fatal(err)
	}
	m.port = address.Port()
	m.serves.Store(true)
	m.write("etc/fstab", "/dev/nvme0n1p1 / xfs defaults 0 1\n")
	m.write("etc/lsapi-boot/instance", "region=eu-central-1\nsettings_parameter=/lsapi/settings/lsapi\n")
	for _, folder := range []string{"root", "usr/local/lib/lsapi"} {
		if err := os.MkdirAll(filepath.Join(m.root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m.commit("builder", "v1")
	m.parameter("/lsapi/api-token", "ZGVtbzpkZW1v")
	m.settings()
	return m
}

// commit puts a builder into the repository, under a tag.
func (m *machine) commit(builder, tag string) {
	m.t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", builder))
	if err != nil {
		m.t.Fatal(err)
	}
	file := filepath.Join(m.repository, "external_scripts", "builder.sh")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, append(script, []byte("# "+tag+"\n")...), 0o600); err != nil {
		m.t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"init", "--quiet", "--initial-branch", "main"},
		{"add", "."},
		{"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", tag},
		{"tag", tag},
	} {
		if out, err := exec.CommandContext(m.t.Context(), "git", append([]string{"-C", m.repository}, arguments...)...).CombinedOutput(); err != nil {
			m.t.Fatalf("git %v: %v\n%s", arguments, err, out)
		}
	}
}

// settings sets the parameter with the settings, with further lines that replace those of the
// same name.
func (m *machine) settings(lines ...string) {
	m.t.Helper()
	all := []string{
		"elb_name=default-elb", "port=" + m.port, "repository_url=" + m.repository, "repository_ref=v1",
		"AWS_REGION=eu-central-1", "KINDS=elb", "secret.API_TOKEN=/lsapi/api-token",
	}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		for i, other := range all {
			if strings.HasPrefix(other, name+"=") {
				all[i] = line
				line = ""
			}
		}
		if line != "" {
			all = append(all, line)
		}
	}
	m.parameter("/lsapi/settings/lsapi", strings.Join(all, "\n"))
}

func (m *machine) parameter(name, value string) {
	m.t.Helper()
	file := filepath.Join(m.fakes, "parameters", name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	file := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// read returns a file of the machine; empty if it does not exist.
func (m *machine) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(m.root, name)) // it may not exist
	return string(text)
}

// install puts a script of boot/ where the others find it.
func (m *machine) install(script string) {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join("boot", script))
	if err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.root, "usr", "local", "lib", "lsapi", script), text, 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// command returns the command of a script of boot/.
func (m *machine) command(script string, arguments ...string) *exec.Cmd {
	m.t.Helper()
	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		m.t.Fatal(err)
	}
	command := exec.CommandContext(m.t.Context(), "bash", append([]string{"boot/" + script}, arguments...)...)
	command.Env = append([]string{
		"PATH=" + bin + ":" + os.Getenv("PATH") + ":/usr/sbin", "HOME=" + m.root, "TMPDIR=" + m.t.TempDir(),
		"LSAPI_ROOT=" + m.root, "LSAPI_PATIENCE=0", "LSAPI_ATTEMPTS=1", "FAKES=" + m.fakes,
	}, m.environment...)
	return command
}

// run runs a script of boot/ and returns its exit status and output.
func (m *machine) run(script string) (status int, said string) {
	m.t.Helper()
	out, err := m.command(script).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return 0, string(out)
}

// boot runs boot.sh, which must succeed.
func (m *machine) boot() {
	m.t.Helper()
	if status, said := m.run("boot.sh"); status != 0 {
		m.t.Fatalf("status %d: %s", status, said)
	}
}

// calls returns the calls of fakes and the builder since the last call of it, one a line.
func (m *machine) calls() string {
	m.t.Helper()
	file := filepath.Join(m.fakes, "calls")
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
	if err := os.RemoveAll(file); err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// fail lets the next call of a fake fail, or of the builder.
func (m *machine) fail(program string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.fakes, "fail-"+program), []byte("1\n"), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func TestFirstBootBuildsTheService(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.boot()
	if got, want := m.read("root/.env"), "AWS_REGION=eu-central-1\nKINDS=elb\nAPI_TOKEN=ZGVtbzpkZW1v\n"; got != want {
		t.Errorf("the service's settings are %q", got)
	}
	if information, err := os.Stat(filepath.Join(m.root, "root", ".env")); err != nil || information.Mode().Perm() != 0o600 {
		t.Errorf("others can read the settings: %v %v", information, err)
	}
	calls := m.calls()
	for _, want := range []string{
		"aws ssm get-parameter --region eu-central-1 --name /lsapi/api-token --with-decryption",
		"systemctl enable --now docker",
		"builder REPOSITORY_URL=" + m.repository + " REPOSITORY_REF=v1 PORT=" + m.port + " STATE=lsapi-state :\n",
		"systemctl --no-block reload-or-restart lsapi-attach.service\n",
	} {
		if !strings.Contains(calls, want) {
			t.Errorf("no call is %q:\n%s", want, calls)
		}
	}
	if got := strings.Count(m.read("etc/fstab"), "/swapfile none swap"); got != 1 {
		t.Errorf("fstab has %d lines of swap", got)
	}
}

// The settings are text for /root/builder, which root runs, and not commands.
func TestBuilderRunsNoCommandOfASetting(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	repository := filepath.Join(t.TempDir(), "a$(touch pwned)'b}")
	if err := os.Rename(m.repository, repository); err != nil {
		t.Fatal(err)
	}
	m.settings("repository_url=" + repository)
	m.boot()
	if calls := m.calls(); !strings.Contains(calls, "builder REPOSITORY_URL="+repository+" REPOSITORY_REF=v1 ") {
		t.Errorf("the calls are\n%s", calls)
	}
}

// A reboot, and any repetition, changes nothing while the settings are as they were: also not
// the version that an upgrade by hand brought.
func TestRebootChangesNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.boot()
	m.calls()
	before := m.read("etc/fstab")
	m.boot()
	if calls := m.calls(); strings.Contains(calls, "builder") || strings.Contains(calls, "mkswap") || !strings.Contains(calls, "reload-or-restart lsapi-attach") {
		t.Errorf("the calls are\n%s", calls)
	}
	if got := m.read("etc/fstab"); got != before {
		t.Errorf("fstab is now\n%s", got)
	}
}

func TestBootIsRepeatableAfterFailureOfAnyProgram(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"aws", "systemctl", "dd", "mkswap", "swapon", "builder"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.fail(program)
			if status, said := m.run("boot.sh"); status == 0 {
				t.Fatalf("the failure is ignored: %s", said)
			}
			m.boot()
			if calls := m.calls(); !strings.Contains(calls, "builder ") || m.read("root/.env") == "" {
				t.Errorf("the calls are\n%s", calls)
			}
			if got := strings.Count(m.read("etc/fstab"), "/swapfile none swap"); got != 1 {
				t.Errorf("fstab has %d lines of swap", got)
			}
		})
	}
}

// An instance without its shared database must not start a record of its own.
func TestMissingParameterStartsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ value, word string }{
		"missing":          {"", "/lsapi/store-url cannot be read"},
		"empty":            {"\n", "/lsapi/store-url is empty"},
		"of several lines": {"postgres://a\nLISTEN=:1", "/lsapi/store-url has more than one line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.settings("secret.STORE_URL=/lsapi/store-url")
			if test.value != "" {
				m.parameter("/lsapi/store-url", strings.TrimPrefix(test.value, "\n"))
			}
			status, said := m.run("boot.sh")
			if status != 1 || !strings.Contains(said, test.word) {
				t.Errorf("status %d: %s", status, said)
			}
			if calls := m.calls(); strings.Contains(calls, "builder") || strings.Contains(calls, "docker") || m.read("root/.env") != "" {
				t.Errorf("the settings are %q, the calls\n%s", m.read("root/.env"), calls)
			}
		})
	}
}

func TestNewSettingsReachAnExistingInstance(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*machine)
		want   string // in the calls
		not    string // in them
	}{
		"another token": {
			func(m *machine) { m.parameter("/lsapi/api-token", "bmV3Om5ldw==") }, ": restart\n", " :\n",
		},
		"a setting of the service": {
			func(m *machine) { m.settings("LOG_FORMAT=json") }, ": restart\n", " :\n",
		},
		"another version": {
			func(m *machine) { m.commit("builder", "v2"); m.settings("repository_ref=v2") }, "REPOSITORY_REF=v2 PORT=", ": restart\n",
		},
		"another load balancer": {
			func(m *machine) { m.settings("elb_name=other") }, "reload-or-restart lsapi-attach", "builder ",
		},
		"a policy": {
			func(m *machine) {
				m.parameter("/lsapi/policy/lsapi", "guards: []")
				m.settings("policy_parameter=/lsapi/policy/lsapi", "POLICY=/etc/lsapi/policy.yaml")
			}, ": restart\n", " :\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.boot()
			m.calls()
			test.change(m)
			m.boot()
			calls := m.calls()
			if !strings.Contains(calls, test.want) || strings.Contains(calls, test.not) {
				t.Errorf("the calls are\n%s", calls)
			}
			if name == "a policy" && m.read("etc/lsapi/policy.yaml") != "guards: []\n" {
				t.Errorf("the policy is %q", m.read("etc/lsapi/policy.yaml"))
			}
			m.boot()
			if calls := m.calls(); strings.Contains(calls, "builder") {
				t.Errorf("the next boot changes it again:\n%s", calls)
			}
		})
	}
}

// A daemon that fails says nothing about the container, which a build would replace.
func TestFailingDockerBuildsNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.boot()
	m.calls()
	m.fail("docker")
	if status, said := m.run("boot.sh"); status != 1 || !strings.Contains(said, "Docker does not say") {
		t.Errorf("status %d: %s", status, said)
	}
	if calls := m.calls(); strings.Contains(calls, "builder ") {
		t.Errorf("the calls are\n%s", calls)
	}
}

func TestBootFailsWhileTheServiceDoesNotRespond(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.boot()
	m.serves.Store(false)
	if status, said := m.run("boot.sh"); status != 1 || !strings.Contains(said, "docker logs lsapi") {
		t.Errorf("status %d: %s", status, said)
	}
}

// The builder of a machine without a repository is started by hand.
func TestBootWithoutRepositoryPreparesTheMachine(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.settings("repository_url=")
	m.boot()
	if calls := m.calls(); strings.Contains(calls, "builder ") || m.read("root/.env") == "" || m.read("root/builder") == "" {
		t.Errorf("the calls are\n%s", calls)
	}
}

func TestUserDataInstallsTheScripts(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("boot/user_data.sh.tftpl")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile(`(?m)^%\{.*~\}\n`).ReplaceAllString(string(template), "")
	script = strings.NewReplacer(`${join(" ", units)}`, "x.service", "${path}", "/x", "${file.mode}", "644", "${file.text}", "text\n").Replace(script)
	file := filepath.Join(t.TempDir(), "user-data.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("boot/*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatal("there are no scripts", err)
	}
	if out, err := exec.CommandContext(t.Context(), "shellcheck", append(scripts, file)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	var installed strings.Builder
	for _, source := range read(t).source {
		installed.WriteString(source)
	}
	files, err := filepath.Glob("boot/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !strings.Contains(installed.String(), `"${path.module}/`+name+`"`) {
			t.Errorf("%s is not installed", name)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name != "boot/user_data.sh.tftpl" && (strings.Contains(string(text), "END_OF_FILE") || !strings.HasSuffix(string(text), "\n")) {
			t.Errorf("%s does not fit into a here-document", name)
		}
	}
}

// systemd-analyze reads the units as the machine would, with the scripts in their places.
func TestUnitsAreValid(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("SKIPPED: no systemd-analyze is installed")
	}
	folder := t.TempDir()
	var units []string
	found, err := filepath.Glob("boot/lsapi-*")
	if err != nil || len(found) == 0 {
		t.Fatal("there are no units", err)
	}
	for _, path := range found {
		unit := filepath.Base(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		here, err := filepath.Abs("boot")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(folder, unit)
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "/usr/local/lib/lsapi", here)), 0o600); err != nil {
			t.Fatal(err)
		}
		units = append(units, file)
	}
	out, err := exec.CommandContext(t.Context(), program, append([]string{"verify"}, units...)...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "lsapi-") && !strings.Contains(line, "docker.service") {
			t.Errorf("%v: %s", cmp.Or(err, errors.New("a warning")), line)
		}
	}
}
