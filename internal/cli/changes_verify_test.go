package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/store"
)

// Hashes without a secret prove nothing against whoever can write to the record.
func TestVerifyingSaysWhatItDoesNotProve(t *testing.T) {
	for name, test := range map[string]struct {
		found store.Verification
		heads int
		says  bool
	}{
		"no heads":             {store.Verification{}, 0, true},
		"heads":                {store.Verification{}, 2, false},
		"a head that is kept":  {store.Verification{Pruned: make([]lsapi.Head, 1)}, 2, false},
		"heads of what is not": {store.Verification{Pruned: make([]lsapi.Head, 2)}, 2, true},
	} {
		var out bytes.Buffer
		if err := tellVerification(&out, test.found, test.heads, true); err != nil {
			t.Fatal(err)
		}
		if says := strings.Contains(out.String(), "not a forger"); says != test.says {
			t.Errorf("%s: it says %s", name, out.String())
		}
	}
}

func TestVerifyFailsOnHeadsThatProveNothing(t *testing.T) {
	found := store.Verification{LoadBalancers: 1, Events: 3, Pruned: []lsapi.Head{{LoadBalancer: "web", Seq: 7}}}
	for _, test := range []struct {
		allowPruned bool
		fails       string
		prints      string
	}{
		{false, "1 of 2 heads are older than what the record keeps, such as that of load balancer web at event 7", ""},
		{true, "", "1 heads hold\n1 heads are older"},
	} {
		var out bytes.Buffer
		err := tellVerification(&out, found, 2, test.allowPruned)
		if (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
			t.Errorf("allowed %t: got the error %v, want %q", test.allowPruned, err, test.fails)
		}
		if !strings.Contains(out.String(), test.prints) || err != nil && out.Len() > 0 {
			t.Errorf("allowed %t: printed %q", test.allowPruned, out.String())
		}
	}
}

// What wrote the file may have failed.
func TestVerifyRefusesFileWithoutHeads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heads.txt")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if heads, err := readHeads(path); err == nil || !strings.Contains(err.Error(), path+" holds no heads") || exitStatus(err) != ExitUsage {
		t.Errorf("%v, %v", heads, err)
	}
	if err := os.WriteFile(path, []byte("web 7 abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if heads, err := readHeads(path); err != nil || len(heads) != 1 {
		t.Errorf("%v, %v", heads, err)
	}
}
