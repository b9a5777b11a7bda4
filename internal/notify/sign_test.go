package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"lsapi/internal/notify"
)

// verify is the receiver's side of the signature, as docs/notifications.md shows it.
func verify(secret []byte, header http.Header, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return errors.New("the timestamp is missing, or too old")
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(header.Get("Webhook-Id") + "." + header.Get("Webhook-Timestamp") + "."))
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.FieldsSeq(header.Get("Webhook-Signature")) {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return nil
		}
	}
	return errors.New("no signature matches")
}

func TestParseSecrets(t *testing.T) {
	raw := strings.Repeat("x", 24)
	for text, want := range map[string]string{
		raw:                raw,
		" " + raw + "\r\n": raw,
		"\nwhsec_" + base64.StdEncoding.EncodeToString([]byte(raw)): raw,
		raw + "\n" + raw + "y\n":                                    raw + "|" + raw + "y",
	} {
		all, err := notify.ParseSecrets(text)
		var got []string
		for _, s := range all {
			got = append(got, string(s))
		}
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("%q: got %q (%v), want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "\n", "short", strings.Repeat("x", 65), "whsec_!", "whsec_c2hvcnQ="} {
		if _, err := notify.ParseSecrets(text); err == nil || text != "" && strings.Contains(err.Error(), "short") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
