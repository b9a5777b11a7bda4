// Package auth turns a request's credentials into the actor who asks.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"lsapi"
)

// Basic knows one user, by HTTP basic authentication (RFC 7617).
type Basic struct {
	actor lsapi.Actor
	// digest is of "user:password". Digests have one length, so that comparing
	// them tells nothing about the length of what they are made from.
	digest [sha256.Size]byte
}

// maxEncoded is how long base64 of user:password may be.
const maxEncoded = 1024

// NewBasic returns the authenticator for a token: base64 of "user:password", in
// which neither is empty. A malformed token is CodeInvalid; the message says
// what is wrong and how to make one, and never holds the token.
func NewBasic(token string) (*Basic, error) {
	credentials, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil {
		return nil, badToken("it is not base64")
	}
	user, password, found := strings.Cut(string(credentials), ":")
	switch {
	case len(token) > maxEncoded:
		return nil, badToken("it is longer than 1,024 characters")
	case !utf8.Valid(credentials):
		return nil, badToken("it does not decode to text")
	case !found:
		return nil, badToken("it does not decode to user:password")
	case user == "" || password == "":
		return nil, badToken("the user or the password in it is empty")
	case strings.ContainsFunc(string(credentials), unicode.IsControl):
		// Most often the newline of an echo without -n. RFC 7617 allows none.
		return nil, badToken("there is a control character, such as a newline, in it")
	}
	return &Basic{actor: lsapi.Actor{Name: user}, digest: sha256.Sum256(credentials)}, nil
}

func badToken(why string) error {
	return lsapi.Errorf(lsapi.CodeInvalid,
		"malformed token: %s; make one with: printf '%%s' 'user:password' | base64", why)
}

// Authenticate returns the actor of an Authorization header's value; an empty
// value is a missing header. Anything but the right credentials in the scheme
// Basic is CodeUnauthenticated.
func (b *Basic) Authenticate(authorization string) (lsapi.Actor, error) {
	if authorization == "" {
		return lsapi.Actor{}, lsapi.Errorf(lsapi.CodeUnauthenticated, "credentials are missing")
	}
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return lsapi.Actor{}, lsapi.Errorf(lsapi.CodeUnauthenticated, "only Basic credentials are accepted")
	}
	// Arrays of a fixed size keep what every request does off the heap.
	var decoded, text [maxEncoded]byte
	encoded = strings.Trim(encoded, " ")
	if len(encoded) > maxEncoded {
		return lsapi.Actor{}, lsapi.Errorf(lsapi.CodeUnauthenticated, "wrong user or password")
	}
	n, err := base64.StdEncoding.Decode(decoded[:], append(text[:0], encoded...))
	if err != nil {
		return lsapi.Actor{}, lsapi.Errorf(lsapi.CodeUnauthenticated, "the credentials are not base64 of user:password")
	}
	digest := sha256.Sum256(decoded[:n])
	if subtle.ConstantTimeCompare(digest[:], b.digest[:]) != 1 {
		return lsapi.Actor{}, lsapi.Errorf(lsapi.CodeUnauthenticated, "wrong user or password")
	}
	return b.actor, nil
}
