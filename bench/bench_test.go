package main

import (
	"net/http"
	"strings"
	"testing"

	"lsapi/bench/internal/report"
	"lsapi/internal/emulator/fleet"
)

func TestGeneratedNamesMatchTheEmulator(t *testing.T) {
	for _, n := range []int{1, 42, 5000} {
		if got, want := balancer(n), fleet.BalancerName(n); got != want {
			t.Errorf("load balancer %d is %s, not %s", n, want, got)
		}
	}
	for _, n := range []int{1, 42, 10_000} {
		if got, want := group(n), fleet.GroupName(n); got != want {
			t.Errorf("target group %d is %s, not %s", n, want, got)
		}
		if got, want := target(n, 7), fleet.TargetID(n, 7); got != want {
			t.Errorf("target 7 of group %d is %s, not %s", n, want, got)
		}
	}
	for _, n := range []int{1, fleet.Spares} {
		if got, want := spare(n), fleet.SpareID(n); got != want {
			t.Errorf("spare %d is %s, not %s", n, want, got)
		}
	}
}

func TestSectionsAreSelectedByName(t *testing.T) {
	all := strings.Join(sectionNames(), ",")
	for _, test := range []struct {
		names string
		quick bool
		want  string
	}{
		{"", false, all},
		{"", true, strings.TrimSuffix(all, ",suite")},
		{"reads", false, "reads"},
		{"scale,size", true, "size,scale"},
		{"suite", true, "suite"},
	} {
		chosen, err := choose(test.names, test.quick)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range chosen {
			got = append(got, s.name)
		}
		if strings.Join(got, ",") != test.want {
			t.Errorf("%q chose %v, want %s", test.names, got, test.want)
		}
	}
	if _, err := choose("reads,writes", false); err == nil || !strings.Contains(err.Error(), `"writes"`) {
		t.Errorf("a section that does not exist: got %v", err)
	}
}

func TestRatiosPairRunsOfTheSameRound(t *testing.T) {
	c := comparison{
		lsapiName: {{perSecond: 80}, {perSecond: 40}, {perSecond: 90}},
		nginxName: {{perSecond: 100}, {perSecond: 50}, {perSecond: 90}},
	}
	if got, want := c.rate(nginxName), report.FigureOf(0.8, 0.8, 1); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := c.rate(bareName); got.Runs != 0 {
		t.Errorf("a ratio to a missing figure: %+v", got)
	}
}

func TestResponseIsJudgedByEarlierResponses(t *testing.T) {
	const attach, detach = http.MethodPost, http.MethodDelete
	for _, test := range []struct {
		name      string
		before    belief
		method    string
		status    int
		after     belief
		plausible bool
	}{
		{"attached", stranger, attach, 201, member, true},
		{"attached twice", member, attach, 201, member, false},
		{"attached, it may have been", unknown, attach, 201, member, true},
		{"already a member", member, attach, 409, member, true},
		{"already a member, never attached", stranger, attach, 409, member, false},
		{"already a member, it may have been", unknown, attach, 409, member, true},
		{"detached", member, detach, 201, stranger, true},
		{"detached twice", stranger, detach, 201, stranger, false},
		{"never detached", member, detach, 409, stranger, false},
		{"nothing changed", stranger, attach, 503, stranger, true},
		{"nothing changed, of which nothing is known", unknown, detach, 503, unknown, true},
		{"not known", member, detach, 504, unknown, true},
		{"AWS fails", stranger, attach, 502, unknown, true},
		{"a failure of AWS as the client's", stranger, attach, 400, unknown, false},
		{"a failure of AWS as nothing being there", member, detach, 404, unknown, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			after, plausible := test.before.after(test.method, test.status)
			if after != test.after || plausible != test.plausible {
				t.Errorf("got %v, %v; want %v, %v", after, plausible, test.after, test.plausible)
			}
		})
	}
}

func TestOnlyAcknowledgedChangesCanBeLost(t *testing.T) {
	w := &writers{beliefs: map[string]belief{"in": member, "gone": member, "out": stranger, "back": stranger, "unsure": unknown}}
	if got := w.lost(map[string]bool{"in": true, "back": true, "unsure": true}); got != 2 {
		t.Errorf("%d are lost, want 2: gone and back", got)
	}
}

func TestHeadersOfNginxAreNotDuplicated(t *testing.T) {
	header := http.Header{"Date": {"now"}, "Content-Length": {"1"}, "Content-Type": {"x"}, "X-Request-Id": {"y"}, "Etag": {`"z"`}}
	if got := addedHeaders(header); len(got) != 1 || got["Etag"] != `"z"` {
		t.Errorf("got %v", got)
	}
}
