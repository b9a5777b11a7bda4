package policy_test

import (
	"errors"
	"testing"

	"lsapi"
	"lsapi/internal/policy"
)

// Every text is a policy or has problems with positions, and no parsed policy fails later.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		example, "{}", "guards: []", "a: &b *b", "? a\n: b", "!!x y", "guards: [{pools: [\"elb/[a-\"]}]", "a: |\n  b", "<<: {}", "%YAML 1.2\n---\n{}",
		"defaults: {keepLast: true}\n---\n...", "\t", "guards:\n- pools:\n  - tag:\n      a: b\n  keepLast: false",
	} {
		f.Add([]byte(seed))
	}
	pools := []lsapi.PoolID{{Scope: lsapi.DefaultScope, Kind: lsapi.KindELB, Name: "web-1"}, {Scope: lsapi.DefaultScope, Kind: lsapi.KindTG, Name: "shop"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse("policy.yaml", text)
		if err != nil {
			bad, ok := errors.AsType[*policy.Error](err)
			if !ok || len(bad.Problems) == 0 {
				t.Fatalf("the error is %v", err)
			}
			for _, problem := range bad.Problems {
				if problem.Line < 1 || problem.Column < 1 || problem.Text == "" {
					t.Fatalf("the problem is %+v", problem)
				}
			}
			return
		}
		for _, pool := range pools {
			for _, r := range p.Rules(pool, map[string]string{"env": "prod"}) {
				if r.Source == "" || r.String() == "" {
					t.Fatalf("the rule is %+v", r)
				}
			}
		}
		p.MayOverride("alice")
	})
}

// Every tag is a rule or has no effect, and never fails.
func FuzzTagRules(f *testing.F) {
	for _, seed := range []string{"2", "50%", "25 percent", "from 2026-12-24 until 2026-12-27", "until x", "true"} {
		f.Add("freeze", seed)
		f.Add("max-out", seed)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		rules := policy.TagRules(map[string]string{"lsapi:" + key: value})
		if len(rules) > 1 || len(rules) == 0 && key != "keep-last" {
			t.Fatalf("the rules are %v", rules)
		}
	})
}
