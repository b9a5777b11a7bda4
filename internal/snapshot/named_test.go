package snapshot_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// readers are those of a test, which it waits for at its end.
type readers struct {
	*region
	t   *testing.T
	all sync.WaitGroup
}

// start begins a fresh read, and returns how it is ended early. What it reads is compared
// with what is wanted, if anything is.
func (r *readers) start(pool lsapi.PoolID, want string) (leave func()) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	r.all.Go(func() {
		defer cancel()
		got, err := r.Read(ctx, pool, true)
		body := "!" + string(lsapi.ErrorCode(err))
		if err == nil {
			body = string(got.Body)
		}
		if want != "" && body != want {
			r.t.Errorf("%s reads %q, want %q", pool, body, want)
		}
	})
	synctest.Wait()
	return cancel
}

// busy has so many other load balancers read by name, until their reads end.
func (r *readers) busy(n int) {
	for i := range n {
		r.start(lsapi.ELB(fmt.Sprintf("busy-%d", i)), "")
	}
}

// withReaders has AWS answer named reads after five seconds, and no listing.
func withReaders(t *testing.T, test func(t *testing.T, r *readers)) {
	t.Helper()
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.slow["Members"] = 5*time.Second - aws.latency
	aws.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeUpstream, "")
	inBubble(t, aws, func(t *testing.T, r *region) {
		all := &readers{region: r, t: t}
		test(t, all)
		all.all.Wait()
	})
}

const web = "i-1:t2.micro "

func TestLeavingReaderKeepsTheReadForOthers(t *testing.T) {
	t.Run("of a read that waits", func(t *testing.T) {
		withReaders(t, func(_ *testing.T, r *readers) {
			r.busy(16)
			leave := r.start(lsapi.ELB("web"), "!timeout")
			r.start(lsapi.ELB("web"), web)
			leave()
		})
	})
	t.Run("of a read under way", func(t *testing.T) {
		withReaders(t, func(_ *testing.T, r *readers) {
			leave := r.start(lsapi.ELB("web"), "!timeout")
			r.start(lsapi.ELB("web"), web) // it shares the next read
			leave()
		})
	})
	t.Run("of a read that is given up", func(t *testing.T) {
		withReaders(t, func(_ *testing.T, r *readers) {
			r.busy(16)
			r.start(lsapi.ELB("web"), "!timeout")()
			synctest.Wait()
			r.start(lsapi.ELB("web"), web)
		})
	})
}

func TestNamedReadsAreBoundedAndGoOn(t *testing.T) {
	withReaders(t, func(t *testing.T, r *readers) {
		r.busy(40)
		if n := r.aws.count("Members"); n != 16 {
			t.Errorf("%d are made at once", n)
		}
		r.all.Wait()
		if n := r.aws.count("Members"); n != 40 {
			t.Errorf("%d were made in all", n)
		}
		r.start(lsapi.ELB("web"), web) // and there is room again
	})
	withReaders(t, func(t *testing.T, r *readers) {
		for range 40 { // one after the other
			began := time.Now()
			if got, _ := r.read(t, lsapi.ELB("web"), true); got != "i-1:t2.micro" || time.Since(began) > 6*time.Second {
				t.Fatalf("got %q after %v", got, time.Since(began))
			}
		}
	})
}

// A whole listing answers readers of names that it lacks, unless they were known: these
// are asked for by name.
func TestListingAnswersReadersOfUnknownNamesOnly(t *testing.T) {
	withReaders(t, func(t *testing.T, r *readers) {
		r.aws.set(lsapi.ELB("other"))
		r.start(lsapi.ELB("web"), web)
		r.all.Wait() // it is known now
		r.busy(16)
		r.start(lsapi.ELB("web"), web)
		began := time.Now()
		done := make(chan time.Duration, 1)
		r.all.Go(func() {
			if got, _ := r.read(t, lsapi.ELB("never"), true); got != "!not_found" {
				t.Errorf("an invented name reads %q", got)
			}
			done <- time.Since(began)
		})
		synctest.Wait()
		r.aws.change(func(f *fakeAWS) { clear(f.fail); f.unlisted[lsapi.ELB("web")] = true })
		if took := <-done; took > 2*time.Second {
			t.Errorf("an invented name was refused after %v", took)
		}
	})
}

