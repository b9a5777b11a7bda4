package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lsapi/internal/safefile"
)

// Secret is a key that signs requests.
type Secret []byte

// String returns a placeholder: no log shows a secret.
func (Secret) String() string { return "[redacted]" }

// GoString returns a placeholder, for %#v.
func (Secret) GoString() string { return "[redacted]" }

// secretPrefix begins a secret as Standard Webhooks writes it.
const secretPrefix = "whsec_"

// ParseSecrets parses secrets, one a line: whsec_ and base64, as Standard Webhooks writes
// them, or any other text of 24 to 64 bytes. Its error contains none of the text.
func ParseSecrets(text string) ([]Secret, error) {
	var all []Secret
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		secret := Secret(line)
		if encoded, ok := strings.CutPrefix(line, secretPrefix); ok {
			var err error
			if secret, err = base64.StdEncoding.DecodeString(encoded); err != nil {
				return nil, errors.New("not base64 after " + secretPrefix)
			}
		}
		if len(secret) < minSecret || len(secret) > maxSecret {
			return nil, fmt.Errorf("a secret has from %d to %d bytes; make one with: echo %s$(openssl rand -base64 32)", minSecret, maxSecret, secretPrefix)
		}
		all = append(all, secret)
	}
	if len(all) == 0 {
		return nil, errors.New("it has no secret")
	}
	return all, nil
}

// maxSecretFile is far more than a few secrets have.
const maxSecretFile = 4 << 10

// ReadSecrets reads the secrets in a file. Its error contains neither the path nor a secret.
func ReadSecrets(path string) ([]Secret, error) {
	text, err := safefile.Read(path, maxSecretFile)
	if err != nil {
		return nil, err
	}
	return ParseSecrets(string(text))
}

// signature returns the value of webhook-signature by Standard Webhooks: for each secret
// "v1," and the HMAC-SHA256 of id, time and body.
func signature(secrets []Secret, id string, at time.Time, body []byte) string {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + timestamp(at) + "."))
		mac.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}

// timestamp returns the value of webhook-timestamp.
func timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
