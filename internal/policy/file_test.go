package policy_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/policy"
	"lsapi/internal/safefile"
)

func write(t *testing.T, path, text string, minute int) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	then := time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func waitForPoll() {
	time.Sleep(2*safefile.PollEvery + time.Millisecond)
	synctest.Wait()
}

func TestFileIsReloadedAndAnInvalidOneIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policy.yaml")
		write(t, path, "mayOverride: [alice]", 0)
		log := &lines{}
		file, err := policy.Open(path, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		file.Start()
		defer file.Close(t.Context())
		waitForPoll()
		first := file.Policy()

		write(t, path, "mayOverride: [bob]\nguards: [{pools: [x], maxOut: -1}]", 1)
		waitForPoll()
		if file.Policy() != first || !file.Rejected() || !file.MayOverride(lsapi.Actor{Name: "alice"}, lsapi.PoolID{}) {
			t.Error("an invalid file is in force")
		}
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "policy file rejected") ||
			!strings.Contains(text, "policy.yaml:2:19: ") || !strings.Contains(text, "policy.yaml:2:31: ") {
			t.Errorf("the log is %s", text)
		}

		write(t, path, "mayOverride: [bob]\nguards: [{pools: ['elb/x'], maxOut: 1}]", 2)
		waitForPoll()
		if file.Rejected() || !file.MayOverride(lsapi.Actor{Name: "bob"}, lsapi.PoolID{}) || file.MayOverride(lsapi.Actor{Name: "alice"}, lsapi.PoolID{}) || file.Policy().Size() != 1 {
			t.Error("a valid file is not in force")
		}
		if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, `msg="policy file read"`) || !strings.Contains(text, "guards=1") {
			t.Errorf("the log is %s", text)
		}

		second := file.Policy()
		write(t, path, "mayOverride: [bob]\nguards: [{pools: ['elb/x'], maxOut: 1}]", 3)
		waitForPoll()
		if file.Policy() != second { // the rules in caches stay valid
			t.Error("the same text is another policy")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		waitForPoll()
		if !file.Rejected() || file.Policy() != second {
			t.Error("without its file the policy is not in force")
		}
	})
}

func TestOpenReportsItsProblems(t *testing.T) {
	folder := t.TempDir()
	bad := filepath.Join(folder, "bad.yaml")
	write(t, bad, "guards: 1", 0)
	log := slog.New(slog.DiscardHandler)
	if _, err := policy.Open(bad, log); err == nil || err.Error() != "bad.yaml:1:9: guards is not a list but a scalar" {
		t.Errorf("got %v", err)
	}
	if _, err := policy.Open(filepath.Join(folder, "none"), log); !errors.Is(err, safefile.ErrUnreadable) || strings.Contains(err.Error(), folder) {
		t.Errorf("got %v", err)
	}
	if _, err := policy.Open(os.DevNull, log); err == nil || !strings.Contains(err.Error(), "the policy is empty") {
		t.Errorf("got %v", err)
	}
	none, err := policy.Open("", log)
	if err != nil || none.Policy().Size() != 0 || none.Rejected() || !none.MayOverride(lsapi.Actor{Name: "alice"}, lsapi.PoolID{}) || none.Reload() != nil || none.Close(t.Context()) != nil {
		t.Errorf("without a file: %v", err)
	}
	none.Start()
}
