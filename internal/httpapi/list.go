package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"lsapi"
)

// listAnswer is a list as it is sent: what remains to be done for a request is
// to compare entity tags and to tell the age.
type listAnswer struct {
	body []byte
	etag string
	asOf time.Time
}

func (s *server) list(x *exchange) error {
	ctx, cancel := s.deadline(x)
	defer cancel()
	listing, err := s.membership.List(ctx, loadBalancer(x))
	if err != nil {
		return err
	}
	answer, err := s.newListAnswer(listing)
	if err != nil {
		return err
	}
	return answer.send(x)
}

func (s *server) newListAnswer(listing lsapi.Listing) (listAnswer, error) {
	machines := make([]machineInfo, len(listing.Members))
	for i, member := range listing.Members {
		machines[i] = newMachineInfo(member)
	}
	body, err := encode(s.envelope.value(machines))
	if err != nil {
		return listAnswer{}, err
	}
	return listAnswer{body: body, etag: entityTag(body), asOf: listing.AsOf}, nil
}

// send answers with the list, or with 304 to a client that has it. Caches may
// keep it, each user's apart, but must ask each time.
func (a listAnswer) send(x *exchange) error {
	h := x.Header()
	h.Set("Age", strconv.FormatInt(wholeSeconds(time.Since(a.asOf)), 10))
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.etag)
	h.Set("Vary", "Authorization")
	if matchesAny(x.request.Header["If-None-Match"], a.etag) {
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	return x.send(http.StatusOK, "application/json", a.body)
}

// deadline returns the context in which the request's work is done: it ends when
// the client leaves or the time is up.
func (s *server) deadline(x *exchange) (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.context(), s.timeout)
}

// wholeSeconds rounds up, and anything below zero to zero.
func wholeSeconds(d time.Duration) int64 {
	return int64((max(0, d) + time.Second - 1) / time.Second)
}
