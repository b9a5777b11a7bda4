package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"lsapi"
)

// Format is the form of a request's body.
type Format string

// The formats.
const (
	CloudEvents Format = "cloudevents" // structured JSON of CloudEvents 1.0
	Slack       Format = "slack"       // {"text": ...}, which several chats accept
)

// Receiver is where notifications are sent. Its URL may be a secret.
type Receiver struct {
	URL    string
	Format Format
	// Secrets sign the requests: during a rotation the old one and the new. Nil: none.
	Secrets []Secret
	// Matches reports whether a pool's notifications are sent. Nil: those of all pools.
	Matches func(context.Context, lsapi.PoolID) bool
	// Kinds are those that are sent. Nil: all.
	Kinds []Kind
	// OutFor is how long a member must be out to be reported. 0: none is reported.
	OutFor time.Duration
}

// CheckURL returns the problem of a receiver's URL, which its text does not show.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("not an http or https URL, such as https://hooks.example.com/lsapi")
	case u.User != nil:
		return errors.New("one that contains a user or a password; use a token in the path, and the signature")
	case u.Fragment != "":
		return errors.New("one that contains a fragment (#), which HTTP does not send")
	}
	return nil
}

// key identifies the receiver in the record, without its URL.
func (r *Receiver) key() string {
	sum := sha256.Sum256([]byte(r.URL))
	return hex.EncodeToString(sum[:16])
}

// Name returns the receiver as logs and metrics show it: its host, and what tells apart
// several of one host. Paths and queries can be secrets.
func (r *Receiver) Name() string {
	host := "invalid"
	if u, err := url.Parse(r.URL); err == nil {
		host = u.Host
	}
	return host + "#" + r.key()[:6]
}

func (r *Receiver) isPlain() bool { return strings.HasPrefix(strings.ToLower(r.URL), "http:") }

// wants reports whether notifications of a kind are sent to the receiver.
func (r *Receiver) wants(kind Kind) bool {
	return (r.Kinds == nil || slices.Contains(r.Kinds, kind)) && (kind != Out || r.OutFor > 0)
}
