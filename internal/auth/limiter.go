package auth

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lsapi"
)

// failureLimiter bounds how many passwords may be guessed; limits.go says how and why.
type failureLimiter struct {
	seed maphash.Seed

	mu        sync.Mutex // so that a check takes all of its tokens, or none
	addresses buckets[netip.Prefix]
	users     buckets[uint64]
	reserves  buckets[reserve]
}

// reserve is the key of what an address may check for a user beyond the user's limit.
// The user is a keyed hash: callers choose names as long as they like.
type reserve struct {
	address netip.Prefix
	user    uint64
}

func newFailureLimiter() *failureLimiter {
	return &failureLimiter{
		seed:      maphash.MakeSeed(),
		addresses: newBuckets[netip.Prefix](addressBurst, addressEvery),
		users:     newBuckets[uint64](userBurst, userEvery),
		reserves:  newBuckets[reserve](1, reserveEvery),
	}
}

func (l *failureLimiter) keys(t attempt) reserve {
	return reserve{network(t.client), maphash.String(l.seed, t.user)}
}

// check returns CodeThrottled, with the time after which a retry is useful, when the
// attempt is over a limit.
func (l *failureLimiter) check(t attempt, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkLocked(l.keys(t), now)
}

func (l *failureLimiter) checkLocked(key reserve, now time.Time) error {
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

// acquire takes the tokens that a wrong password costs, or returns the error of check.
// The caller returns them when the password was right or was not checked.
func (l *failureLimiter) acquire(t attempt, now time.Time) (putBack func(), err error) {
	key := l.keys(t)
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
		l.addresses.putBack(key.address)
		if byUser {
			l.users.putBack(key.user)
		} else {
			l.reserves.putBack(key)
		}
	}, nil
}

// ipv6Network is how much of an IPv6 address identifies its owner: a customer gets
// a whole network of that size, if not a larger one.
const ipv6Network = 64

// network returns the part of an address that counts. Clients without one share the
// zero value.
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

// buckets are token buckets, of each of which only the time is kept at which it is full
// again. A key without a bucket has a full one.
type buckets[K comparable] struct {
	fullAt *simplelru.LRU[K, time.Time]
	burst  int
	every  time.Duration
}

func newBuckets[K comparable](burst int, every time.Duration) buckets[K] {
	fullAt, _ := simplelru.NewLRU[K, time.Time](maxBuckets, nil) // its size is positive, and nothing else can be wrong
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

// take takes a token.
func (b buckets[K]) take(key K, now time.Time) {
	fullAt, _ := b.fullAt.Peek(key)
	if fullAt.Before(now) {
		fullAt = now
	}
	b.fullAt.Add(key, fullAt.Add(b.every))
}

// putBack puts a token back. A bucket that was forgotten meanwhile is full.
func (b buckets[K]) putBack(key K) {
	if fullAt, found := b.fullAt.Peek(key); found {
		b.fullAt.Add(key, fullAt.Add(-b.every))
	}
}
