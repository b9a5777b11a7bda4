package auth

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lsapi"
)

// failureLimiter bounds password guesses; limits.go gives the rates and the reasons.
type failureLimiter struct {
	seed maphash.Seed

	mu        sync.Mutex // a check takes all of its tokens or none
	addresses buckets[netip.Prefix]
	users     buckets[uint64]
	reserves  buckets[limitKey]
}

// limitKey is an address and a user. The user is hashed, which bounds its length.
type limitKey struct {
	address netip.Prefix
	user    uint64
}

func newFailureLimiter() *failureLimiter {
	return &failureLimiter{
		seed:      maphash.MakeSeed(),
		addresses: newBuckets[netip.Prefix](addressBurst, addressEvery),
		users:     newBuckets[uint64](userBurst, userEvery),
		reserves:  newBuckets[limitKey](1, reserveEvery),
	}
}

func (l *failureLimiter) key(client, user string) limitKey {
	return limitKey{network(client), maphash.String(l.seed, user)}
}

// check returns CodeThrottled, with RetryAfter set, if the key is over a limit.
func (l *failureLimiter) check(key limitKey, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkLocked(key, now)
}

func (l *failureLimiter) checkLocked(key limitKey, now time.Time) error {
	wait := min(l.users.wait(key.user, now), l.reserves.wait(key, now))
	wait = max(wait, l.addresses.wait(key.address, now))
	if wait == 0 {
		return nil
	}
	return &lsapi.Error{
		Code:       lsapi.CodeThrottled,
		Message:    "too many wrong passwords lately; these credentials were not checked",
		RetryAfter: wait,
	}
}

// acquire takes the tokens of a failure, or returns the error of check. The caller calls
// refund if the password was right or was not checked.
func (l *failureLimiter) acquire(key limitKey, now time.Time) (refund func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.checkLocked(key, now); err != nil {
		return nil, err
	}
	byUser := l.users.wait(key.user, now) == 0
	l.addresses.take(key.address, now)
	if byUser {
		l.users.take(key.user, now)
	} else {
		l.reserves.take(key, now)
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.addresses.refund(key.address)
		if byUser {
			l.users.refund(key.user)
		} else {
			l.reserves.refund(key)
		}
	}, nil
}

// ipv6Network is the prefix length that identifies a customer of IPv6.
const ipv6Network = 64

// network returns the network that an address is counted under. All invalid addresses
// share the zero value.
func network(client string) netip.Prefix {
	address, err := netip.ParseAddr(client)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap()
	bits := address.BitLen()
	if address.Is6() {
		bits = ipv6Network
	}
	return netip.PrefixFrom(address, bits).Masked()
}

// buckets are token buckets, stored as the time at which each is full again. A missing
// bucket is full.
type buckets[K comparable] struct {
	fullAt *simplelru.LRU[K, time.Time]
	burst  int
	every  time.Duration
}

func newBuckets[K comparable](burst int, every time.Duration) buckets[K] {
	fullAt, _ := simplelru.NewLRU[K, time.Time](maxBuckets, nil) // fails for a size of 0 only
	return buckets[K]{fullAt, burst, every}
}

// wait returns the time until the bucket holds a token.
func (b buckets[K]) wait(key K, now time.Time) time.Duration {
	fullAt, found := b.fullAt.Get(key)
	if !found {
		return 0
	}
	return max(0, fullAt.Sub(now)-time.Duration(b.burst-1)*b.every)
}

func (b buckets[K]) take(key K, now time.Time) {
	fullAt, _ := b.fullAt.Peek(key)
	if fullAt.Before(now) {
		fullAt = now
	}
	b.fullAt.Add(key, fullAt.Add(b.every))
}

// refund returns a token, unless the bucket was evicted: it is full then.
func (b buckets[K]) refund(key K) {
	if fullAt, found := b.fullAt.Peek(key); found {
		b.fullAt.Add(key, fullAt.Add(-b.every))
	}
}