// While listings fail a named read still finds that the load balancer does not exist.
func TestNamedReadOfAMissingNameIsNotFound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(time.Second)
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		time.Sleep(10 * time.Second)
		r.wantRead(t, lsapi.ELB("never"), "!not_found")
		aws.change(func(f *fakeAWS) { delete(f.members, lsapi.ELB("web")) })
		if _, err := r.Read(t.Context(), lsapi.ELB("web"), true); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("a deleted one: %v", err)
		}
	})
}

// A load balancer that is listed and whose instances cannot be looked up is not unknown.
func TestListedLoadBalancerHasTheCodeOfAWSsFailure(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(time.Second)
		aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-2"))
		aws.change(func(f *fakeAWS) { f.fail["Instances"] = lsapi.Errorf(lsapi.CodeForbidden, "") })
		time.Sleep(2 * maxStaleness)
		r.wantRead(t, lsapi.ELB("new"), "!forbidden")
		if _, err := r.One(t.Context(), lsapi.ELB("new"), false); lsapi.ErrorCode(err) != lsapi.CodeForbidden {
			t.Errorf("as one: %v", err)
		}
		aws.change(func(f *fakeAWS) {
			f.fail["LoadBalancers"], f.fail["Members"] = lsapi.Errorf(lsapi.CodeForbidden, ""), lsapi.Errorf(lsapi.CodeForbidden, "")
		})
		time.Sleep(2 * maxStaleness)
		err := lsapi.AsError(r.errOf(t, lsapi.ELB("never"), false))
		if err.Code != lsapi.CodeUnavailable || err.RetryAfter == 0 || err.Err == nil {
			t.Errorf("a name that was never listed: %+v", err)
		}
	})
}

func (r *region) errOf(t *testing.T, pool lsapi.PoolID, fresh bool) error {
	t.Helper()
	_, err := r.Read(t.Context(), pool, fresh)
	return err
}

// Without an answer that can be served a reader waits for as long as it likes.
func TestReaderOfATooOldListWaits(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(idleAfter + maxStaleOnError + 10*time.Second)
		aws.change(func(f *fakeAWS) { f.slow["Members"], f.slow["LoadBalancers"] = 3*time.Second, time.Hour })
		if got, err := r.Read(t.Context(), lsapi.ELB("web"), false); err != nil || string(got.Body) != web {
			t.Errorf("it reads %+v, %v", got, err)
		}
		time.Sleep(maxStaleOnError - 10*time.Second)
		r.Touch()
		aws.change(func(f *fakeAWS) { f.fail["Members"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		time.Sleep(time.Minute)
		if err := lsapi.AsError(r.errOf(t, lsapi.ELB("web"), false)); err == nil || err.Code != lsapi.CodeUnavailable || err.RetryAfter == 0 || err.Err == nil {
			t.Errorf("when that fails: %+v", err)
		}
	})
}

// A client that leaves before readers lose patience says nothing of AWS.
func TestLeavingReaderHasNotGivenUp(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		aws.hang()
		time.Sleep(2 * maxStaleness)
		ctx, cancel := context.WithTimeout(t.Context(), patience/4)
		defer cancel()
		if _, err := r.Read(ctx, lsapi.ELB("web"), false); err != nil {
			t.Errorf("who leaves gets %v", err)
		}
		if got, err := r.Remembered(lsapi.ELB("web")); got != nil || err != nil {
			t.Errorf("who comes next does not wait: %v, %v", got, err)
		}
		if took := r.wantOld(t, "i-1:t2.micro"); took != 3*patience/4 {
			t.Errorf("who comes next waits %v", took)
		}
	})
}

func TestEveryKindOfReadKeepsRefreshesGoing(t *testing.T) {
	for name, read := range map[string]func(t *testing.T, r *region){
		"exists": func(t *testing.T, r *region) { r.wantExists(t, lsapi.ELB("web"), "") },
		"fresh":  func(t *testing.T, r *region) { r.read(t, lsapi.ELB("web"), true) },
		"all":    func(t *testing.T, r *region) { r.all(t) },
	} {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS()
			aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
			inBubbleIdle(t, aws, 5*time.Second, func(t *testing.T, r *region) {
				for range 60 {
					read(t, r)
					time.Sleep(time.Second)
				}
				if n := aws.count("LoadBalancers"); n < 30 {
					t.Errorf("in a minute there were %d listings", n)
				}
			})
		})
	}
}
