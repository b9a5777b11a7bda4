package fleet_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/fleet"
)

func ids(members []lsapi.MemberDetail) string {
	var ids []string
	for _, m := range members {
		ids = append(ids, m.ID.Instance)
	}
	return strings.Join(ids, " ")
}

func TestLoadBalancerShowsHistoryHealthAndSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		change := &lsapi.Change{ID: "7", Action: lsapi.Attach}
		r.histories[web2] = lsapi.MemberHistory{Member: true, LastChange: change}
		b, err := start(t, r).Pool(t.Context(), lsapi.ELB("web"), false)
		if err != nil {
			t.Fatal(err)
		}
		if b.ID != lsapi.ELB("web") || b.MemberCount != 2 || b.Tags["team"] != "web" || b.Attributes == nil || b.Attributes.DrainingTimeout != time.Minute || b.Health == nil || b.Health.Draining != 1 {
			t.Errorf("it is %+v", b)
		}
		if got := ids(b.Members); got != web1.String()+" "+web2.String()+" "+web3.String() {
			t.Fatalf("its instances are %s", got)
		}
		attached, draining := b.Members[1], b.Members[2]
		if !attached.Member || attached.History.LastChange != change || attached.Health == nil || attached.Health.State != lsapi.OutOfService {
			t.Errorf("the attached member is %+v", attached)
		}
		if draining.Member || draining.Health == nil || !draining.Health.Draining || draining.Instance.Type != "t2.micro" {
			t.Errorf("the draining instance is %+v", draining)
		}
	})
}

func TestMemberWithoutPortHasThatOfTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		own, other := lsapi.MemberID{Instance: web1.Instance, Port: 8080}, lsapi.MemberID{Instance: web1.Instance, Port: 9090}
		group := r.add(lsapi.TG("web"), serving(own), registering(other))
		group.port = 8080
		f := start(t, r)
		if m, err := f.Member(t.Context(), lsapi.TG("web"), web1, false); err != nil || m.ID != own || m.Health == nil || m.Health.State != lsapi.InService {
			t.Errorf("it is %+v, %v", m, err)
		}
		if m, err := f.Await(t.Context(), lsapi.TG("web"), web1, lsapi.WaitInService); err != nil || m.ID != own || !m.Member {
			t.Errorf("in service is %+v, %v", m, err)
		}
		if m, err := f.Await(t.Context(), lsapi.TG("web"), web2, lsapi.WaitAbsent); err != nil || m.ID != (lsapi.MemberID{Instance: web2.Instance, Port: 8080}) {
			t.Errorf("absent is %+v, %v", m, err)
		}
	})
}

func TestMemberThatWasJustDetachedDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		r.add(lsapi.ELB("web"), draining(web1))
		r.kept = map[lsapi.PoolID]lsapi.HealthReport{lsapi.ELB("web"): {
			Pool: lsapi.ELB("web"), Members: []lsapi.MemberHealth{serving(web1)}, AsOf: time.Now(), // before the detach
		}}
		f := start(t, r)
		if m, err := f.Member(t.Context(), lsapi.ELB("web"), web1, false); err != nil || m.Member || m.Health == nil || !m.Health.Draining {
			t.Errorf("it is %+v, %v", m, err)
		}
		got, err := f.Instance(t.Context(), web1.Instance, false)
		if err != nil || !got.Whole || len(got.Memberships) != 1 || !got.Memberships[0].Health.Draining {
			t.Errorf("the instance is %+v, %v", got, err)
		}
		r.change(func() { delete(r.loadBalancers[lsapi.ELB("web")].health, web1) })
		if m, err := f.Member(t.Context(), lsapi.ELB("web"), web1, false); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("when it has drained it is %+v, %v", m, err)
		}
	})
}

// A read by name can be faster than the first listing, which has the port.
func TestMemberWithoutPortIsNotAbsentBeforeTheFirstListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		own := lsapi.MemberID{Instance: web1.Instance, Port: 8080}
		group := r.add(lsapi.TG("web"), serving(own))
		group.port, group.unlisted = 8080, true
		f := start(t, r)
		if m, err := f.Member(t.Context(), lsapi.TG("web"), web1, false); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("it is %+v, %v", m, err)
		}
		if m, err := f.Member(t.Context(), lsapi.TG("web"), own, false); err != nil || !m.Member {
			t.Errorf("with its port it is %+v, %v", m, err)
		}
		for _, condition := range []lsapi.WaitCondition{lsapi.WaitDrained, lsapi.WaitAbsent, lsapi.WaitInService} {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			if m, err := f.Await(ctx, lsapi.TG("web"), web1, condition); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
				t.Errorf("%s: %+v, %v", condition, m, err)
			}
			cancel()
		}
		r.after(5*time.Second, func() { group.unlisted = false })
		if m, err := f.Await(t.Context(), lsapi.TG("web"), web1, lsapi.WaitInService); err != nil || m.ID != own {
			t.Errorf("after the listing it is %+v, %v", m, err)
		}
		loadBalancer := r.add(lsapi.ELB("web"), serving(web1))
		loadBalancer.unlisted = true
		if m, err := f.Member(t.Context(), lsapi.ELB("web"), web1, false); err != nil || !m.Member {
			t.Errorf("of a Classic load balancer it is %+v, %v", m, err)
		}
	})
}

