package wire

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzForm reads lists out of any form: never a panic, and never more elements
// than the form has parameters.
func FuzzForm(f *testing.F) {
	f.Fuzz(func(t *testing.T, form string) {
		q, err := ReadQuery(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form)))
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%q: %v is not an AWS error", form, err)
			}
			return
		}
		for _, prefix := range []string{"Instances.member", "Filter", ""} {
			if got := len(q.Elements(prefix)); got > len(q) {
				t.Errorf("%q: %d elements under %q, of %d parameters", form, got, prefix, len(q))
			}
			if list, column := len(q.List(prefix)), len(q.Column(prefix, "InstanceId")); list > column {
				t.Errorf("%q: %d plain values in %d elements", form, list, column)
			}
		}
	})
}
