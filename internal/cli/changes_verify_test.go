package cli

import (
	"bytes"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/app"
)

// Hashes without a secret prove nothing against whoever can write to the record.
func TestVerifyingSaysWhatItDoesNotProve(t *testing.T) {
	for name, test := range map[string]struct {
		found app.Verification
		heads int
		says  bool
	}{
		"no heads":             {app.Verification{}, 0, true},
		"heads":                {app.Verification{}, 2, false},
		"a head that is kept":  {app.Verification{Pruned: make([]lsapi.Head, 1)}, 2, false},
		"heads of what is not": {app.Verification{Pruned: make([]lsapi.Head, 2)}, 2, true},
	} {
		var out bytes.Buffer
		if err := tellVerification(&out, test.found, test.heads); err != nil {
			t.Fatal(err)
		}
		if says := strings.Contains(out.String(), "not a forger"); says != test.says {
			t.Errorf("%s: it says %s", name, out.String())
		}
	}
}
