package auth_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/auth"
)

// fail sends wrong passwords for a user until one is not checked, and returns
// how many were.
func fail(t *testing.T, a *auth.Authenticator, user, client string) int {
	t.Helper()
	for n := range 1000 {
		switch code := login(t, a, user, fmt.Sprint("guess", n, client), client); code {
		case lsapi.CodeUnauthenticated:
		case lsapi.CodeThrottled:
			return n
		default:
			t.Fatalf("a guess is answered %q", code)
		}
	}
	t.Fatal("1,000 guesses are checked")
	return 0
}

func TestAddressLimitRejectsWithoutCheckingThePassword(t *testing.T) {
	for name, a := range map[string]*auth.Authenticator{"a users file": newWithUsers(t), "a token": newWithToken(t, "alice:right")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if n := fail(t, a, "alice", here); n != auth.AddressBurst {
					t.Errorf("%d guesses are checked, want %d", n, auth.AddressBurst)
				}
				want(t, login(t, a, "alice", "right", here), lsapi.CodeThrottled)
				want(t, login(t, a, "carol", "right", here), lsapi.CodeThrottled)
				want(t, login(t, a, "alice", "right", "192.0.2.2"), "")
			})
		})
	}
}

func TestThrottledLoginSucceedsAfterRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		fail(t, a, "alice", here)
		_, err := a.Authenticate(t.Context(), "Basic "+encode("alice:right"), here)
		wait := lsapi.AsError(err).RetryAfter
		if wait <= 0 || wait > time.Minute {
			t.Fatalf("the advice is %v", wait)
		}
		time.Sleep(wait - time.Millisecond)
		want(t, login(t, a, "alice", "right", here), lsapi.CodeThrottled)
		time.Sleep(2 * time.Millisecond)
		want(t, login(t, a, "alice", "right", here), "")
		if stats := a.Stats(); stats.Failures != auth.AddressBurst || stats.Throttled != 3 {
			t.Errorf("stats are %+v", stats)
		}
	})
}

func TestVerifiedCredentialsAreAcceptedDespiteLimits(t *testing.T) {
	for name, a := range map[string]*auth.Authenticator{"a users file": newWithUsers(t), "a token": newWithToken(t, "alice:right")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want(t, login(t, a, "alice", "right", here), "")
				time.Sleep(30 * 24 * time.Hour)
				for n := range auth.UserBurst / auth.AddressBurst {
					fail(t, a, "alice", fmt.Sprint("198.51.100.", n))
				}
				fail(t, a, "alice", here)
				want(t, login(t, a, "alice", "right", here), "")
				want(t, login(t, a, "alice", "right", "192.0.2.2"), "")
				want(t, login(t, a, "alice", "wrong", here), lsapi.CodeThrottled)
			})
		})
	}
}

func TestAddressCannotLockAUserOutElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		for range 600 { // longer than it takes to empty alice's bucket, did it not fill
			time.Sleep(time.Second)
			fail(t, a, "alice", here)
			fail(t, a, "alice", "2001:db8::1")
		}
		want(t, login(t, a, "alice", "right", "192.0.2.2"), "")
	})
}

func TestUserLimitLeavesEachAddressOneCheckAMinute(t *testing.T) {
	for _, user := range []string{"alice", "nobody"} {
		synctest.Test(t, func(t *testing.T) {
			a := newWithToken(t, "alice:right")
			checked := 0
			for n := range 100 {
				checked += fail(t, a, user, fmt.Sprint("198.51.100.", n))
			}
			if want := auth.UserBurst + 100 - auth.UserBurst/auth.AddressBurst; checked != want {
				t.Errorf("%d guesses at %s are checked, want %d", checked, user, want)
			}
			want(t, login(t, a, user, "wrong", "192.0.2.2"), lsapi.CodeUnauthenticated)
			want(t, login(t, a, user, "wrong", "192.0.2.2"), lsapi.CodeThrottled)
			if user == "alice" {
				want(t, login(t, a, user, "right", "192.0.2.3"), "")
			}
		})
	}
}

// keepGuessing sends guesses for alice from so many addresses, until all are throttled.
func keepGuessing(t *testing.T, a *auth.Authenticator, addresses int) {
	t.Helper()
	for n := range addresses {
		fail(t, a, "alice", fmt.Sprint("198.51.100.", n))
	}
}

func TestUserLimitDelaysARetryNoLongerThanTheReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithToken(t, "alice:right")
		keepGuessing(t, a, 8)
		want(t, login(t, a, "alice", "mistyped", here), lsapi.CodeUnauthenticated)
		began := time.Now()
		for time.Since(began) < auth.ReserveEvery {
			keepGuessing(t, a, 8)
			_, err := a.Authenticate(t.Context(), "Basic "+encode("alice:right"), here)
			want(t, lsapi.ErrorCode(err), lsapi.CodeThrottled)
			if wait := lsapi.AsError(err).RetryAfter; wait <= 0 || wait > auth.UserEvery {
				t.Errorf("the advice is %v", wait)
			}
			time.Sleep(auth.UserEvery)
		}
		keepGuessing(t, a, 8)
		want(t, login(t, a, "alice", "right", here), "")
	})
}

