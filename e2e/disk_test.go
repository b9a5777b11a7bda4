package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// disk is a folder for a record, whose writes can be made to fail and to work again.
type disk struct {
	path       string // of the record
	fail, heal func(*service)
}

// disks are the kinds of failures that this user can cause: a full disk needs a mounted
// file system, and thus root.
func disks(t *testing.T) map[string]disk {
	t.Helper()
	ways := map[string]disk{"a limit on files": limitedFiles(t)}
	folder, err := mount(t)
	if err != nil {
		t.Logf("no file system can be mounted here, a limit on files stands for all that fails: %v", err)
		return ways
	}
	ballast := filepath.Join(folder, "ballast")
	ways["a full disk"] = disk{
		path: filepath.Join(folder, "lsapi.db"),
		fail: func(*service) { fill(t, ballast) },
		heal: func(*service) { command(t, "rm", ballast) },
	}
	return ways
}

// mount mounts a small file system until the test ends, and returns its folder.
func mount(t *testing.T) (folder string, err error) {
	t.Helper()
	folder = t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "lsapi-test", folder).Run(); err != nil {
		return "", err
	}
	t.Cleanup(func() { command(t, "umount", folder) })
	return folder, nil
}

func command(t *testing.T, words ...string) {
	t.Helper()
	if output, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", words, err, output)
	}
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := 64 << 10; block > 0; {
		if _, err := file.Write(make([]byte, block)); err != nil {
			block /= 2
		}
	}
}

// limitedFiles makes the kernel refuse the service's writes to files.
func limitedFiles(t *testing.T) disk {
	t.Helper()
	limit := func(s *service, size string) {
		command(t, "prlimit", "--pid", strconv.Itoa(s.cmd.Process.Pid), "--fsize="+size+":")
	}
	return disk{
		path: filepath.Join(t.TempDir(), "lsapi.db"),
		fail: func(s *service) { limit(s, "0") },
		heal: func(s *service) { limit(s, "unlimited") },
	}
}

func TestDiskFailureRejectsChangesAndServesReads(t *testing.T) {
	t.Parallel()
	for name, d := range disks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t, at(sqliteURL(d.path)))
			before := s.attach("web-elb", otherSpare).changeID(t)
			calls := a.calls()[register]
			d.fail(s)
			refusesChanges(t, s)
			if now := a.calls()[register]; now != calls || slices.Contains(a.members("default-elb"), spare) {
				t.Errorf("AWS was called %d more times, and has %v", now-calls, a.members("default-elb"))
			}
			readsOn(t, s, before)

			d.heal(s)
			isReady(t, s)
			if answer := s.attachOnce("k1", spare); answer.status != http.StatusCreated {
				t.Errorf("then it is %d: %s", answer.status, answer.body)
			}
			if changes := s.changes(""); len(changes) != 2 {
				t.Errorf("on record is %+v", changes)
			}
			verify(t, sqliteURL(d.path))
		})
	}
}

// refusesChanges asserts that a change is rejected with advice to retry.
func refusesChanges(t *testing.T, s *service) {
	t.Helper()
	for name, answer := range map[string]response{
		"a change":                          s.attach("default-elb", spare),
		"a change under an idempotency key": s.attachOnce("k1", spare),
	} {
		if answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" || answer.header.Get("X-Change-Id") != "" ||
			!strings.Contains(answer.errorText(t, "message"), "record") {
			t.Errorf("%s is %d, %v: %s", name, answer.status, answer.header, answer.body)
		}
	}
}

// readsOn asserts that reads succeed, and that the service reports what fails.
func readsOn(t *testing.T, s *service, changeID string) {
	t.Helper()
	for _, path := range []string{"/healthcheck", "/elb/default-elb", "/v1/changes", "/v1/changes/" + changeID} {
		if answer := s.get(path); answer.status != http.StatusOK {
			t.Errorf("%s is %d: %s", path, answer.status, answer.body)
		}
	}
	if list := s.send(http.MethodGet, "/elb/web-elb", "", "Cache-Control: no-cache"); list.status != http.StatusOK {
		t.Errorf("a fresh list is %d: %s", list.status, list.body)
	}
	if ready := s.get("/readyz"); ready.status != http.StatusServiceUnavailable || !strings.Contains(ready.errorText(t, "message"), "record") {
		t.Errorf("/readyz is %d: %s", ready.status, ready.body)
	}
}

func isReady(t *testing.T, s *service) {
	t.Helper()
	eventually(t, "it is ready", func() bool { return s.get("/readyz").status == http.StatusOK })
}

// The disk fails during the call: AWS has applied the change, and the response waits
// until its outcome is on record.
func TestOutcomeIsReturnedOnceTheDiskWorksAgain(t *testing.T) {
	t.Parallel()
	for name, d := range disks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t, at(sqliteURL(d.path)))
			a.fault(t, `{"action":"`+register+`","kind":"timeout","count":1,"after":true,"delay":"1s"}`)
			answered := make(chan response, 1)
			go func() {
				// An aborted request has status 0.
				answer, _ := s.try(http.MethodPost, "/elb/default-elb", machineID(spare))
				answered <- answer
			}()
			eventually(t, "AWS is called", func() bool { return a.calls()[register] == 1 })
			d.fail(s)
			s.waitFor(s.stderr, "outcomes cannot be recorded")
			select {
			case answer := <-answered:
				t.Fatalf("without an outcome on record the response is %d: %s", answer.status, answer.body)
			default:
			}
			d.heal(s)
			answer := <-answered
			if answer.status != http.StatusCreated {
				t.Fatalf("it is %d: %s", answer.status, answer.body)
			}
			s.change(answer.changeID(t)).is(t, "applied", "")
			if calls := a.calls()[register]; calls != 1 {
				t.Errorf("AWS got %d calls", calls)
			}
			verify(t, sqliteURL(d.path))
		})
	}
}

// readOnly makes a folder read-only until writable is called.
func readOnly(t *testing.T) (folder string, forbid, allow func()) {
	t.Helper()
	folder, err := mount(t)
	if err == nil {
		return folder, func() { command(t, "mount", "-o", "remount,ro", folder) }, func() { command(t, "mount", "-o", "remount,rw", folder) }
	}
	if os.Geteuid() == 0 {
		t.Skipf("this user may write everywhere, and cannot mount a file system: %v", err)
	}
	folder = t.TempDir()
	return folder, func() { command(t, "chmod", "-R", "a-w", folder) }, func() { command(t, "chmod", "-R", "u+w", folder) }
}

func TestReadOnlyDiskServesReads(t *testing.T) {
	t.Parallel()
	folder, forbid, allow := readOnly(t)
	store := sqliteURL(filepath.Join(folder, "lsapi.db"))
	a, s := startBoth(t, at(store))
	before := s.attach("web-elb", otherSpare).changeID(t)
	s.stop()
	forbid()
	s = startService(t, a.base, at(store))
	refusesChanges(t, s)
	readsOn(t, s, before)
	if list := s.changes("to=" + time.Now().UTC().Add(time.Hour).Format(time.RFC3339)); len(list) != 1 {
		t.Errorf("on record is %+v", list)
	}
	allow()
	isReady(t, s)
	if answer := s.attachOnce("k1", spare); answer.status != http.StatusCreated {
		t.Errorf("then it is %d: %s", answer.status, answer.body)
	}
	verify(t, store)
}
