package web

import (
	"net/http"
	"sync"

	"lsapi"
	v1 "lsapi/internal/web/v1"
)

// lasting bounds the requests that last as long as their callers like, those that wait
// and those that watch: each holds a connection, of which there are only so many, and
// others must find one.
type lasting struct {
	limit     int // for all
	perCaller int

	mu       sync.Mutex
	count    int
	byCaller map[string]int
}

// newLasting returns bounds that leave one caller three quarters of what there is for
// all.
func newLasting(limit int) *lasting {
	return &lasting{limit: limit, perCaller: max(1, limit-limit/4), byCaller: make(map[string]int)}
}

// admit counts a request until leave is called. CodeThrottled: there are too many.
func (l *lasting) admit(caller string) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.count >= l.limit:
		return nil, lsapi.Errorf(lsapi.CodeThrottled, "too many requests wait or watch at once")
	case l.byCaller[caller] >= l.perCaller:
		return nil, lsapi.Errorf(lsapi.CodeThrottled, "too many requests of this user wait or watch at once")
	}
	l.count++
	l.byCaller[caller]++
	return sync.OnceFunc(func() { l.leave(caller) }), nil
}

func (l *lasting) leave(caller string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count--
	if l.byCaller[caller]--; l.byCaller[caller] == 0 {
		delete(l.byCaller, caller)
	}
}

// admit counts a request of the /v1 API that lasts, and returns what it needs of it
// beyond its answer.
func (s *server) admit(w http.ResponseWriter) (v1.Guest, error) {
	x := w.(*exchange) //nolint:errcheck // it is the one that readRecord hands on
	leave, err := s.lasting.admit(x.actor.Name)
	if err != nil {
		return v1.Guest{}, err
	}
	return v1.Guest{
		Leave: leave,
		Log:   s.log.With("request_id", x.id, "user", x.actor.Name),
		Check: s.revalidation(x),
	}, nil
}

// revalidation returns the check of whether the caller's credentials are still in force.
func (s *server) revalidation(x *exchange) func() error {
	credentials := x.request.Header.Get("Authorization")
	return func() error { return s.authenticator.Revalidate(credentials) }
}