func TestGuessersCannotLockAUserOutOfAnUnusedAddress(t *testing.T) {
	for _, guessers := range []int{6, 100} {
		synctest.Test(t, func(t *testing.T) {
			for n := range 3 {
				a := newWithToken(t, "alice:right") // of a service that has just started
				for began := time.Now(); time.Since(began) < 3*time.Minute; time.Sleep(10 * time.Second) {
					keepGuessing(t, a, guessers)
				}
				keepGuessing(t, a, guessers)
				want(t, login(t, a, "alice", "right", fmt.Sprint("192.0.2.", n)), "")
			}
		})
	}
}

// A customer with a /48 prefix of IPv6 has 65,536 networks.
func TestMemoryIsBoundedUnderManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithToken(t, "bob:secret")
		for n := range 2 * auth.MaxBuckets {
			login(t, a, fmt.Sprint("user", n), "guess", fmt.Sprintf("2001:db8:%x:%x::1", n>>16, n&0xffff))
		}
		for n := range auth.UserBurst {
			login(t, a, "nobody", "guess", fmt.Sprintf("2001:db8:ff:%x::1", n))
		}
		for n := range 2 * auth.MaxBuckets { // beyond a user's limit
			login(t, a, "nobody", "guess", fmt.Sprintf("2001:db8:1%x:%x::1", n>>16, n&0xffff))
		}
		if kept := a.Buckets(); kept != 3*auth.MaxBuckets {
			t.Errorf("%d buckets are kept, want %d", kept, 3*auth.MaxBuckets)
		}
		want(t, login(t, a, "bob", "secret", here), "")
	})
}

func TestRightPasswordCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := make([]string, 2*auth.AddressBurst)
		for n := range lines {
			lines[n] = line(t, fmt.Sprint("user", n), "right")
		}
		a := newAuthenticator(t, auth.Options{UsersFile: writeUsers(t, lines...)})
		for n := range lines {
			want(t, login(t, a, fmt.Sprint("user", n), "right", here), "")
		}
		if n := fail(t, a, "nobody", here); n != auth.AddressBurst {
			t.Errorf("%d guesses are checked afterwards, want %d", n, auth.AddressBurst)
		}
	})
}

func TestRightPasswordCostsNothingBeyondTheUserLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeUsers(t, line(t, "alice", "right"))
		a, _ := follow(t, path)
		keepGuessing(t, a, 5)
		for n := range 3 { // each password makes a new account with the same reserve
			password := fmt.Sprint("new", n)
			rewrite(t, path, line(t, "alice", password))
			setTime(t, path, n)
			waitForPoll()
			keepGuessing(t, a, 5)
			want(t, login(t, a, "alice", password, here), "")
		}
	})
}

func TestBucketsRefillToTheirBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithToken(t, "alice:right")
		fail(t, a, "nobody", here)
		time.Sleep(auth.AddressEvery)
		if n := fail(t, a, "nobody", here); n != 1 {
			t.Errorf("%d guesses are checked after the time of one, want 1", n)
		}
		time.Sleep(1000 * auth.AddressBurst * auth.AddressEvery)
		if n := fail(t, a, "nobody", here); n != auth.AddressBurst {
			t.Errorf("%d guesses are checked after a long time, want %d", n, auth.AddressBurst)
		}
	})
}

func TestIPv6NetworkIsOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		fail(t, a, "carol", "2001:db8::1")
		want(t, login(t, a, "alice", "right", "2001:db8::ffff:2"), lsapi.CodeThrottled)
		want(t, login(t, a, "carol", "right", "2001:db8:0:1::1"), lsapi.CodeUnauthenticated)
	})
}

func TestMappedIPv4AddressIsTheIPv4Address(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		fail(t, a, "carol", "::ffff:192.0.2.1")
		want(t, login(t, a, "alice", "right", "192.0.2.1"), lsapi.CodeThrottled)
		want(t, login(t, a, "alice", "right", "::ffff:192.0.2.2"), "")
	})
}

func TestMalformedCredentialsAreNotCountedAsGuesses(t *testing.T) {
	a := newWithUsers(t)
	for _, header := range []string{"", "Bearer x", "Basic ====", "Basic " + encode("alice")} {
		for range 2 * auth.AddressBurst {
			if _, err := a.Authenticate(t.Context(), header, here); lsapi.ErrorCode(err) != lsapi.CodeUnauthenticated {
				t.Fatalf("%q: %v", header, err)
			}
		}
	}
	if stats := a.Stats(); stats.Failures != 0 {
		t.Errorf("stats are %+v", stats)
	}
}
