package exchange

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"lsapi"
)

func TestIfMatchIsAListOfStrongTags(t *testing.T) {
	for name, test := range map[string]struct {
		fields []string
		want   []string
	}{
		"none":                 {nil, nil},
		"any":                  {[]string{" * "}, []string{"*"}},
		"one":                  {[]string{`"a"`}, []string{"a"}},
		"a list":               {[]string{`"a", "b" ,,"c"`}, []string{"a", "b", "c"}},
		"two fields":           {[]string{`"a"`, `"b"`}, []string{"a", "b"}},
		"a comma within":       {[]string{`"a,b"`}, []string{"a,b"}},
		"a weak one of two":    {[]string{`W/"a", "b"`}, []string{"b"}},
		"weak ones alone":      {[]string{`W/"a", W/"b"`}, []string{`W/"a"`}},
		"a hundred":            {[]string{strings.Repeat(`"a",`, 100)}, slices.Repeat([]string{"a"}, 100)},
		"the version of a set": {[]string{`"e32d469c11c81511c616e2b668e24552"`}, []string{"e32d469c11c81511c616e2b668e24552"}},
	} {
		x := &Exchange{Request: &http.Request{Header: http.Header{"If-Match": test.fields}}}
		if test.fields == nil {
			x.Request.Header = nil
		}
		if got, err := x.IfMatch(); err != nil || !slices.Equal(got, test.want) || (got == nil) != (test.want == nil) {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}

func TestMalformedIfMatchIsInvalid(t *testing.T) {
	for _, field := range []string{"", ",", "a", `"a`, `a"`, `"a" "b"`, `"a";q=1`, `*, "a"`, `"a", *`, "w/\"a\"", "\"\xff\"", `"a b"`, strings.Repeat(`"a",`, 101)} {
		x := &Exchange{Request: &http.Request{Header: http.Header{"If-Match": {field}}}}
		if got, err := x.IfMatch(); lsapi.ErrorCode(err) != lsapi.CodeInvalid || got != nil || !strings.Contains(err.Error(), "If-Match") {
			t.Errorf("%q is %q, %v", field, got, err)
		}
	}
}

func TestPreferRespondAsync(t *testing.T) {
	for field, want := range map[string]bool{
		"respond-async": true, "Respond-Async": true, "return=minimal, respond-async;x=1": true, "respond-async, wait=10": true,
		"": false, "respond-asynchronously": false, "x; respond-async": false, "return=respond-async": false,
	} {
		if got := PrefersAsync(http.Header{"Prefer": {"handling=strict", field}}); got != want {
			t.Errorf("%q is %v", field, got)
		}
	}
}

func TestOverrideIsAReason(t *testing.T) {
	for field, valid := range map[string]bool{"the machine burns": true, "": false, " ": false, strings.Repeat("x", 256): true, strings.Repeat("x", 257): false, "a\tb": false, "UTF-8''%C3%A9": true} {
		x := &Exchange{Request: &http.Request{Header: http.Header{"X-Override-Guard": {field}}}}
		if got, err := x.Override(); (err == nil) != valid || valid && got == "" || err != nil && !strings.Contains(err.Error(), "X-Override-Guard") {
			t.Errorf("%q is %q, %v", field, got, err)
		}
	}
}
