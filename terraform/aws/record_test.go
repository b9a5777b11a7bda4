package aws

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const recordVolume = "vol-0123456789abcdef0"

// attachVolume attaches the volume of the record, a file of 16 MiB, beside the root volume, and
// returns the file. A new volume is empty.
func (m *machine) attachVolume() string {
	m.t.Helper()
	device := filepath.Join(m.t.TempDir(), "nvme1n1")
	file, err := os.Create(device)
	if err != nil {
		m.t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(16 << 20); err != nil {
		m.t.Fatal(err)
	}
	m.devices("/dev/nvme0n1 vol0fedcba9876543210", device+" vol0123456789abcdef0")
	m.settings("record_volume=" + recordVolume)
	return device
}

// devices sets what lsblk prints.
func (m *machine) devices(lines ...string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.fakes, "devices"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// reboot unmounts what is mounted.
func (m *machine) reboot() {
	m.t.Helper()
	if err := os.RemoveAll(filepath.Join(m.fakes, "mounted")); err != nil {
		m.t.Fatal(err)
	}
}

// tag returns a property of the file system on a device.
func (m *machine) tag(device, name string) string {
	m.t.Helper()
	out, err := exec.CommandContext(m.t.Context(), "/usr/sbin/blkid", "--probe", "--match-tag", name, "--output", "value", device).Output()
	if err != nil {
		m.t.Fatalf("blkid %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

func newMachineWithVolume(t *testing.T) (m *machine, device string) {
	t.Helper()
	m = newMachine(t)
	m.install("record.sh")
	return m, m.attachVolume()
}

func TestNewVolumeIsFormattedAndMounted(t *testing.T) {
	t.Parallel()
	m, device := newMachineWithVolume(t)
	m.boot()
	calls := m.calls()
	mounted := filepath.Join(m.root, "var", "lib", "lsapi")
	for _, want := range []string{"mount " + mounted + "\n", "chown 65532:65532 " + mounted + "\n", "STATE=" + mounted + " :\n", "resize2fs " + device + "\n"} {
		if !strings.Contains(calls, want) {
			t.Errorf("no call is %q:\n%s", want, calls)
		}
	}
	if strings.Index(calls, "mount ") > strings.Index(calls, "systemctl enable --now docker") {
		t.Errorf("Docker starts before the record is there:\n%s", calls)
	}
	want := "UUID=" + m.tag(device, "UUID") + " /var/lib/lsapi ext4 noatime,nosuid,nodev,noexec,nofail,"
	if kind := m.tag(device, "TYPE"); kind != "ext4" || !strings.Contains(m.read("etc/fstab"), want) {
		t.Errorf("the file system is %s, fstab\n%s", kind, m.read("etc/fstab"))
	}
	if information, err := os.Stat(mounted); err != nil || information.Mode().Perm() != 0o700 {
		t.Errorf("others can read the record: %v %v", information, err)
	}
}

func TestVolumeWithRecordIsNotFormatted(t *testing.T) {
	t.Parallel()
	m, device := newMachineWithVolume(t)
	m.boot()
	uuid, fstab := m.tag(device, "UUID"), m.read("etc/fstab")
	m.calls()
	m.reboot()
	m.boot()
	if got := m.tag(device, "UUID"); got != uuid || m.read("etc/fstab") != fstab {
		t.Errorf("the file system is %s, before %s; fstab\n%s", got, uuid, m.read("etc/fstab"))
	}
	if calls := m.calls(); strings.Contains(calls, "builder ") || strings.Count(calls, "\nmount ") != 1 {
		t.Errorf("the calls are\n%s", calls)
	}
	replaced := newMachine(t) // another instance gets the volume
	replaced.install("record.sh")
	replaced.settings("record_volume=" + recordVolume)
	replaced.devices(device + " vol0123456789abcdef0")
	replaced.boot()
	if got := m.tag(device, "UUID"); got != uuid || strings.Count(replaced.read("etc/fstab"), " /var/lib/lsapi ") != 1 {
		t.Errorf("the file system is %s, before %s; fstab\n%s", got, uuid, replaced.read("etc/fstab"))
	}
}

// A volume restored from a snapshot in the place of the other has another file system.
func TestAnotherVolumeTakesThePlaceInFstab(t *testing.T) {
	t.Parallel()
	m, first := newMachineWithVolume(t)
	m.boot()
	m.reboot()
	second := m.attachVolume()
	m.boot()
	if fstab := m.read("etc/fstab"); strings.Count(fstab, " /var/lib/lsapi ") != 1 || !strings.Contains(fstab, m.tag(second, "UUID")) || !strings.Contains(fstab, " / xfs ") {
		t.Errorf("fstab, with %s before:\n%s", m.tag(first, "UUID"), fstab)
	}
}

func TestVolumeOfEarlierSettingsIsNotAwaited(t *testing.T) {
	t.Parallel()
	m, _ := newMachineWithVolume(t)
	m.boot()
	m.reboot()
	m.parameter("/lsapi/store-url", "postgres://db")
	m.settings("secret.STORE_URL=/lsapi/store-url")
	m.calls()
	m.boot()
	if fstab := m.read("etc/fstab"); strings.Contains(fstab, "/var/lib/lsapi") || !strings.Contains(fstab, " / xfs ") {
		t.Errorf("fstab is\n%s", fstab)
	}
	if calls := m.calls(); !strings.Contains(calls, "systemctl daemon-reload\n") || strings.Contains(calls, "\nmount ") {
		t.Errorf("the calls are\n%s", calls)
	}
}

// Whatever is on a volume that is not blank stays there.
func TestVolumeWithUnknownContentIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, word string }{
		"a damaged file system":     {"remains of a superblock", "is not empty"},
		"another file system":       {"", "ext2"},
		"a table without partition": {strings.Repeat("\x00", 510) + "\x55\xaa", "is not empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, device := newMachineWithVolume(t)
			if test.word == "ext2" {
				makeExt2(t, device)
			} else if err := writeAt(device, test.content); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(device)
			if err != nil {
				t.Fatal(err)
			}
			status, said := m.run("boot.sh")
			if status == 0 || !strings.Contains(said, test.word) {
				t.Errorf("status %d: %s", status, said)
			}
			after, err := os.ReadFile(device)
			if err != nil || !slices.Equal(before, after) {
				t.Errorf("the volume is written to (%v)", err)
			}
			if calls := m.calls(); strings.Contains(calls, "builder ") || strings.Contains(calls, "enable --now docker") {
				t.Errorf("the service starts without its record:\n%s", calls)
			}
		})
	}
}

// writeAt writes to the beginning of a device.
func writeAt(device, content string) error {
	file, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(content)
	return err
}

func makeExt2(t *testing.T, device string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "/usr/sbin/mkfs.ext2", "-q", "-F", device).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestBootWaitsForTheVolume(t *testing.T) {
	t.Parallel()
	m, device := newMachineWithVolume(t)
	m.devices("/dev/nvme0n1 vol0fedcba9876543210")
	status, said := m.run("boot.sh")
	if calls := m.calls(); status != 1 || !strings.Contains(said, recordVolume+" of the record is not attached") || strings.Contains(calls, "builder ") {
		t.Errorf("status %d: %s; the calls are\n%s", status, said, calls)
	}
	m.devices("/dev/xvda", device+" vol0123456789abcdef0")
	m.boot()
}

func TestFailedMountStartsNothing(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"mount", "chown", "lsblk"} {
		m, _ := newMachineWithVolume(t)
		m.fail(program)
		status, said := m.run("boot.sh")
		if calls := m.calls(); status == 0 || strings.Contains(calls, "builder ") || strings.Contains(calls, "enable --now docker") {
			t.Errorf("%s: status %d: %s; the calls are\n%s", program, status, said, calls)
		}
		m.boot()
	}
}

func TestFileSystemThatCannotGrowIsReported(t *testing.T) {
	t.Parallel()
	m, _ := newMachineWithVolume(t)
	m.fail("resize2fs")
	status, said := m.run("boot.sh")
	if calls := m.calls(); status != 0 || !strings.Contains(said, recordVolume+" cannot grow") || !strings.Contains(calls, "builder ") {
		t.Errorf("status %d: %s; the calls are\n%s", status, said, calls)
	}
}

// Programs of every user read fstab.
func TestFstabKeepsItsMode(t *testing.T) {
	t.Parallel()
	m, _ := newMachineWithVolume(t)
	fstab := filepath.Join(m.root, "etc", "fstab")
	if err := os.Chmod(fstab, 0o644); err != nil {
		t.Fatal(err)
	}
	m.boot()
	if information, err := os.Stat(fstab); err != nil || information.Mode().Perm() != 0o644 {
		t.Errorf("others cannot read it: %v %v", information, err)
	}
}

// The protection of the volume, with the real terraform: `terraform test` cannot expect a plan that
// `prevent_destroy` refuses.
func TestProtectedRecordRefusesPlansThatDeleteIt(t *testing.T) {
	t.Parallel()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("SKIPPED: no terraform is installed")
	}
	l := read(t)
	protection := l.one(t, "resource", "terraform_data", "record_protection")
	folder := t.TempDir()
	configuration := `variable "record_protected" { default = true }
variable "volume" { default = "vol-1" }
locals { protected_record_id = var.volume }
` + text(protection.Range(), protection.source)
	if err := os.WriteFile(filepath.Join(folder, "main.tf"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		want      string // in the error, or empty
		arguments []string
	}{
		{"", []string{"init"}},
		{"", []string{"apply", "-auto-approve"}},
		{"", []string{"plan"}},
		{"Instance cannot be destroyed", []string{"plan", "-var", "volume=vol-2"}},
		{"Instance cannot be destroyed", []string{"destroy", "-auto-approve"}},
		{"Instance cannot be destroyed", []string{"apply", "-auto-approve", "-var", "record_protected=false"}},
		{"", []string{"state", "rm", "terraform_data.record_protection[0]"}},
		{"", []string{"destroy", "-auto-approve"}},
	} {
		command := exec.CommandContext(t.Context(), terraform, append([]string{"-chdir=" + folder}, step.arguments...)...)
		command.Env = append(os.Environ(), "TF_IN_AUTOMATION=1")
		out, err := command.CombinedOutput()
		if (err != nil) != (step.want != "") || !strings.Contains(string(out), step.want) {
			t.Fatalf("%v: %v\n%s", step.arguments, err, out)
		}
	}
}
