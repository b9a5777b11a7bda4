package main

import "net/http"

// belief is what a client may think of an instance after the answers that it got.
type belief int

const (
	unknown belief = iota
	member
	stranger
)

// next is the method of the change that the client tries next: one that has an
// effect, as far as it knows.
func (b belief) next() string {
	if b == member {
		return http.MethodDelete
	}
	return http.MethodPost
}

// after returns what to think after an answer, and whether the answer can be true.
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
	return unknown, false // an AWS that refuses calls is no reason for any other
}

// isTrue reports whether the truth is as believed.
func (b belief) isTrue(isMember bool) bool {
	return b == unknown || isMember == (b == member)
}
