package account

import "time"

// ReadTime is the time of one call. Changes apply at Now. Reads show the state at
// AsOf, which is up to Account.Lag earlier.
type ReadTime struct {
	Now  time.Time
	AsOf time.Time
}

// At returns the time of a call whose reads do not lag.
func At(now time.Time) ReadTime { return ReadTime{now, now} }

// ReadAt returns the time of a call whose reads lag by a random part of Lag.
func (a *Account) ReadAt(now time.Time) ReadTime {
	if a.Lag == 0 {
		return At(now)
	}
	return ReadTime{now, now.Add(-time.Duration(a.random.Int64N(int64(a.Lag) + 1)))}
}

// Advance returns the moment at which this call shows a resource: AsOf, but never
// before *latest, the latest moment that an earlier read has shown. It moves *latest
// forward. Reads can lag, but they never go back in time.
func (r ReadTime) Advance(latest *time.Time) time.Time {
	if latest.Before(r.AsOf) {
		*latest = r.AsOf
	}
	return *latest
}
