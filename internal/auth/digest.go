package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
	"sync"
	"unicode"

	"lsapi"
)

// digester makes digests of credentials. They are keyed with a secret of this
// process, so that one is worth nothing to anybody else.
type digester struct{ pool sync.Pool }

func newDigester() *digester {
	var key [sha256.Size]byte
	_, _ = rand.Read(key[:]) // it never fails
	return &digester{sync.Pool{New: func() any {
		return &scratch{mac: hmac.New(sha256.New, key[:])}
	}}}
}

// scratch is what looking at one request's credentials needs, kept for the next
// so that every request does without the heap.
type scratch struct {
	mac           hash.Hash
	text, decoded [maxEncoded]byte
	used          [2]int // of text and of decoded
	sum           [sha256.Size]byte
}

func (d *digester) take() *scratch {
	return d.pool.Get().(*scratch) //nolint:errcheck // the pool holds nothing else
}

// giveBack forgets the password first.
func (d *digester) giveBack(s *scratch) {
	clear(s.text[:s.used[0]])
	clear(s.decoded[:s.used[1]])
	s.used = [2]int{}
	d.pool.Put(s)
}

// decode returns the user and the password of an Authorization header's value.
// They are good until the scratch is given back.
func (s *scratch) decode(authorization string) (user, password []byte, err error) {
	if authorization == "" {
		return nil, nil, lsapi.Errorf(lsapi.CodeUnauthenticated, "credentials are missing")
	}
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return nil, nil, lsapi.Errorf(lsapi.CodeUnauthenticated, "only Basic credentials are accepted")
	}
	encoded = strings.Trim(encoded, " ")
	if len(encoded) > maxEncoded {
		return nil, nil, errWrong()
	}
	text := append(s.text[:0], encoded...)
	n, err := base64.StdEncoding.Decode(s.decoded[:], text)
	s.used = [2]int{len(text), n}
	user, password, found := bytes.Cut(s.decoded[:n], colon)
	if err != nil || !found {
		return nil, nil, lsapi.Errorf(lsapi.CodeUnauthenticated, "the credentials are not base64 of user:password")
	}
	// RFC 7617 allows none. That no zero is among them keeps user and password apart
	// in what a digest is made of.
	if bytes.ContainsFunc(s.decoded[:n], unicode.IsControl) {
		return nil, nil, lsapi.Errorf(lsapi.CodeUnauthenticated, "there is a control character in the credentials")
	}
	return user, password, nil
}

var (
	colon = []byte{':'}
	zero  = []byte{0}
)

// digest sets sum to the digest of a password for a user, and of the hash that it
// is checked against.
func (s *scratch) digest(user, password []byte, against *account) {
	s.mac.Reset()
	s.mac.Write(user)
	s.mac.Write(zero)
	s.mac.Write(against.significant(password))
	s.mac.Write(against.hash)
	s.mac.Sum(s.sum[:0])
}
