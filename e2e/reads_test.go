package e2e

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const defaultList = "/elb/default-elb"

func TestManyReadersCostNoMoreCallsThanOne(t *testing.T) {
	const bound, window = 500 * time.Millisecond, 2 * time.Second
	for _, readers := range []int{1, 10, 50} {
		t.Run(strconv.Itoa(readers), func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t, with("MAX_STALENESS="+bound.String()))
			s.get(defaultList)
			a.resetCalls()
			lists := s.readFor(t, window, readers, defaultList)
			calls := a.calls()
			// A refresh starts at the earliest after half the bound. Instance metadata is
			// cached for a minute; a sweep of the two target groups may add an instance.
			if most := int(window/(bound/2)) + 2; calls["DescribeLoadBalancers"] > most || calls["DescribeInstances"] > 2 || calls["DescribeTargetHealth"] > 2 {
				t.Errorf("%d lists cost %v", lists, calls)
			}
			if lists < 20*readers {
				t.Errorf("there were only %d lists", lists)
			}
		})
	}
}

// A list read later than the bound after an external change shows it. A list without it
// has an Age that reaches back before the change.
func TestListIsNeverOlderThanBoundOrAge(t *testing.T) {
	t.Parallel()
	const bound = 1500 * time.Millisecond
	a, s := startBoth(t, with("MAX_STALENESS="+bound.String()))
	s.get(defaultList)
	for _, id := range []string{spare, otherSpare, spareOfOld} {
		a.register("default-elb", id)
		changed := time.Now()
		eventually(t, "the list shows what another tool did", func() bool {
			asked := time.Now()
			list := s.get(defaultList)
			since, took, shows := asked.Sub(changed), time.Since(asked), slices.Contains(list.ids(t), id)
			if !shows && since > bound {
				t.Fatalf("it does not show a change %v ago", since)
			}
			if !shows && list.age(t) < since {
				t.Errorf("its age is %v and it lacks a change %v ago", list.age(t), since)
			}
			if list.age(t) > (bound + took + time.Second).Truncate(time.Second) {
				t.Errorf("its age is %v", list.age(t))
			}
			return shows
		})
	}
}

func (r response) age(t *testing.T) time.Duration {
	t.Helper()
	seconds, err := strconv.Atoi(r.header.Get("Age"))
	if err != nil {
		t.Fatalf("%d has Age %q", r.status, r.header.Get("Age"))
	}
	return time.Duration(seconds) * time.Second
}

func TestNoCacheNeverSharesEarlierCall(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t, with("MAX_STALENESS=10s"))
	s.get(defaultList)
	// AWS reads at once and responds late, with the old state.
	a.fault(t, `{"action":"DescribeLoadBalancers","kind":"timeout","count":1,"after":true,"delay":"1s"}`)
	early := make(chan response, 1)
	go func() {
		// An aborted one shows no members.
		answer, _ := s.try(http.MethodGet, defaultList, "", "Cache-Control: no-cache")
		early <- answer
	}()
	eventually(t, "AWS has read its members", func() bool { return a.faults(t) == 0 })
	a.register("default-elb", spare)
	a.resetCalls()
	var late sync.WaitGroup
	for range 20 {
		late.Go(func() {
			list, err := s.try(http.MethodGet, defaultList, "", "Cache-Control: no-cache")
			if err != nil || !strings.Contains(list.body, spare) {
				t.Errorf("%d %s %v", list.status, list.body, err)
			}
		})
	}
	late.Wait()
	if answer := <-early; answer.status != http.StatusOK {
		t.Errorf("the early one is %d", answer.status)
	}
	if calls := a.calls(); calls["DescribeLoadBalancers"] > 2 {
		t.Errorf("late readers did not share a call: %v", calls)
	}
}

func TestOwnChangesShowDespiteLag(t *testing.T) {
	t.Parallel()
	a := startAWS(t, "--lag", "500ms")
	s := startService(t, a.base, with("MAX_STALENESS=300ms"))
	for range 2 {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			before := s.get(defaultList).header.Get("ETag")
			if answer := s.send(method, defaultList, machineID(spare)); answer.status != http.StatusCreated {
				t.Fatalf("%s is %d %s", method, answer.status, answer.body)
			}
			// For longer than a refresh and AWS's lag.
			for end := time.Now().Add(900 * time.Millisecond); time.Now().Before(end); {
				for _, how := range []string{"Accept: */*", "Cache-Control: no-cache"} {
					list := s.send(http.MethodGet, defaultList, "", how, "If-None-Match: "+before)
					if list.status != http.StatusOK || slices.Contains(list.ids(t), spare) != (method == http.MethodPost) {
						t.Fatalf("after %s, with %s: %d %s", method, how, list.status, list.body)
					}
				}
			}
		}
	}
}

