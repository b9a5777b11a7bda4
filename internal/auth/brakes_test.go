package auth_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/auth"
)

// fail sends wrong passwords for a user until one is not looked at, and returns
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
	t.Fatal("1,000 guesses are looked at")
	return 0
}

func TestAnAddressThatGuessesIsSlowedDownWithoutALookAtThePassword(t *testing.T) {
	for name, a := range map[string]*auth.Authenticator{"a users file": newWithUsers(t), "a token": newWithToken(t, "alice:right")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if n := fail(t, a, "alice", here); n != auth.AddressBurst {
					t.Errorf("%d guesses are looked at, want %d", n, auth.AddressBurst)
				}
				want(t, login(t, a, "alice", "right", here), lsapi.CodeThrottled)
				want(t, login(t, a, "carol", "right", here), lsapi.CodeThrottled)
				want(t, login(t, a, "alice", "right", "192.0.2.2"), "")
			})
		})
	}
}

func TestWhoeverIsSlowedDownIsToldWhenToComeBack(t *testing.T) {
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
		if stats := a.Stats(); stats.Failures != auth.AddressBurst || stats.Slowed != 3 {
			t.Errorf("it counts %+v", stats)
		}
	})
}

func TestWhoeverIsAtWorkIsNotHeldUpByAnybodysGuesses(t *testing.T) {
	for name, a := range map[string]*auth.Authenticator{"a users file": newWithUsers(t), "a token": newWithToken(t, "alice:right")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want(t, login(t, a, "alice", "right", here), "")
				time.Sleep(auth.MemoryLifetime * 2 / 3)
				want(t, login(t, a, "alice", "right", here), "")
				time.Sleep(auth.MemoryLifetime * 2 / 3)
				for n := range auth.UserBurst / auth.AddressBurst {
					fail(t, a, "alice", fmt.Sprint("198.51.100.", n))
				}
				fail(t, a, "alice", here)
				want(t, login(t, a, "alice", "right", here), "")
			})
		})
	}
}

func TestAPasswordThatIsNotUsedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		want(t, login(t, a, "alice", "right", here), "")
		time.Sleep(auth.MemoryLifetime + time.Second)
		fail(t, a, "alice", here)
		want(t, login(t, a, "alice", "right", here), lsapi.CodeThrottled)
	})
}

func TestOneAddressCannotLockAUserOutElsewhere(t *testing.T) {
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

func TestManyAddressesTogetherGuessNoFasterAtOneUser(t *testing.T) {
	for _, user := range []string{"alice", "nobody"} {
		synctest.Test(t, func(t *testing.T) {
			a := newWithUsers(t)
			looked := 0
			for n := range 100 {
				looked += fail(t, a, user, fmt.Sprint("198.51.100.", n))
			}
			if looked != auth.UserBurst {
				t.Errorf("%d guesses at %s are looked at, want %d", looked, user, auth.UserBurst)
			}
			want(t, login(t, a, user, "right", "192.0.2.2"), lsapi.CodeThrottled)
			time.Sleep(auth.UserEvery + time.Millisecond)
			if user == "alice" {
				want(t, login(t, a, user, "right", "192.0.2.2"), "")
			}
		})
	}
}

func TestAnIPv6NetworkIsOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		fail(t, a, "carol", "2001:db8::1")
		want(t, login(t, a, "alice", "right", "2001:db8::ffff:2"), lsapi.CodeThrottled)
		want(t, login(t, a, "alice", "right", "2001:db8:0:1::1"), "")
	})
}

func TestCredentialsThatNameNobodyAreNoGuess(t *testing.T) {
	a := newWithUsers(t)
	for _, header := range []string{"", "Bearer x", "Basic ====", "Basic " + encode("alice")} {
		for range 2 * auth.AddressBurst {
			if _, err := a.Authenticate(t.Context(), header, here); lsapi.ErrorCode(err) != lsapi.CodeUnauthenticated {
				t.Fatalf("%q: %v", header, err)
			}
		}
	}
	if stats := a.Stats(); stats.Failures != 0 {
		t.Errorf("it counts %+v", stats)
	}
}
