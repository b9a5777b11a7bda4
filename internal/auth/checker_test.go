package auth_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/auth"
)

// answers counts the codes of n concurrent logins. No password is checked before all of
// them wait.
func answers(t *testing.T, a *auth.Authenticator, n int, one func(n int) lsapi.Code) map[lsapi.Code]int {
	t.Helper()
	release := a.HoldProcessors()
	codes := make(chan lsapi.Code, n)
	for i := range n {
		go func() { codes <- one(i) }()
	}
	synctest.Wait()
	release()
	counts := make(map[lsapi.Code]int)
	for range n {
		counts[<-codes]++
	}
	return counts
}

func TestConcurrentGuessesAreLimitedLikeSuccessiveOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		counts := answers(t, a, 3*auth.AddressBurst, func(n int) lsapi.Code {
			return login(t, a, "alice", fmt.Sprint("guess", n), here)
		})
		// Checks on other processors may have started before the last token was taken.
		if checked := counts[lsapi.CodeUnauthenticated]; checked < auth.AddressBurst || checked > auth.AddressBurst+8 {
			t.Errorf("%d are checked: %v", checked, counts)
		}
	})
}

func TestConcurrentChecksOfTheSameCredentialsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		// Each check would draw from the user's bucket.
		counts := answers(t, a, 2*auth.UserBurst, func(n int) lsapi.Code {
			return login(t, a, "alice", "wrong", fmt.Sprint("198.51.100.", n))
		})
		if counts[lsapi.CodeUnauthenticated] != 2*auth.UserBurst {
			t.Errorf("answers are %v", counts)
		}
		want(t, login(t, a, "alice", "right", here), "")
	})
}

func TestUncheckedCredentialsCostNoTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		release := a.HoldProcessors()
		for n := range auth.UserBurst { // until they give up
			go login(t, a, "alice", fmt.Sprint("guess", n), fmt.Sprintf("2001:db8:0:%x::", n))
		}
		time.Sleep(auth.MaxWait)
		synctest.Wait()
		release()
		for n := range 3 { // one of them could exceed the user's limit
			want(t, login(t, a, "alice", fmt.Sprint("other", n), here), lsapi.CodeUnauthenticated)
		}
		if stats := a.Stats(); stats.Failures != 3 || stats.Throttled != auth.UserBurst {
			t.Errorf("stats are %+v", stats)
		}
	})
}

// The password of an unknown user is checked against the hash of another.
func TestChecksOfDifferentUsersAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		users := []string{"alice", "al"}
		passwords := []string{"right", "iceright"}
		counts := answers(t, a, 2, func(n int) lsapi.Code { return login(t, a, users[n], passwords[n], here) })
		if counts[""] != 1 || counts[lsapi.CodeUnauthenticated] != 1 {
			t.Errorf("answers are %v", counts)
		}
	})
}

func TestChecksOfDifferentHashesAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeUsers(t, line(t, "alice", "right"))
		a := newAuthenticator(t, auth.Options{UsersFile: path})
		release := a.HoldProcessors()
		codes := make(chan lsapi.Code, 2)
		begin := func() {
			go func() { codes <- login(t, a, "alice", "right", here) }()
			synctest.Wait()
		}
		begin()
		rewrite(t, path, line(t, "alice", "other"))
		if err := a.Reload(); err != nil {
			t.Fatal(err)
		}
		begin()
		release()
		if got := map[lsapi.Code]bool{<-codes: true, <-codes: true}; !got[""] || !got[lsapi.CodeUnauthenticated] {
			t.Errorf("answers are %v", got)
		}
	})
}

func TestGuessCountsWhenItsCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		release := a.HoldProcessors()
		for n := range auth.AddressBurst {
			ctx, leave := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, leave)
			_, err := a.Authenticate(ctx, "Basic "+encode(fmt.Sprint("alice:guess", n)), here)
			want(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		}
		release()
		synctest.Wait()
		want(t, login(t, a, "alice", "right", here), lsapi.CodeThrottled)
	})
}

func TestCheckTimesOutInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		defer a.HoldProcessors()()
		began := time.Now()
		_, err := a.Authenticate(t.Context(), "Basic "+encode("alice:right"), here)
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeThrottled || coded.RetryAfter <= 0 {
			t.Errorf("got %v, after %v", err, coded.RetryAfter)
		}
		if took := time.Since(began); took != auth.MaxWait {
			t.Errorf("it took %v, want %v", took, auth.MaxWait)
		}
	})
}

func TestFullQueueRejectsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWithUsers(t)
		defer a.HoldProcessors()()
		for n := range auth.MaxQueued {
			go login(t, a, fmt.Sprint("user", n), "guess", fmt.Sprint("2001:db8:0:", n, "::"))
		}
		synctest.Wait()
		began := time.Now()
		want(t, login(t, a, "alice", "right", here), lsapi.CodeThrottled)
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(auth.MaxWait) // the others give up
		synctest.Wait()
	})
}

func TestUnknownUserTakesAsLongAsAnExistingOne(t *testing.T) {
	file := writeUsers(t, "alice:"+hash(t, "right", 6)+"\n") // some milliseconds
	a := newAuthenticator(t, auth.Options{UsersFile: file, Token: encode("bob:secret")})
	// Take the minimum of alternating runs: other load affects all users alike.
	least := map[string]time.Duration{"alice": time.Hour, "nobody": time.Hour, "bob": time.Hour}
	for n := range 15 {
		for user, before := range least {
			began := time.Now()
			want(t, login(t, a, user, fmt.Sprint("guess", n), user+here), lsapi.CodeUnauthenticated)
			least[user] = min(before, time.Since(began))
		}
	}
	for user, took := range least {
		if alice := least["alice"]; took < alice/3 || took > alice*3 {
			t.Errorf("%s takes %v, alice %v", user, took, alice)
		}
	}
}
