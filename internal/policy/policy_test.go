package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/guard"
	"lsapi/internal/policy"
)

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pool(t *testing.T, path string) lsapi.PoolID {
	t.Helper()
	id, ok := lsapi.ParsePoolPath(path)
	if !ok {
		t.Fatalf("%q is no pool", path)
	}
	return id
}

// show returns the rules with their sources.
func show(rules []guard.Rule) string {
	var all []string
	for _, r := range rules {
		all = append(all, r.String()+" ("+r.Source+")")
	}
	return strings.Join(all, ", ")
}

const example = `# the example of the docs
defaults: {keepLast: true}
guards:
  - {pools: ["elb/web-*", "tg/shop"], minInService: 2, maxOut: 25%}
  - pools: [{tag: {env: prod}}, "*/db-?"]
    minInServicePerZone: 1
    freeze: {from: 2026-12-24, until: 2026-12-27T18:00:00+01:00}
  - {pools: ["tg/batch"], keepLast: false, maxOut: "100%"}
  - {pools: ["tg/[ab]*"], keepLast: true}
mayOverride: [alice, bob@example.com]
`

func TestRulesOfPoolsByNameAndTags(t *testing.T) {
	p := parse(t, example)
	for _, test := range []struct {
		pool string
		tags map[string]string
		want string
	}{
		{"elb/web-1", nil, "minInService 2 (policy.yaml:4), maxOut 25% (policy.yaml:4), keepLast (policy.yaml:2)"},
		{"tg/web-1", nil, "keepLast (policy.yaml:2)"},
		{"elb/db-1", nil, "minInServicePerZone 1 (policy.yaml:6), freeze from 2026-12-24T00:00:00Z until 2026-12-27T17:00:00Z (policy.yaml:7), keepLast (policy.yaml:2)"},
		{"elb/x", map[string]string{"env": "test"}, "keepLast (policy.yaml:2)"},
		{"tg/shop", map[string]string{"env": "prod", "x": "y"}, "minInService 2 (policy.yaml:4), maxOut 25% (policy.yaml:4), minInServicePerZone 1 (policy.yaml:6), " +
			"freeze from 2026-12-24T00:00:00Z until 2026-12-27T17:00:00Z (policy.yaml:7), keepLast (policy.yaml:2)"},
		{"tg/batch", nil, "maxOut 100% (policy.yaml:8), keepLast (policy.yaml:9)"}, // the stricter of both
		{"elb/batch", nil, "keepLast (policy.yaml:2)"},
	} {
		if got := show(p.Rules(pool(t, test.pool), test.tags)); got != test.want {
			t.Errorf("%s %v:\n got %s\nwant %s", test.pool, test.tags, got, test.want)
		}
	}
	if !p.ByTag() || !slices.Equal(p.TagEntries(), []string{"policy.yaml:5"}) || p.Size() != 4 {
		t.Errorf("by tags: %v", p.TagEntries())
	}
}

