package exchange

import (
	"sync"

	"lsapi"
)

// Shares bounds what requests hold at once: a limit in all, and three quarters of that for one
// user, so that no user takes all of it. It is safe for concurrent use.
type Shares struct {
	limit, perUser int
	things, held   string

	mu     sync.Mutex
	count  int
	byUser map[string]int
}

// NewShares returns a bound. things and held are the words of its errors, such as "requests"
// and "wait".
func NewShares(limit int, things, held string) *Shares {
	return &Shares{limit: limit, perUser: max(1, limit-limit/4), things: things, held: held, byUser: make(map[string]int)}
}

// Take takes n for a user, until Return. CodeThrottled: there is no room.
func (s *Shares) Take(user string, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.count+n > s.limit:
		return lsapi.Errorf(lsapi.CodeThrottled, "too many %s %s at once", s.things, s.held)
	case s.byUser[user]+n > s.perUser:
		return lsapi.Errorf(lsapi.CodeThrottled, "too many %s of this user %s at once", s.things, s.held)
	}
	s.count += n
	s.byUser[user] += n
	return nil
}

// Return returns what a user has taken.
func (s *Shares) Return(user string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count -= n
	if s.byUser[user] -= n; s.byUser[user] == 0 {
		delete(s.byUser, user)
	}
}
