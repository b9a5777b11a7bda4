package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/record"
)

// The hashes use no secret, so they prove nothing against a writer of the record.
func TestVerifyReportsLimitsOfProof(t *testing.T) {
	for name, test := range map[string]struct {
		found  record.Verification
		points int
		says   bool
	}{
		"none":                 {record.Verification{}, 0, true},
		"kept":                 {record.Verification{}, 2, false},
		"one kept, one pruned": {record.Verification{Pruned: make([]lsapi.ChainEnd, 1)}, 2, false},
		"all pruned":           {record.Verification{Pruned: make([]lsapi.ChainEnd, 2)}, 2, true},
	} {
		var out bytes.Buffer
		if err := reportVerification(&out, test.found, test.points, true); err != nil {
			t.Fatal(err)
		}
		if says := strings.Contains(out.String(), "not a forger"); says != test.says {
			t.Errorf("%s: it says %s", name, out.String())
		}
	}
}

func TestVerifyFailsOnPrunedCheckpoints(t *testing.T) {
	found := record.Verification{Pools: 1, Events: 3, Pruned: []lsapi.ChainEnd{{Pool: lsapi.ELB("web"), Seq: 7}}}
	for _, test := range []struct {
		allowPruned bool
		fails       string
		prints      string
	}{
		{false, "1 of 2 checkpoints are older than all kept events, such as that of pool default/elb/web at event 7", ""},
		{true, "", "1 checkpoints hold\n1 checkpoints are older"},
	} {
		var out bytes.Buffer
		err := reportVerification(&out, found, 2, test.allowPruned)
		if (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
			t.Errorf("allowed %t: got the error %v, want %q", test.allowPruned, err, test.fails)
		}
		if !strings.Contains(out.String(), test.prints) || err != nil && out.Len() > 0 {
			t.Errorf("allowed %t: printed %q", test.allowPruned, out.String())
		}
	}
}

// The command that wrote the file may have failed.
func TestVerifyRejectsEmptyCheckpointFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.txt")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if points, err := readCheckpoints(path); err == nil || !strings.Contains(err.Error(), path+" is empty") || exitStatus(err) != ExitUsage {
		t.Errorf("%v, %v", points, err)
	}
	if err := os.WriteFile(path, []byte("web 7 abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if points, err := readCheckpoints(path); err != nil || len(points) != 1 {
		t.Errorf("%v, %v", points, err)
	}
}
