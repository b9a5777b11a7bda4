package policy_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/guard"
	"lsapi/internal/policy"
)

// tags are the tags of every pool.
type tags struct {
	mu   sync.Mutex
	tags map[string]string
	err  error
}

func (f *tags) set(values map[string]string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tags, f.err = values, err
}

// Of returns a new map each time, as after a refresh.
func (f *tags) Of(context.Context, lsapi.PoolID) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.tags), f.err
}

func (f *tags) Known(lsapi.PoolID) (map[string]string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.tags), f.err == nil
}

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newGuards(current func() *policy.Policy, from policy.Tags) (*policy.Guards, *lines) {
	log := &lines{}
	return policy.New(policy.Options{Policy: current, Tags: from, Log: slog.New(slog.NewTextHandler(log, nil))}), log
}

func TestRulesOfPolicyAndTagsAllHold(t *testing.T) {
	p := parse(t, `guards: [{pools: ["elb/*"], minInService: 1}, {pools: [{tag: {env: prod}}], maxOut: 1}]`)
	from := &tags{tags: map[string]string{"env": "prod", "lsapi:min-in-service": "3"}}
	guards, _ := newGuards(func() *policy.Policy { return p }, from)
	check := func(want string) {
		t.Helper()
		rules, err := guards.Rules(t.Context(), pool(t, "elb/web"))
		if got := show(rules); err != nil || got != want {
			t.Errorf("got %s, %v\nwant %s", got, err, want)
		}
		if known, ok := guards.Known(pool(t, "elb/web")); !ok || show(known) != want {
			t.Errorf("known are %s, %v", show(known), ok)
		}
	}
	check("minInService 1 (policy.yaml:1), maxOut 1 (policy.yaml:1), keepLast (policy.yaml, by default), minInService 3 (tag lsapi:min-in-service)")
	from.set(map[string]string{"lsapi:min-in-service": "2"}, nil)
	check("minInService 1 (policy.yaml:1), keepLast (policy.yaml, by default), minInService 2 (tag lsapi:min-in-service)")
	p = parse(t, "{}")
	check("keepLast (policy.yaml, by default), minInService 2 (tag lsapi:min-in-service)")
	p = &policy.Policy{}
	from.set(nil, nil)
	check("")
}

func TestUnknownTags(t *testing.T) {
	const byName, byTag = `guards: [{pools: ["elb/*"], minInService: 1}]`, `guards: [{pools: ["elb/*", {tag: {env: prod}}], minInService: 1}]`
	for _, test := range []struct {
		policy    string
		code      lsapi.Code
		want      lsapi.Code
		says, log string
	}{
		{byName, lsapi.CodeForbidden, "", "", "AWS denies elasticloadbalancing:DescribeTags; guards in tags have no effect"},
		{byTag, lsapi.CodeForbidden, lsapi.CodeTagsUnknown, "AWS denies elasticloadbalancing:DescribeTags", "AWS denies"},
		{byName, lsapi.CodeThrottled, lsapi.CodeTagsUnknown, "the tags of load balancer web cannot be read", ""},
		{byTag, lsapi.CodeUpstream, lsapi.CodeTagsUnknown, "the tags of load balancer web cannot be read", ""},
		{byTag, lsapi.CodeNotFound, "", "", ""},
	} {
		p := parse(t, test.policy)
		guards, log := newGuards(func() *policy.Policy { return p }, &tags{err: &lsapi.Error{Code: test.code, RetryAfter: time.Second}})
		for range 3 {
			rules, err := guards.Rules(t.Context(), pool(t, "elb/web"))
			if lsapi.ErrorCode(err) != test.want || !strings.HasPrefix(show(rules), "minInService 1") {
				t.Errorf("%s: got %s, %v", test.code, show(rules), err)
			}
			if err != nil && (!strings.Contains(err.Error(), test.says) || lsapi.AsError(err).RetryAfter != time.Second) {
				t.Errorf("%s: the error is %v", test.code, err)
			}
		}
		if text := log.String(); strings.Count(text, "\n") != min(1, len(test.log)) || !strings.Contains(text, test.log) {
			t.Errorf("%s: the log is %q", test.code, text)
		}
		if _, ok := guards.Known(pool(t, "elb/web")); ok {
			t.Errorf("%s: the rules are known without the tags", test.code)
		}
	}
}

func TestMalformedTagIsLoggedOnceAndListed(t *testing.T) {
	from := &tags{tags: map[string]string{"lsapi:max-out": "some"}}
	p := &policy.Policy{}
	guards, log := newGuards(func() *policy.Policy { return p }, from)
	ask := func() {
		t.Helper()
		if rules, err := guards.Rules(t.Context(), pool(t, "tg/shop")); err != nil || len(rules) != 1 || rules[0].Kind != guard.Malformed {
			t.Fatalf("got %s, %v", show(rules), err)
		}
	}
	ask()
	p = parse(t, "defaults: {keepLast: false}")
	ask()
	from.set(nil, lsapi.Errorf(lsapi.CodeThrottled, ""))
	guards.Rules(t.Context(), pool(t, "tg/shop"))
	from.set(map[string]string{"lsapi:max-out": "some"}, nil)
	ask()
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "default/tg/shop") || !strings.Contains(text, "lsapi:max-out") || !strings.Contains(text, "value=some") {
		t.Errorf("the log is %q", text)
	}
	if got := guards.Malformed(); len(got) != 1 || got[0] != pool(t, "tg/shop") {
		t.Errorf("malformed are %v", got)
	}
	from.set(map[string]string{"lsapi:max-out": "1"}, nil)
	guards.Rules(t.Context(), pool(t, "tg/shop"))
	if got := guards.Malformed(); len(got) != 0 {
		t.Errorf("malformed are still %v", got)
	}
}

// BenchmarkVerdict measures the verdict on a detach under 1,000 rules, for pools of 20 members
// of which there are 10,000. The target is 10 µs.
func BenchmarkVerdict(b *testing.B) {
	var text strings.Builder
	text.WriteString("guards:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "- {pools: [\"elb/team%d-*\", {tag: {team: t%d}}], minInService: 50%%, maxOut: 25%%}\n", i, i)
	}
	p, err := policy.Parse("policy.yaml", []byte(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	values := map[string]string{"team": "t7", "env": "prod", "Name": "web", "lsapi:min-in-service-per-zone": "1"}
	guards, _ := newGuards(func() *policy.Policy { return p }, constantTags(values))
	pools := make([]lsapi.PoolID, 10_000)
	for i := range pools {
		pools[i] = lsapi.ELB(fmt.Sprintf("team%d-web%d", i%1000, i))
		if rules, err := guards.Rules(b.Context(), pools[i]); err != nil || len(rules) < 4 {
			b.Fatalf("got %s, %v", show(rules), err)
		}
	}
	members := make([]lsapi.GuardedMember, 20)
	for i := range members {
		members[i] = lsapi.GuardedMember{Member: lsapi.InstanceMember(fmt.Sprintf("i-%017x", i)), Zone: "a", Standing: lsapi.StandingInService}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		rules, err := guards.Rules(b.Context(), pools[i%len(pools)])
		if err != nil {
			b.Fatal(err)
		}
		if refusal := guard.Count(rules, time.Time{}, members).Detach(members[0].Member); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

type constantTags map[string]string

func (c constantTags) Of(context.Context, lsapi.PoolID) (map[string]string, error) { return c, nil }

func (c constantTags) Known(lsapi.PoolID) (map[string]string, bool) { return c, true }
