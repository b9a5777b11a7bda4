package main

import "net/http"

// belief is the membership of an instance according to the responses so far.
type belief int

const (
	unknown belief = iota
	member
	stranger
)

// next returns the method of the next change, one that should have an effect.
func (b belief) next() string {
	if b == member {
		return http.MethodDelete
	}
	return http.MethodPost
}

// after returns the belief after a response, and whether the response is possible.
func (b belief) after(method string, status int) (now belief, plausible bool) {
	done, undone := member, stranger
	if method == http.MethodDelete {
		done, undone = stranger, member
	}
	switch status {
	case http.StatusCreated:
		return done, b == unknown || b == undone
	case http.StatusConflict:
		return done, b == unknown || b == done
	case http.StatusServiceUnavailable:
		return b, true // nothing changed
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return unknown, true
	}
	return unknown, false // no other status is possible when AWS throttles
}

// isTrue reports whether the actual membership matches the belief.
func (b belief) isTrue(isMember bool) bool {
	return b == unknown || isMember == (b == member)
}
