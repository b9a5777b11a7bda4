package web

import (
	"math/rand/v2"
	"net/http"
	"strings"
)

// maxRequestID is the greatest length of a request id that is taken over.
const maxRequestID = 128

// requestID returns the id that the caller gave the request, or a new one when
// there is none, or none that is fit for a header and a log.
func requestID(h http.Header) string {
	if ids := h["X-Request-Id"]; len(ids) == 1 && saneRequestID(ids[0]) {
		return ids[0]
	}
	return newRequestID()
}

// newRequestID returns 26 digits of base 32, which hold 128 random bits. They
// tell requests apart and guard nothing, so that the generator of the runtime,
// which takes no system call, is good enough.
func newRequestID() string {
	const digits, each = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 13
	var id [2 * each]byte
	for half := range 2 {
		bits := rand.Uint64() //nolint:gosec // see above
		for i := range each {
			id[half*each+i] = digits[bits%32]
			bits /= 32
		}
	}
	return string(id[:])
}

func saneRequestID(id string) bool {
	return 0 < len(id) && len(id) <= maxRequestID && !strings.ContainsFunc(id, func(r rune) bool {
		switch {
		case 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return false
		}
		return r != '.' && r != '_' && r != '-'
	})
}
