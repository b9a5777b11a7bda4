package exchange

import (
	"net/http"
	"strings"
	"testing"

	"lsapi"
)

func TestIdempotencyKeyRequiresVisibleASCII(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		given  bool
		valid  bool
	}{
		{"none", nil, false, true},
		{"a UUID", []string{"8e03978e-40d5-43e8-bc93-6894a57f9324"}, true, true},
		{"of the whole of ASCII", []string{`!"#$%&'()*+,-./09:;<=>?@AZ[\]^_` + "`az{|}~"}, true, true},
		{"of 1 character", []string{"x"}, true, true},
		{"of 128 characters", []string{strings.Repeat("x", 128)}, true, true},
		{"of 129 characters", []string{strings.Repeat("x", 129)}, true, false},
		{"empty", []string{""}, true, false},
		{"with a space", []string{"a b"}, true, false},
		{"with a tab", []string{"a\tb"}, true, false},
		{"with DEL", []string{"a\x7f"}, true, false},
		{"not ASCII", []string{"é"}, true, false},
		{"not UTF-8", []string{"\xff"}, true, false},
		{"twice", []string{"a", "a"}, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := http.Header{}
			if test.fields != nil {
				h["Idempotency-Key"] = test.fields
			}
			x := &Exchange{Request: &http.Request{Header: h}}
			key, given, err := x.IdempotencyKey()
			if given != test.given || (err == nil) != test.valid {
				t.Fatalf("the key is %q, %t, %v", key, given, err)
			}
			if err != nil && (key != "" || lsapi.ErrorCode(err) != lsapi.CodeInvalid || !strings.Contains(err.Error(), "Idempotency-Key")) {
				t.Errorf("the key is %q, the error %v", key, err)
			}
			if err == nil && given && key != test.fields[0] {
				t.Errorf("the key is %q", key)
			}
		})
	}
}
