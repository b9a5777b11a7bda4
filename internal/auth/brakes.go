package auth

import (
	"hash/maphash"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"lsapi"
)

// brakes slow down who fails; limits.go says why so.
type brakes struct {
	seed      maphash.Seed
	addresses buckets[netip.Prefix]
	users     buckets[uint64] // by a keyed hash: names are as long as strangers make them
}

func newBrakes() *brakes {
	return &brakes{
		seed:      maphash.MakeSeed(),
		addresses: newBuckets[netip.Prefix](addressBurst, addressEvery),
		users:     newBuckets[uint64](userBurst, userEvery),
	}
}

// check returns CodeThrottled, with the time after which it is worth trying
// again, when the attempt must not be looked at.
func (b *brakes) check(t attempt, now time.Time) error {
	wait := max(b.addresses.wait(network(t.client), now), b.users.wait(maphash.String(b.seed, t.user), now))
	if wait == 0 {
		return nil
	}
	return &lsapi.Error{
		Code:       lsapi.CodeThrottled,
		Message:    "too many wrong passwords lately; these credentials were not looked at",
		RetryAfter: wait,
	}
}

// failed notes that an attempt was wrong.
func (b *brakes) failed(t attempt, now time.Time) {
	b.addresses.draw(network(t.client), now)
	b.users.draw(maphash.String(b.seed, t.user), now)
}

// ipv6Network is how much of an IPv6 address names who has it: a customer gets
// a whole network of that size, if not a larger one.
const ipv6Network = 64

// network returns what of an address counts. Clients without one share the zero
// value.
func network(client string) netip.Prefix {
	address, err := netip.ParseAddr(client)
	if err != nil {
		return netip.Prefix{}
	}
	bits := address.BitLen()
	if address.Is6() {
		bits = ipv6Network
	}
	return netip.PrefixFrom(address, bits).Masked()
}

// buckets are token buckets of those who failed lately. Who has none has not.
type buckets[K comparable] struct {
	of    *lru.Cache[K, *rate.Limiter]
	burst int
	every time.Duration
}

func newBuckets[K comparable](burst int, every time.Duration) buckets[K] {
	of, _ := lru.New[K, *rate.Limiter](maxBuckets) // its size is positive, and nothing else can be wrong
	return buckets[K]{of, burst, every}
}

// wait returns how long it is until the bucket holds a token.
func (b buckets[K]) wait(key K, now time.Time) time.Duration {
	bucket, ok := b.of.Get(key)
	if !ok {
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return max(0, time.Duration(missing*float64(b.every)))
}

// draw takes a token, if there is one left.
func (b buckets[K]) draw(key K, now time.Time) {
	bucket := rate.NewLimiter(rate.Every(b.every), b.burst)
	if earlier, found, _ := b.of.PeekOrAdd(key, bucket); found {
		bucket = earlier
	}
	bucket.AllowN(now, 1)
}
