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

// parserPool holds parsers, so that a request allocates none.
type parserPool struct{ pool sync.Pool }

// newParserPool returns a pool whose digests are keyed with a new random secret.
func newParserPool() *parserPool {
	var key [sha256.Size]byte
	_, _ = rand.Read(key[:]) // it never fails
	return &parserPool{sync.Pool{New: func() any {
		return &parser{mac: hmac.New(sha256.New, key[:])}
	}}}
}

func (d *parserPool) get() *parser {
	return d.pool.Get().(*parser) //nolint:errcheck // the pool holds nothing else
}

// put erases the password first.
func (d *parserPool) put(p *parser) {
	clear(p.text[:p.used[0]])
	clear(p.decoded[:p.used[1]])
	p.used = [2]int{}
	d.pool.Put(p)
}

// parser decodes the credentials of a request and computes their digest.
type parser struct {
	mac           hash.Hash
	text, decoded [maxEncoded]byte
	used          [2]int // lengths of text and decoded
	sum           [sha256.Size]byte
}

// parse returns the user and the password of an Authorization header. They are valid
// until the parser returns to its pool.
func (p *parser) parse(authorization string) (user, password []byte, err error) {
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
	text := append(p.text[:0], encoded...)
	n, err := base64.StdEncoding.Decode(p.decoded[:], text)
	p.used = [2]int{len(text), n}
	user, password, found := bytes.Cut(p.decoded[:n], colon)
	if err != nil || !found {
		return nil, nil, lsapi.Errorf(lsapi.CodeUnauthenticated, "the credentials are not base64 of user:password")
	}
	// RFC 7617 allows no control character. The digest separates its parts with a zero.
	if bytes.ContainsFunc(p.decoded[:n], unicode.IsControl) {
		return nil, nil, lsapi.Errorf(lsapi.CodeUnauthenticated, "there is a control character in the credentials")
	}
	return user, password, nil
}

var (
	colon = []byte{':'}
	zero  = []byte{0}
)

// digest sets p.sum to the digest of a user, a password and the hash of the account that
// the password is checked against.
func (p *parser) digest(user, password []byte, against *account) {
	p.mac.Reset()
	p.mac.Write(user)
	p.mac.Write(zero)
	p.mac.Write(against.significant(password))
	p.mac.Write(against.hash)
	p.mac.Sum(p.sum[:0])
}

func errWrong() error {
	return lsapi.Errorf(lsapi.CodeUnauthenticated, "wrong user or password")
}
