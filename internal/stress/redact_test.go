package stress_test

import (
	"testing"

	"lsapi/internal/stress"
)

func TestRedactURLRemovesCredentials(t *testing.T) {
	for given, want := range map[string]string{
		"http://127.0.0.1:8000/elb/x?wait=true&timeout=60s":        "http://127.0.0.1:8000/elb/x?wait=true&timeout=60s",
		"http://user:word@127.0.0.1/":                              "http://127.0.0.1/",
		"http://h/?access_token=abc&x=1&API-Key=k&empty&password=": "http://h/?access_token=…&x=1&API-Key=…&empty&password=…",
		"http://h/?to%6ben=abc&a%zz=b":                             "http://h/?to%6ben=…&a%zz=…",
		"http://h/p?X-Amz-Signature=0#access_token=abc":            "http://h/p?X-Amz-Signature=…",
		"http://h/%zz?token=abc":                                   "…",
	} {
		if got := stress.RedactURL(given); got != want {
			t.Errorf("%s is shown as %s, want %s", given, got, want)
		}
	}
}