func TestEntryReplacesTheDefaultOfKeepLast(t *testing.T) {
	for text, want := range map[string]string{
		"{}": "keepLast (policy.yaml, by default)",
		`guards: [{pools: ["tg/a"], keepLast: false}]`:                                           "",
		`guards: [{pools: ["tg/b"], keepLast: false}]`:                                           "keepLast (policy.yaml, by default)",
		`guards: [{pools: ["tg/a"], keepLast: false}, {pools: ["tg/*"], maxOut: 100%}]`:          "maxOut 100% (policy.yaml:1)",
		"defaults: {keepLast: false}":                                                            "",
		"defaults: {}":                                                                           "keepLast (policy.yaml, by default)",
		"defaults: {keepLast: false}\nguards:\n - {pools: [tg/a], keepLast: true}":               "keepLast (policy.yaml:3)",
		"guards:\n - {pools: [tg/a], keepLast: true}\n - {pools: [tg/a], keepLast: false}":       "keepLast (policy.yaml:2)",
		`guards: [{pools: [{tag: {a: "*"}}], keepLast: false}, {pools: ["tg/*"], maxOut: 100%}]`: "maxOut 100% (policy.yaml:1), keepLast (policy.yaml, by default)",
	} {
		if got := show(parse(t, text).Rules(pool(t, "tg/a"), nil)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestTagSelectors(t *testing.T) {
	for _, test := range []struct {
		selector string
		tags     map[string]string
		want     bool
	}{
		{"{tag: {env: prod}}", map[string]string{"env": "prod"}, true},
		{"{tag: {env: prod}}", map[string]string{"env": "Prod"}, false},
		{"{tag: {env: prod}}", map[string]string{}, false},
		{"{tag: {env: prod, team: a}}", map[string]string{"env": "prod"}, false},
		{"{tag: {env: prod, team: a}}", map[string]string{"env": "prod", "team": "a"}, true},
		{`{tag: {env: "*"}}`, map[string]string{"env": ""}, true},
		{`{tag: {env: "*"}}`, map[string]string{"other": ""}, false},
		{`{tag: {env: ""}}`, map[string]string{"env": "prod"}, false},
		{"{tag: {version: 1.10}}", map[string]string{"version": "1.10"}, true}, // as it is in the file
		{"{tag: {critical: true}}", map[string]string{"critical": "true"}, true},
	} {
		p := parse(t, "defaults: {keepLast: false}\nguards: [{pools: ["+test.selector+"], maxOut: 1}]")
		if got := len(p.Rules(pool(t, "elb/a"), test.tags)) > 0; got != test.want {
			t.Errorf("%s selects %v: %v", test.selector, test.tags, got)
		}
	}
}

func TestUsersWhoMayOverride(t *testing.T) {
	for text, want := range map[string]bool{
		"{}":                           true,
		"mayOverride: []":              false,
		"mayOverride: [alice]":         true,
		"mayOverride: [bob, 'carol']":  false,
		"mayOverride:\n- bob\n- alice": true,
	} {
		if got := parse(t, text).MayOverride("alice"); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if !(&policy.Policy{}).MayOverride("alice") {
		t.Error("without a policy alice may not override")
	}
}

func TestProblemsHaveTheirPositions(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "1:1: the policy is empty",
		"# nothing\n":               "1:1: the policy is empty",
		"guards:\n":                 `1:1: "guards" has no value`,
		"mayOverride: ~":            `1:1: "mayOverride" has no value`,
		"- a":                       "1:1: a policy is not a mapping but a list",
		"guard: []":                 `1:1: a policy has no field "guard"; the fields are defaults, guards, mayOverride, notify`,
		"guards: {}":                "1:9: guards is not a list but a mapping",
		"{}\n---\n{}":               "3:1: a second document",
		"guards: [":                 "1:9: not YAML: ",
		"a: b: c":                   "1:4: not YAML: ",
		"defaults: {keepLast: yes}": "1:22: keepLast is neither true nor false",
		"defaults: {keepLast: true}\ndefaults: {keepLast: true}":                     `2:1: the field "defaults" is on line 1 already`,
		"guards:\n- pools: [elb/a]\n  maxOut: 1\n  maxOut: 2\n":                      `4:3: the field "maxOut" is on line 3 already`,
		"guards:\n- maxOut: 1\n":                                                     `2:3: the guard has no pools; pools: ["*/*"] selects all`,
		"guards:\n- {pools: [elb/a]}":                                                "2:3: the guard has no rule",
		"guards:\n- {pools: [], maxOut: 1}":                                          "2:11: pools is empty",
		"guards:\n- {pools: elb/a, maxOut: 1}":                                       "2:11: pools is not a list but a scalar",
		"guards:\n- {pools: [elb/a], maxout: 1}":                                     `2:20: a guard has no field "maxout"; the fields are freeze, keepLast, maxOut, minInService, minInServicePerZone, pools`,
		"guards:\n- {pools: [elb/a], maxOut: 101%}":                                  `2:28: maxOut: "101%" is not a percentage from 0% to 100%`,
		"guards:\n- {pools: [elb/a], maxOut: -1}":                                    `2:28: maxOut: "-1" is not a number of members from 0 to 100000`,
		"guards:\n- {pools: [elb/a], maxOut: -5%}":                                   `2:28: maxOut: "-5%" is not a percentage`,
		"guards:\n- {pools: [elb/a], maxOut: 2.5}":                                   `2:28: maxOut: "2.5" is not a number`,
		"guards:\n- {pools: [elb/a], maxOut: 0x10}":                                  `2:28: maxOut: "0x10" is not a number`,
		"guards:\n- {pools: [elb/a], maxOut: 99999999999999999999}":                  `2:28: maxOut: "99999999999999999999" is not a number`,
		"guards:\n- {pools: [elb/a], minInServicePerZone: 50%}":                      `2:41: minInServicePerZone: "50%" is not a number of members`,
		"guards:\n- {pools: [elb/a], maxOut: [1]}":                                   "2:28: maxOut is not a text but a list",
		"guards:\n- {pools: [web-1], maxOut: 1}":                                     `2:12: the pattern "web-1" is not of the form KIND/NAME`,
		"guards:\n- {pools: [default/elb/a], maxOut: 1}":                             `2:12: the pattern "default/elb/a" is not of the form`,
		"guards:\n- {pools: [elb/], maxOut: 1}":                                      `2:12: the pattern "elb/" has no name`,
		"guards:\n- {pools: [alb/a], maxOut: 1}":                                     `2:12: the pattern "alb/a" matches no kind of pool; the kinds are elb and tg`,
		"guards:\n- {pools: [elb/web_*], maxOut: 1}":                                 `2:12: the pattern "elb/web_*" contains characters`,
		"guards:\n- {pools: ['elb/[a'], maxOut: 1}":                                  `2:12: the pattern "elb/[a" is malformed`,
		"guards:\n- {pools: [{tag: {}}], maxOut: 1}":                                 "2:18: tag has no tags",
		"guards:\n- {pools: [{}], maxOut: 1}":                                        "2:12: a selector has no tag",
		"guards:\n- {pools: [{tags: {a: b}}], maxOut: 1}":                            `2:13: a selector has no field "tags"`,
		"guards:\n- {pools: [{tag: {a: [b]}}], maxOut: 1}":                           "2:22: the value of a tag is not a text but a list",
		"guards:\n- {pools: [elb/a], freeze: {}}":                                    "2:28: freeze: it has neither from nor until",
		"guards:\n- {pools: [elb/a], freeze: {from: 2026-02-30}}":                    `2:35: from: "2026-02-30" is neither a date`,
		"guards:\n- {pools: [elb/a], freeze: {until: tomorrow}}":                     `2:36: until: "tomorrow" is neither a date`,
		"guards:\n- {pools: [elb/a], freeze: {from: 2026-12-27, until: 2026-12-27}}": "2:28: freeze: until, 2026-12-27T00:00:00Z, is not after from",
		"mayOverride: [alice, alice]":                                                `1:22: the user "alice" is in the list already`,
		"mayOverride: ['']":                                                          "1:15: the name of the user is empty",
		"mayOverride: alice":                                                         "1:14: mayOverride is not a list but a scalar",
		"notify: [{pools: [x]}]":                                                     `1:19: the pattern "x" is not of the form`,
		"x: &a {}\ndefaults: *a":                                                     "2:11: defaults is not a mapping but an anchor or an alias",
		"defaults: !!map {}":                                                         "1:11: defaults is not a mapping but a tagged value",
		"defaults:\n  <<: {}":                                                        "2:3: a key is not a text but an anchor or an alias",
		"\xff":                                                                       "1:1: not UTF-8",
		strings.Repeat("[", 100):                                                     "1:1: the line is too long, or nested too deeply",
		strings.Repeat("[\n", 100):                                                   "33:1: the line is too long, or nested too deeply",
		"# " + strings.Repeat("]", 200) + "\n" + strings.Repeat("[\n", 100):          "34:1: the line is too long, or nested too deeply",
		strings.Repeat("{\"}\": # ]\n", 100):                                         "33:1: the line is too long, or nested too deeply",
		strings.Repeat("- ", 2000):                                                   "1:1: the line is too long, or nested too deeply",
		"# " + strings.Repeat("#\n", 300_000):                                        "1:1: larger than 524288 bytes",
	} {
		name := text[:min(len(text), 60)]
		p, err := policy.Parse("policy.yaml", []byte(text))
		bad, ok := errors.AsType[*policy.Error](err)
		if !ok {
			t.Errorf("%q: got %v, %v", name, p, err)
			continue
		}
		if !slices.ContainsFunc(bad.Lines(), func(line string) bool { return strings.HasPrefix(line, "policy.yaml:"+want) }) {
			t.Errorf("%q:\n got %s\nwant %s", name, bad, want)
		}
	}
}

func TestAllProblemsAreReportedInOrder(t *testing.T) {
	_, err := policy.Parse("policy.yaml", []byte(`mayOverride: [a, a]
guards:
  - {pools: [x], minInService: 200%, maxOut: -1, colour: red}
  - {pools: ["elb/a"], freeze: {from: 1}}
  - 5
`))
	bad, ok := errors.AsType[*policy.Error](err)
	if !ok {
		t.Fatal(err)
	}
	var at []string
	for _, line := range bad.Lines() {
		at = append(at, strings.Join(strings.SplitN(line, ":", 4)[1:3], ":"))
	}
	if want := []string{"1:18", "3:14", "3:32", "3:46", "3:50", "4:39", "5:5"}; !slices.Equal(at, want) {
		t.Errorf("got %v, want %v:\n%s", at, want, strings.Join(bad.Lines(), "\n"))
	}
}

func TestErrorShowsTheFirstProblemsOnly(t *testing.T) {
	_, err := policy.Parse("policy.yaml", []byte("guards: ["+strings.Repeat("1,", 2000)+"]"))
	bad, ok := errors.AsType[*policy.Error](err)
	if !ok || len(bad.Problems) != 50 || bad.More != 1950 || !strings.HasSuffix(bad.Error(), "; and 1950 more") {
		t.Errorf("got %d problems and %d more", len(bad.Problems), bad.More)
	}
}

func TestLargePolicyIsParsedQuickly(t *testing.T) {
	text := "guards:\n" + strings.Repeat("- {pools: [\"elb/web-*\", {tag: {env: prod}}], minInService: 2, maxOut: 25%}\n", 5000)
	began := time.Now()
	if p := parse(t, text); p.Size() != 5000 {
		t.Errorf("%d entries", p.Size())
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestTagRules(t *testing.T) {
	for value, want := range map[[2]string]string{
		{"min-in-service", "2"}:                         "minInService 2 (tag lsapi:min-in-service)",
		{"min-in-service", " 50% "}:                     "minInService 50% (tag lsapi:min-in-service)",
		{"max-out", "25 percent"}:                       "maxOut 25% (tag lsapi:max-out)",
		{"min-in-service-per-zone", "1"}:                "minInServicePerZone 1 (tag lsapi:min-in-service-per-zone)",
		{"keep-last", "true"}:                           "keepLast (tag lsapi:keep-last)",
		{"keep-last", "false"}:                          "",
		{"freeze", "until 2026-12-27"}:                  "freeze until 2026-12-27T00:00:00Z (tag lsapi:freeze)",
		{"freeze", "from 2026-12-24"}:                   "freeze from 2026-12-24T00:00:00Z (tag lsapi:freeze)",
		{"freeze", "from 2026-12-24 until 2026-12-27"}:  "freeze from 2026-12-24T00:00:00Z until 2026-12-27T00:00:00Z (tag lsapi:freeze)",
		{"freeze", "from 2026-12-24T18:00:00+01:00"}:    "freeze from 2026-12-24T17:00:00Z (tag lsapi:freeze)",
		{"min-in-service", "two"}:                       `malformed minInService "two" (tag lsapi:min-in-service)`,
		{"min-in-service-per-zone", "50%"}:              `malformed minInServicePerZone "50%" (tag lsapi:min-in-service-per-zone)`,
		{"max-out", "101 percent"}:                      `malformed maxOut "101 percent" (tag lsapi:max-out)`,
		{"keep-last", ""}:                               `malformed keepLast "" (tag lsapi:keep-last)`,
		{"freeze", "until 2026-12-27 from 2026-12-24"}:  `malformed freeze "until 2026-12-27 from 2026-12-24" (tag lsapi:freeze)`,
		{"freeze", "until"}:                             `malformed freeze "until" (tag lsapi:freeze)`,
		{"freeze", ""}:                                  `malformed freeze "" (tag lsapi:freeze)`,
		{"freeze", "from 2026-12-27 until 2026-12-24"}:  `malformed freeze "from 2026-12-27 until 2026-12-24" (tag lsapi:freeze)`,
		{"freeze", "until 2026-12-24 until 2026-12-27"}: `malformed freeze "until 2026-12-24 until 2026-12-27" (tag lsapi:freeze)`,
		{"max-outs", "1"}:                               `malformed lsapi:max-outs "1" (tag lsapi:max-outs)`,
		{"Max-Out", "1"}:                                `malformed lsapi:Max-Out "1" (tag lsapi:Max-Out)`,
		{"malformed", "1"}:                              `malformed lsapi:malformed "1" (tag lsapi:malformed)`,
	} {
		if got := show(policy.TagRules(map[string]string{"lsapi:" + value[0]: value[1], "env": "prod"})); got != want {
			t.Errorf("%v:\n got %s\nwant %s", value, got, want)
		}
	}
}
