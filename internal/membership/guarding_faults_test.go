package membership_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/guard"
)

// guardedWorld is a pool of members in service that clients detach all at once, and attach
// again now and then, through replicas that crash, of an AWS that lags and fails.
type guardedWorld struct {
	*faultyWorld
	members []lsapi.MemberID
	refused int // answers
}

const guardedClients = 12

func TestGuardsHoldUnderFaultsWhateverClientsDetach(t *testing.T) {
	kinds := []struct {
		rule  guard.Rule
		least int
	}{
		{minInService(3), 3},
		{keepLast, 1},
		{maxOut(50), 4},
		{perZone, 2}, // one in each of two
		{guard.Rule{Kind: guard.MinInService, Amount: guard.Amount{Rate: 60, Percent: true}, Source: "policy.yaml:7"}, 5},
	}
	seed := rand.Uint64()
	for i := range uint64(10) {
		kind := kinds[i%uint64(len(kinds))]
		t.Run(fmt.Sprint(seed+i, " ", kind.rule), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newGuardedWorld(t, seed+i, kind.rule)
				w.run()
				w.check(kind.rule, kind.least)
			})
		})
	}
}

func newGuardedWorld(t *testing.T, seed uint64, rule guard.Rule) *guardedWorld {
	w := &guardedWorld{faultyWorld: newFaultyWorld(t, seed), members: from(1, 8)}
	w.guards = rules{rule}
	w.aws.run(w.members...)
	w.aws.change(func() {
		w.aws.isGroup = seed%2 == 0
		w.aws.warmUp = time.Duration(seed%7) * time.Second
		w.aws.versions = []version{{members: w.members}}
		for i, id := range w.members {
			instance := w.aws.facts[id]
			instance.Zone = []string{"a", "b"}[i%2]
			w.aws.facts[id] = instance
		}
	})
	w.startAll()
	return w
}

func (w *guardedWorld) run() {
	var work sync.WaitGroup
	for n := range faultyReplicas {
		work.Go(func() { w.crash(n, w.randomFor(100+n)) })
		work.Go(func() { w.refresh(n, w.randomFor(200+n)) })
	}
	for n := range guardedClients {
		work.Go(func() { w.runClient(n, w.randomFor(300+n)) })
	}
	time.Sleep(time.Until(w.ends) + 30*time.Second)
	w.faults.end()
	work.Wait()
	time.Sleep(2 * time.Minute)
	for _, s := range w.replicas {
		if err := s.Close(w.t.Context()); err != nil {
			w.t.Errorf("close: %v", err)
		}
	}
}

func (w *guardedWorld) runClient(client int, random *rand.Rand) {
	for time.Now().Before(w.ends) {
		time.Sleep(time.Duration(random.Int64N(int64(time.Second))))
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		s := w.replica(random.IntN(faultyReplicas))
		member := w.members[random.IntN(len(w.members))]
		switch random.IntN(6) {
		case 0:
			w.note(s.ChangeAll(ctx, w.detachAll(client)))
		case 1, 2:
			_, _ = s.Change(ctx, request(lsapi.Attach, member))
		default:
			_, err := s.Change(ctx, request(lsapi.Detach, member))
			w.count(err)
		}
		cancel()
	}
}

// detachAll is a bulk that detaches all members.
func (w *guardedWorld) detachAll(client int) lsapi.Bulk {
	b := lsapi.Bulk{ID: "r", BulkID: fmt.Sprint("bulk-", changes.Add(1)), At: time.Now(), Actor: lsapi.Actor{Name: fmt.Sprint(client)}, Pool: web}
	for _, id := range w.members {
		b.Items = append(b.Items, lsapi.BulkItem{Action: lsapi.Detach, Member: id})
	}
	return b
}

func (w *guardedWorld) note(all lsapi.BulkResult, _ error) {
	for _, r := range all.Results {
		if r.Err != nil {
			w.count(r.Err)
		}
	}
}

func (w *guardedWorld) count(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch lsapi.ErrorCode(err) {
	case lsapi.CodeMinInService, lsapi.CodeKeepLast, lsapi.CodeMaxOut, lsapi.CodeMinPerZone:
		w.refused++
	}
}

// check finds the moments at which AWS had fewer in service than the rule.
func (w *guardedWorld) check(rule guard.Rule, least int) {
	detaches := 0
	for i, v := range w.aws.versions[1:] {
		if len(v.members) < len(w.aws.versions[i].members) {
			detaches++
		}
		var serving, inZone int
		for _, h := range w.aws.health(v.at) {
			if h.State == lsapi.InService {
				serving++
				inZone += slices.Index(w.members, h.Member) % 2
			}
		}
		isZoneEmpty := rule.Kind == guard.MinInServicePerZone && (inZone == 0 || inZone == serving)
		if serving < least || isZoneEmpty {
			w.t.Errorf("at %v only %d are in service, %d of them in one zone", v.at, serving, inZone)
		}
	}
	w.t.Logf("AWS lags %v, warms up %v: %d calls detached, %d requests were refused", w.aws.lag, w.aws.warmUp, detaches, w.refused)
	if w.refused == 0 || detaches == 0 {
		w.t.Error("the run shows too little")
	}
}
