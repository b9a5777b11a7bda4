package account

import (
	"slices"
	"time"
)

// Versions are the states of a resource that a read can show. The last one is the actual
// state, to which changes apply. States are immutable.
type Versions[T any] struct {
	versions []version[T] // oldest first
	lastRead time.Time    // see ReadTime.Advance
}

// version is the state of a resource between two changes.
type version[T any] struct {
	since   time.Time
	deleted bool
	state   T
}

// Latest returns the actual state, and false without one.
func (v *Versions[T]) Latest() (state T, ok bool) {
	if len(v.versions) == 0 {
		return state, false
	}
	last := v.versions[len(v.versions)-1]
	return last.state, !last.deleted
}

// At returns the state at t, and false when the resource did not exist.
func (v *Versions[T]) At(t time.Time) (state T, ok bool) {
	for _, version := range slices.Backward(v.versions) {
		if !version.since.After(t) {
			return version.state, !version.deleted
		}
	}
	return state, false
}

// Read returns the state that a call shows, and the moment of that state. It returns
// false when the call shows none.
func (v *Versions[T]) Read(r ReadTime) (state T, at time.Time, ok bool) {
	at = r.Advance(&v.lastRead)
	state, ok = v.At(at)
	return state, at, ok
}

// Set makes state the actual state. It drops the states that no read can show, being
// older than lag.
func (v *Versions[T]) Set(state T, now time.Time, lag time.Duration) {
	v.add(version[T]{since: now, state: state}, lag)
}

// Delete ends the resource.
func (v *Versions[T]) Delete(now time.Time, lag time.Duration) {
	v.add(version[T]{since: now, deleted: true}, lag)
}

func (v *Versions[T]) add(next version[T], lag time.Duration) {
	v.versions = append(v.versions, next)
	oldest := next.since.Add(-lag)
	for len(v.versions) > 1 && !v.versions[1].since.After(oldest) {
		v.versions[0] = version[T]{}
		v.versions = v.versions[1:]
	}
}

// Gone reports whether the resource is deleted and no read can show it.
func (v *Versions[T]) Gone(now time.Time, lag time.Duration) bool {
	last := v.versions[len(v.versions)-1]
	return last.deleted && !last.since.After(now.Add(-lag))
}