func TestUnknownNamesCostNoCall(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	s.get(defaultList)
	eventually(t, "the region is listed", func() bool { return s.metric(t, "lsapi_snapshot_load_balancers") > 1 })
	a.resetCalls()
	began := time.Now()
	for n := range 200 {
		if answer := s.get("/elb/unknown-" + strconv.Itoa(n)); answer.status != http.StatusNotFound {
			t.Fatalf("%d %s", answer.status, answer.body)
		}
	}
	if calls, most := a.calls()["DescribeLoadBalancers"], int(time.Since(began)/time.Second)+2; calls > most {
		t.Errorf("they cost %d calls", calls)
	}
}

func TestIdleServiceMakesNoCalls(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t, with("MAX_STALENESS=300ms", "IDLE_AFTER=1s"))
	s.get(defaultList)
	last, since := -1, time.Now()
	eventually(t, "the calls stop", func() bool {
		if calls := a.calls()["DescribeLoadBalancers"]; calls != last {
			last, since = calls, time.Now()
		}
		return time.Since(since) > time.Second
	})
	if last < 3 {
		t.Errorf("they stopped after %d", last)
	}
	a.register("default-elb", spare)
	asked := time.Now()
	if list := s.get(defaultList); !slices.Contains(list.ids(t), spare) || list.age(t) > time.Since(asked)+time.Second {
		t.Errorf("the first reader gets a list that is %v old: %s", list.age(t), list.body)
	}
	eventually(t, "AWS is called again", func() bool { return a.calls()["DescribeLoadBalancers"] > last+2 })
}

func TestListsAgeUpToBoundWhileAWSFails(t *testing.T) {
	const most = 3 * time.Second
	for _, kind := range []string{"throttle", "500", "reset", "denied"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t, with("MAX_STALENESS=300ms", "MAX_STALE_ON_ERROR="+most.String()))
			s.get(defaultList)
			a.fault(t, `{"action":"*","kind":"`+kind+`","probability":1}`)
			failing, asked := time.Now(), time.Now()
			var oldest, gap time.Duration // between two lists
			var answer response
			eventually(t, "a list is too old", func() bool {
				gap, asked = time.Since(asked), time.Now()
				answer = s.on(t).get(defaultList)
				if answer.status != http.StatusOK {
					return true
				}
				if age := answer.age(t); age < oldest || age > most {
					t.Errorf("after %v its age is %v", oldest, age)
				}
				oldest = answer.age(t)
				return false
			})
			seconds, err := strconv.Atoi(answer.header.Get("Retry-After"))
			if answer.status != http.StatusServiceUnavailable || err != nil || seconds < 1 {
				t.Errorf("it is %d with Retry-After %q: %s", answer.status, answer.header.Get("Retry-After"), answer.body)
			}
			// The last list may date from one bound before the failure, and readers that
			// wait for another attempt get no list meanwhile.
			if served := time.Since(failing); served < most-300*time.Millisecond || oldest < most-time.Second-gap {
				t.Errorf("it was served for %v, at last with age %v", served, oldest)
			}
			a.send(http.MethodDelete, "/_emulator/faults", "")
			eventually(t, "it recovers", func() bool {
				list := s.on(t).get(defaultList)
				return list.status == http.StatusOK && list.age(t) <= time.Second
			})
		})
	}
}

func TestListIsServedWithinDeadlineWhileAWSHangs(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t, with("MAX_STALENESS=300ms", "REQUEST_TIMEOUT=3s"))
	s.get(defaultList)
	a.fault(t, `{"action":"*","kind":"timeout","probability":1,"delay":"1m"}`)
	for oldest := time.Duration(0); oldest < 3*time.Second; {
		asked := time.Now()
		list := s.get(defaultList)
		if took := time.Since(asked); list.status != http.StatusOK || took > callTimeout {
			t.Fatalf("%d after %v: %s", list.status, took, list.body)
		}
		oldest = list.age(t)
	}
}

func TestDeletedLoadBalancerIsNotFoundWithinBound(t *testing.T) {
	t.Parallel()
	const bound = time.Second
	a, s := startBoth(t, with("MAX_STALENESS="+bound.String()))
	s.get(defaultList)
	a.do("DeleteLoadBalancer", "LoadBalancerName=default-elb")
	deleted := time.Now()
	eventually(t, "it is not found", func() bool {
		asked := time.Now()
		answer := s.get(defaultList)
		if answer.status != http.StatusNotFound && (answer.status != http.StatusOK || asked.Sub(deleted) > bound) {
			t.Fatalf("it is %d %v after", answer.status, asked.Sub(deleted))
		}
		return answer.status == http.StatusNotFound
	})
	if answer := s.get("/elb/web-elb"); answer.status != http.StatusOK {
		t.Errorf("another is %d", answer.status)
	}
}

// do calls the emulated AWS without lsapi, as other tools do.
func (a aws) do(action, parameters string) {
	a.client.t.Helper()
	a.ask(action, parameters)
}

