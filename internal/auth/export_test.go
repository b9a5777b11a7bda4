package auth

import (
	"context"
	"runtime"
)

// HoldProcessors lets no password be checked until release is called.
func (a *Authenticator) HoldProcessors() (release func()) {
	all := int64(max(1, runtime.GOMAXPROCS(0)/2))
	_ = a.checker.processors.Acquire(context.Background(), all) // without an end, it cannot fail
	return func() { a.checker.processors.Release(all) }
}

// What the tests need to know of limits.go.
const (
	MaxQueued    = maxQueued
	MaxWait      = maxWait
	AddressBurst = addressBurst
	UserBurst    = userBurst
	UserEvery    = userEvery
	AddressEvery = addressEvery
	ReserveEvery = reserveEvery
	MaxBuckets   = maxBuckets
	PollEvery    = pollEvery
)

// Buckets returns how many buckets are in memory.
func (a *Authenticator) Buckets() int {
	l := a.checker.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addresses.fullAt.Len() + l.users.fullAt.Len() + l.reserves.fullAt.Len()
}

// LeavesCredentials reports whether anything of the credentials is in memory that is kept
// for the next request.
func LeavesCredentials(authorization string) bool {
	d := newDigester()
	s := d.take()
	_, _, _ = s.decode(authorization) //nolint:dogsled // what it leaves is of interest
	d.giveBack(s)
	return s.text != [maxEncoded]byte{} || s.decoded != [maxEncoded]byte{}
}
