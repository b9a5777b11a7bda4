package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/cli"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

func TestChangesExitWithTwoOnUnreadableRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lsapi.db")
	s, err := open.URL(t.Context(), "sqlite:"+path, record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := s.Acquire(t.Context(), lsapi.ELB("web"))
	if err != nil {
		t.Fatal(err)
	}
	var events []lsapi.Event
	for i := range 300 {
		id, _ := uuid.NewV7()
		events = append(events, lsapi.Event{Kind: lsapi.EventCompleted, At: time.Now(), Change: lsapi.Change{
			ID: id.String(), Action: lsapi.Attach, Pool: lsapi.ELB("web"), Member: lsapi.InstanceMember(fmt.Sprintf("i-%08x", i)), Outcome: lsapi.OutcomeConflict, Actor: "alice",
		}})
	}
	if _, err := s.Append(t.Context(), turn, events); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := len(text) / 3; at < len(text)/3*2; at += 4096 { // a damaged disk
		page := at / 4096 * 4096
		copy(text[page:page+4096], bytes.Repeat([]byte{0xff}, 4096))
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"verify"}, {"list", "--limit", "0"}} {
		var out, errs bytes.Buffer
		args := append(append([]string{"changes"}, command...), "--store", "sqlite:"+path)
		status := cli.Run(cli.Process{Args: args, Stdout: &out, Stderr: &errs})
		if status != cli.ExitUsage {
			t.Errorf("%v: status %d, want 2: %s%s", command, status, out.String(), errs.String())
		}
	}
}

func TestRecordErrorNamesItsSetting(t *testing.T) {
	missing := "sqlite:" + filepath.Join(t.TempDir(), "none", "lsapi.db")
	for _, test := range []struct {
		environ, arguments []string
		want               string
	}{
		{[]string{"STORE_URL=" + missing}, []string{"changes", "list"}, "lsapi: --store (STORE_URL), set in the environment: the folder "},
		{nil, []string{"changes", "list", "--store", missing}, "lsapi: --store (STORE_URL), set by the flag: the folder "},
		{[]string{"API_TOKEN=dXNlcjpwYXNzd29yZA==", "STORE_URL=" + missing}, []string{"serve"}, "lsapi: --store (STORE_URL), set in the environment: the folder "},
	} {
		status, _, stderr := inProcess(test.environ, test.arguments...)
		if status != 2 || !strings.HasPrefix(stderr, test.want) {
			t.Errorf("%v: status %d, %q", test.arguments, status, stderr)
		}
	}
}
