package snapshot_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"

	"lsapi/internal/emulator"
	"lsapi/internal/emulator/fleet"
)

// wire is an emulator behind HTTP that records what is true when.
type wire struct {
	emulator *emulator.Emulator
	url      string
	began    time.Time

	mu        sync.Mutex // held while a change is carried out
	revisions map[lsapi.PoolID][]revision
}

// revision is what a load balancer became: not before from, and by then at last.
type revision struct {
	from, by time.Time
	members  string // see membersText; absent when there is none
}

// absent is a load balancer that is not there.
const absent = "-"

// membersText is a set of members in a form that can be compared.
func membersText(ids []string) string {
	return strings.Join(slices.Sorted(slices.Values(ids)), " ")
}

func startWire(t *testing.T, seed uint64) *wire {
	t.Helper()
	var f fleet.Fleet
	for _, pool := range propertyBalancers {
		f.LoadBalancers = append(f.LoadBalancers, fleet.LoadBalancer{Name: pool.Name})
	}
	for _, id := range propertyInstances {
		f.Instances = append(f.Instances, fleet.Instance{ID: id.String()})
	}
	e, err := emulator.New(emulator.Options{Fleet: f, Lag: propertyLag, Latency: 2 * time.Millisecond, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{emulator: e, began: time.Now(), revisions: make(map[lsapi.PoolID][]revision)}
	w.record(time.Time{})
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// ServeHTTP lets changes be carried out one by one, and records what each made.
func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil || strings.HasPrefix(form.Get("Action"), "Describe") {
		w.emulator.ServeHTTP(out, r)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.record(time.Now()) // also when the emulator cuts the connection
	w.emulator.ServeHTTP(out, r)
}

// record notes what has changed since from. w.mu must be held.
func (w *wire) record(from time.Time) {
	by := time.Now()
	now := make(map[lsapi.PoolID]string)
	for _, lb := range w.emulator.State().LoadBalancers {
		var ids []string
		for _, m := range lb.Members {
			ids = append(ids, m.InstanceID)
		}
		now[lsapi.ELB(lb.Name)] = membersText(ids)
	}
	for _, pool := range propertyBalancers {
		members, ok := now[pool]
		if !ok {
			members = absent
		}
		known := w.revisions[pool]
		if len(known) == 0 || known[len(known)-1].members != members {
			w.revisions[pool] = append(known, revision{from, by, members})
		}
	}
}

// held reports whether something may have been true of the load balancer at a
// moment between two.
func (w *wire) held(pool lsapi.PoolID, from, to time.Time, is func(members string) bool) bool {
	all := w.revisions[pool]
	for i, r := range all {
		begins := !r.from.After(to)
		ends := i+1 < len(all) && all[i+1].by.Before(from)
		if begins && !ends && is(r.members) {
			return true
		}
	}
	return false
}

// first returns the earliest moment from then on at which something may have been
// true; the zero time when it never was.
func (w *wire) first(pool lsapi.PoolID, from time.Time, is func(members string) bool) time.Time {
	all := w.revisions[pool]
	for i, r := range all {
		if ended := i+1 < len(all) && all[i+1].by.Before(from); !ended && is(r.members) {
			if r.from.After(from) {
				return r.from
			}
			return from
		}
	}
	return time.Time{}
}

// history returns what was true between two moments, for a person.
func (w *wire) history(pool lsapi.PoolID, from, to time.Time) string {
	var text strings.Builder
	all := w.revisions[pool]
	for i, r := range all {
		if r.from.After(to) || i+1 < len(all) && all[i+1].by.Before(from) {
			continue
		}
		fmt.Fprintf(&text, "  from %v to %v on: %q\n", w.since(r.from), w.since(r.by), r.members)
	}
	return text.String()
}

func (w *wire) since(t time.Time) time.Duration { return t.Sub(w.began).Round(time.Microsecond) }

// outsiders change load balancers without lsapi, one call or two at a time.
func (w *wire) outsiders() []func(*testing.T, *rand.Rand) {
	return []func(*testing.T, *rand.Rand){
		func(t *testing.T, random *rand.Rand) { w.change(t, random, lsapi.ELB(theirs), propertyInstances) },
		func(t *testing.T, random *rand.Rand) { w.change(t, random, lsapi.ELB(comes), propertyInstances) },
		func(t *testing.T, random *rand.Rand) {
			w.change(t, random, lsapi.ELB(everyone), slices.Concat(theirsOnly, contested))
		},
		w.comeAndGo,
	}
}

// comeAndGo deletes a load balancer and creates it again, now and then for longer
// than the bound.
func (w *wire) comeAndGo(t *testing.T, random *rand.Rand) {
	w.ask(t, "DeleteLoadBalancer", url.Values{"LoadBalancerName": {comes}})
	pause(random, 2*propertyBound)
	w.ask(t, "CreateLoadBalancer", url.Values{
		"LoadBalancerName":                    {comes},
		"AvailabilityZones.member.1":          {"us-east-1a"},
		"Listeners.member.1.Protocol":         {"TCP"},
		"Listeners.member.1.LoadBalancerPort": {"80"},
		"Listeners.member.1.InstancePort":     {"80"},
	})
	pause(random, 2*propertyBound)
}

// change registers or deregisters one or some of the instances by one call.
func (w *wire) change(t *testing.T, random *rand.Rand, pool lsapi.PoolID, instances []lsapi.MemberID) {
	parameters := url.Values{"LoadBalancerName": {pool.Name}}
	for n, i := range random.Perm(len(instances))[:1+random.IntN(len(instances)-1)] {
		parameters.Set(fmt.Sprintf("Instances.member.%d.InstanceId", n+1), instances[i].String())
	}
	action := []string{"RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer"}[random.IntN(2)]
	w.ask(t, action, parameters)
}

// ask makes a call. It may be refused, such as the deregistering of what never
// was a member, or meet a fault: what is true is recorded elsewhere.
func (w *wire) ask(t *testing.T, action string, parameters url.Values) {
	parameters.Set("Action", action)
	parameters.Set("Version", "2012-06-01")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url, strings.NewReader(parameters.Encode()))
	if err != nil {
		t.Error(err)
		return
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/elasticloadbalancing/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err == nil {
		answer.Body.Close()
	}
}
