package exchange

import (
	"math/rand/v2"
	"net/http"
	"strings"
)

const (
	maxRequestID = 128
	sane         = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
)

// requestID returns the caller's id of the request if it is sane, or a new one.
func requestID(h http.Header) string {
	if ids := h["X-Request-Id"]; len(ids) == 1 && isSane(ids[0]) {
		return ids[0]
	}
	return newRequestID()
}

// newRequestID returns 128 random bits in base 32. Ids are no secret, so the runtime's
// generator, which needs no system call, is good enough.
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

// isSane reports whether an id is fit for a header and a log.
func isSane(id string) bool {
	return 0 < len(id) && len(id) <= maxRequestID && strings.Trim(id, sane) == ""
}
