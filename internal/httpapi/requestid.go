package httpapi

import (
	"crypto/rand"
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
	return rand.Text()
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
