package auth

import (
	"context"
	"runtime"

	"lsapi/internal/safefile"
)

// HoldProcessors blocks all checks until release is called.
func (a *Authenticator) HoldProcessors() (release func()) {
	all := int64(max(1, runtime.GOMAXPROCS(0)/2))
	_ = a.checker.processors.Acquire(context.Background(), all) // fails only if the context ends
	return func() { a.checker.processors.Release(all) }
}

// The constants of limits.go.
const (
	MaxQueued    = maxQueued
	MaxWait      = maxWait
	AddressBurst = addressBurst
	UserBurst    = userBurst
	UserEvery    = userEvery
	AddressEvery = addressEvery
	ReserveEvery = reserveEvery
	MaxBuckets   = maxBuckets
	PollEvery    = safefile.PollEvery
)

// Buckets returns how many buckets are in memory.
func (a *Authenticator) Buckets() int {
	l := a.checker.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addresses.fullAt.Len() + l.users.fullAt.Len() + l.reserves.fullAt.Len()
}

// LeavesCredentials reports whether a pooled parser still holds the credentials.
func LeavesCredentials(authorization string) bool {
	pool := newParserPool()
	p := pool.get()
	_, _, _ = p.parse(authorization) //nolint:dogsled // what it leaves is of interest
	pool.put(p)
	return p.text != [maxEncoded]byte{} || p.decoded != [maxEncoded]byte{}
}