func TestLoadBalancerLeavesOutWhatCannotBeRead(t *testing.T) {
	for _, hang := range []bool{false, true} {
		for _, op := range []string{"Attributes", "Routes", "Tags", "Recent", "MemberHistory", "Instances"} {
			synctest.Test(t, func(t *testing.T) {
				r := three()
				if hang {
					r.hangs[op] = true
				} else {
					r.fail[op] = lsapi.Errorf(lsapi.CodeUnavailable, "away")
				}
				began := time.Now()
				b, err := start(t, r).Pool(t.Context(), lsapi.ELB("web"), false)
				if err != nil || len(b.Members) < 2 {
					t.Fatalf("%s: %+v, %v", op, b, err)
				}
				if (b.Attributes == nil) != (op == "Attributes") || (b.Tags == nil) != (op == "Tags") || (b.Routes == nil) != (op == "Routes") || (b.Health == nil) != (op == "Recent") ||
					b.Members[0].History.Unavailable != (op == "MemberHistory") || (b.Members[0].Health == nil) != (op == "Recent") {
					t.Errorf("without %s it is %+v", op, b)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s: it took %v", op, took)
				}
			})
		}
	}
}

func TestMissingLoadBalancerOrMemberIsNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		f := start(t, r)
		if _, err := f.Pool(t.Context(), lsapi.ELB("other"), false); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("an unknown load balancer is %v", err)
		}
		if _, err := f.Member(t.Context(), lsapi.ELB("other"), web1, false); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("a member of an unknown load balancer is %v", err)
		}
		if _, err := f.Member(t.Context(), lsapi.ELB("api"), web2, false); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("an instance that is not a member is %v", err)
		}
		r.change(func() { r.fail["Recent"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		if _, err := f.Member(t.Context(), lsapi.ELB("api"), web2, false); lsapi.ErrorCode(err) != lsapi.CodeUpstream {
			t.Errorf("an instance that may be draining is %v", err)
		}
		if m, err := f.Member(t.Context(), lsapi.ELB("api"), web1, false); err != nil || !m.Member || m.Health != nil {
			t.Errorf("a member whose health cannot be read is %+v, %v", m, err)
		}
	})
}

func TestMemberEqualsItsEntryInTheLoadBalancer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		f := start(t, r)
		b, err := f.Pool(t.Context(), lsapi.ELB("web"), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, among := range b.Members {
			alone, err := f.Member(t.Context(), lsapi.ELB("web"), among.ID, false)
			if err != nil || alone.Instance != among.Instance || alone.Member != among.Member || *alone.Health != *among.Health {
				t.Errorf("alone it is %+v, %v, among others %+v", alone, err, among)
			}
		}
	})
}

func TestFailuresAreCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		r.fail["Attributes"] = lsapi.Errorf(lsapi.CodeThrottled, "")
		f := start(t, r)
		show := func() lsapi.PoolDetail {
			b, err := f.Pool(t.Context(), lsapi.ELB("web"), false)
			if err != nil {
				t.Error(err)
			}
			return b
		}
		var readers sync.WaitGroup
		for range 100 {
			readers.Go(func() { show() })
		}
		readers.Wait()
		time.Sleep(time.Second)
		show()
		if got := r.count("Attributes"); got != 1 {
			t.Errorf("AWS got %d calls", got)
		}
		r.change(func() { delete(r.fail, "Attributes") })
		time.Sleep(5 * time.Second)
		if show().Attributes == nil {
			t.Error("it is not read again")
		}
	})
}

func TestSharedReadContinuesWhenACallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		r.hangs["Attributes"] = true
		f := start(t, r)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.Pool(short, lsapi.ELB("web"), false); err != nil {
			t.Error(err)
		}
		if _, err := f.Pool(t.Context(), lsapi.ELB("web"), false); err != nil || r.count("Attributes") != 1 {
			t.Errorf("%v, AWS got %d calls", err, r.count("Attributes"))
		}
	})
}

func TestClosedFleetReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		f := start(t, r)
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
		began := time.Now()
		got, err := f.Pool(t.Context(), lsapi.ELB("web"), false)
		if err != nil || got.Attributes != nil || got.Tags != nil || !got.Members[0].History.Unavailable {
			t.Errorf("it is shown as %+v, %v", got, err)
		}
		if asked := r.count("Attributes") + r.count("Tags") + r.count("MemberHistory"); asked > 0 || time.Since(began) > 0 {
			t.Errorf("%d reads were made, for %v", asked, time.Since(began))
		}
	})
}

func TestFailureIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		var log bytes.Buffer
		f := fleet.New(fleet.Options{Lists: r, Health: r, Settings: r, Tags: startTags(t, r), Guards: r, Instances: r, Record: r, Log: slog.New(slog.NewTextHandler(&log, nil))})
		r.fail["MemberHistory"] = lsapi.Errorf(lsapi.CodeUnavailable, "away")
		for range 3 {
			if _, err := f.Pool(t.Context(), lsapi.ELB("web"), false); err != nil {
				t.Error(err)
			}
		}
		if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "the record of changes cannot be read") {
			t.Errorf("the log is\n%s", log.String())
		}
		delete(r.fail, "MemberHistory")
		if _, err := f.Pool(t.Context(), lsapi.ELB("web"), false); err != nil || strings.Count(log.String(), "can be read again") != 1 {
			t.Errorf("%v, the log is\n%s", err, log.String())
		}
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
