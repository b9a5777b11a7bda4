// Package notify sends notifications of recorded events to webhooks: drift, changes that a
// guard refused or that overrode one, unknown outcomes, and members that are out for long.
//
// Delivery is at least once, and in order for each receiver: a follower reads the record
// behind the position that the record keeps for its receiver, and stores the position after
// each notification. One process sends to a receiver at a time. An id identifies a
// notification, so that receivers can drop duplicates.
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
	apiv1 "lsapi/api/v1"
)

// Format is the form of a request's body.
type Format string

// The formats.
const (
	CloudEvents Format = "cloudevents" // structured JSON of CloudEvents 1.0
	Slack       Format = "slack"       // {"text": ...}, which several chats accept
)

// Kind is a kind of notification, as a configuration names it.
type Kind string

// The kinds.
const (
	Drift      Kind = "drift"
	Refused    Kind = "refused"
	Overridden Kind = "overridden"
	Unknown    Kind = "unknown"
	Out        Kind = "out"
	// gap and test go to every receiver.
	gap  Kind = "gap"
	test Kind = "test"
)

// Kinds returns the kinds that a receiver can select.
func Kinds() []Kind { return []Kind{Drift, Refused, Overridden, Unknown, Out} }

// Type returns the type of its CloudEvents.
func (k Kind) Type() string {
	return map[Kind]string{
		Drift: apiv1.NotifyDrift, Refused: apiv1.NotifyRefused, Overridden: apiv1.NotifyOverridden,
		Unknown: apiv1.NotifyUnknown, Out: apiv1.NotifyOut, gap: apiv1.NotifyGap, test: apiv1.NotifyTest,
	}[k]
}

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

// gets reports whether a notification is sent to the receiver.
func (r *Receiver) gets(ctx context.Context, n *notification) bool {
	if n.kind == gap || n.kind == test {
		return true
	}
	return r.wants(n.kind) && (r.Matches == nil || r.Matches(ctx, n.pool))
}

// wants reports whether notifications of a kind are sent to the receiver.
func (r *Receiver) wants(kind Kind) bool {
	return (r.Kinds == nil || slices.Contains(r.Kinds, kind)) && (kind != Out || r.OutFor > 0)
}