// ask calls the emulated AWS like an AWS client, and returns its XML.
func (a aws) ask(action, parameters string) string {
	a.client.t.Helper()
	version, service := "2012-06-01", "elasticloadbalancing"
	switch {
	case strings.HasSuffix(action, "Instances"):
		version, service = "2016-11-15", "ec2"
	case strings.Contains(action, "Target"):
		version = "2015-12-01"
	}
	answer := a.send(http.MethodPost, "/", "Version="+version+"&Action="+action+"&"+parameters,
		"Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0",
		"Content-Type: application/x-www-form-urlencoded")
	if answer.status != http.StatusOK {
		a.client.t.Fatalf("%s: %d %s", action, answer.status, answer.body)
	}
	return answer.body
}

func TestFailedListingIsNeverNotFound(t *testing.T) {
	for name, test := range map[string]struct {
		named  bool // the fault also affects calls for the named load balancer
		broken func(form url.Values) bool
	}{
		"it is left out of the listings":    {false, leaveOut},
		"and cannot be read by name either": {true, leaveOut},
		"the listings fail":                 {false, func(url.Values) bool { return false }},
		"everything fails":                  {true, func(url.Values) bool { return false }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAWS(t)
			var faulty atomic.Bool
			var listings atomic.Int64
			gateway := between(t, a, func(form url.Values) bool {
				named := form.Has("LoadBalancerNames.member.1")
				switch {
				case !faulty.Load() || form.Get("Action") != "DescribeLoadBalancers":
					return true
				case named:
					return !test.named
				}
				listings.Add(1)
				return test.broken(form)
			})
			s := startService(t, gateway, with("MAX_STALENESS=300ms"))
			s.get(defaultList)
			faulty.Store(true)
			eventually(t, "the region is listed a few times", func() bool {
				if list := s.on(t).get(defaultList); list.status != http.StatusOK || !slices.Equal(list.ids(t), []string{member}) {
					t.Fatalf("it is %d %s", list.status, list.body)
				}
				return listings.Load() > 4
			})
		})
	}
}

// leaveOut removes default-elb from a listing.
func leaveOut(form url.Values) bool {
	form.Del("PageSize")
	form.Set("LoadBalancerNames.member.1", "web-elb")
	return true
}

// between starts a gateway to AWS that can modify requests, or fail them. It returns its
// URL.
func between(t *testing.T, a aws, pass func(form url.Values) bool) string {
	t.Helper()
	target, err := url.Parse(a.base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // lsapi disconnects when it stops
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || !pass(r.PostForm) {
			http.Error(w, "out of order", http.StatusInternalServerError)
			return
		}
		body := r.PostForm.Encode()
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(gateway.Close)
	return gateway.URL
}

func TestInstancesStayListedWhenLookupFails(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t, with("MAX_STALENESS=300ms"))
	s.get(defaultList)
	a.fault(t, `{"action":"DescribeInstances","kind":"500","probability":1}`)
	a.register("default-elb", spare) // not looked up yet
	a.resetCalls()
	eventually(t, "the lookups have failed a few times", func() bool {
		list := s.get(defaultList)
		if list.status != http.StatusOK || !slices.Contains(list.ids(t), member) || strings.Contains(list.body, "unknown") {
			t.Fatalf("%d %s", list.status, list.body)
		}
		return a.calls()["DescribeInstances"] > 6
	})
	a.send(http.MethodDelete, "/_emulator/faults", "")
	eventually(t, "the new member is listed", func() bool { return slices.Contains(s.get(defaultList).ids(t), spare) })
}

func TestNamedListDoesNotWaitForFullListing(t *testing.T) {
	t.Parallel()
	a := startAWS(t)
	opened := make(chan struct{})
	gateway := between(t, a, func(form url.Values) bool {
		if form.Get("Action") == "DescribeLoadBalancers" && !form.Has("LoadBalancerNames.member.1") {
			<-opened
		}
		return true
	})
	s := startService(t, gateway)
	t.Cleanup(func() { close(opened) }) // before the service is stopped
	if list := s.get(defaultList); !slices.Equal(list.ids(t), []string{member}) {
		t.Errorf("%d %s", list.status, list.body)
	}
}

func TestMalformedHeaderCostsNoCall(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t, with("MAX_STALENESS=1m"))
	s.get(defaultList)
	eventually(t, "the region is listed", func() bool { return s.metric(t, "lsapi_snapshot_load_balancers") > 1 })
	a.resetCalls()
	for _, header := range []string{
		"Cache-Control: no-cachet", "Cache-Control: =no-cache", "Cache-Control: \"no-cache", "Cache-Control: ,;,", "Cache-Control: max-age=soon",
		`If-None-Match: "`, "If-None-Match: W/", "If-None-Match: ,,", "If-None-Match: no quotes",
	} {
		if list := s.send(http.MethodGet, defaultList, "", header); list.status != http.StatusOK || !slices.Equal(list.ids(t), []string{member}) {
			t.Errorf("%s: %d %s", header, list.status, list.body)
		}
	}
	if calls := a.calls(); calls["DescribeLoadBalancers"] != 0 { // target groups may be polled meanwhile
		t.Errorf("they cost %v", calls)
	}
}
