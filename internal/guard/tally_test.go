package guard_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"lsapi"
	"lsapi/internal/guard"
)

var now = time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC)

func count(n int) guard.Amount      { return guard.Amount{Count: n} }
func percent(rate int) guard.Amount { return guard.Amount{Rate: rate, Percent: true} }

func member(n int) lsapi.MemberID { return lsapi.InstanceMember(fmt.Sprintf("i-%017x", n)) }

// pool returns members 0, 1, ... with the standings, a letter each: s in service, o out, u
// unknown, d draining, x detached. Those in upper case are in zone "b", others in "a".
func pool(standings string) []lsapi.GuardedMember {
	words := map[rune]lsapi.Standing{
		's': lsapi.StandingInService, 'o': lsapi.StandingOut, 'u': lsapi.StandingUnknown,
		'd': lsapi.StandingDraining, 'x': lsapi.StandingDetached,
	}
	members := make([]lsapi.GuardedMember, 0, len(standings))
	for n, letter := range []rune(standings) {
		lower := unicode.ToLower(letter)
		zone := "a"
		if lower != letter {
			zone = "b"
		}
		members = append(members, lsapi.GuardedMember{Member: member(n), Zone: zone, Standing: words[lower]})
	}
	return members
}

func TestDetachVerdicts(t *testing.T) {
	for name, test := range map[string]struct {
		rule    guard.Rule
		members string
		detach  int
		code    lsapi.Code
		says    string
	}{
		"minInService met exactly":          {guard.Rule{Kind: guard.MinInService, Amount: count(2)}, "sss", 0, "", ""},
		"minInService violated":             {guard.Rule{Kind: guard.MinInService, Amount: count(3)}, "ssso", 0, lsapi.CodeMinInService, "3 of 4 in service, minInService 3"},
		"minInService, an out member":       {guard.Rule{Kind: guard.MinInService, Amount: count(3)}, "ssso", 3, "", ""},
		"minInService, no member":           {guard.Rule{Kind: guard.MinInService, Amount: count(9)}, "s", 7, "", ""},
		"minInService percent rounds up":    {guard.Rule{Kind: guard.MinInService, Amount: percent(50)}, "sso", 0, lsapi.CodeMinInService, "2 of 3 in service, minInService 50% (2)"},
		"minInService percent of all":       {guard.Rule{Kind: guard.MinInService, Amount: percent(50)}, "ssxx", 0, lsapi.CodeMinInService, "2 of 4 in service, minInService 50% (2)"},
		"minInService 0%":                   {guard.Rule{Kind: guard.MinInService, Amount: percent(0)}, "s", 0, "", ""},
		"minInService, unknown at the edge": {guard.Rule{Kind: guard.MinInService, Amount: count(1)}, "us", 0, "", ""},
		"minInService, unknown below":       {guard.Rule{Kind: guard.MinInService, Amount: count(2)}, "us", 0, lsapi.CodeMinInService, "1 of 2 in service"},
		"zone with enough":                  {guard.Rule{Kind: guard.MinInServicePerZone, Amount: count(1)}, "ssS", 0, "", ""},
		"last of a zone":                    {guard.Rule{Kind: guard.MinInServicePerZone, Amount: count(1)}, "ssS", 2, lsapi.CodeMinPerZone, `1 in service in zone "b", minInServicePerZone 1`},
		"out member of a zone":              {guard.Rule{Kind: guard.MinInServicePerZone, Amount: count(1)}, "ssO", 2, "", ""},
		"maxOut met exactly":                {guard.Rule{Kind: guard.MaxOut, Amount: count(2)}, "ssso", 0, "", ""},
		"maxOut violated":                   {guard.Rule{Kind: guard.MaxOut, Amount: count(1)}, "ssdo", 0, lsapi.CodeMaxOut, "2 of 4 out, maxOut 1"},
		"maxOut percent rounds down":        {guard.Rule{Kind: guard.MaxOut, Amount: percent(25)}, "sssssox", 0, lsapi.CodeMaxOut, "2 of 7 out, maxOut 25% (1)"},
		"maxOut, an out member":             {guard.Rule{Kind: guard.MaxOut, Amount: count(0)}, "so", 1, "", ""},
		"maxOut, unknown":                   {guard.Rule{Kind: guard.MaxOut, Amount: count(0)}, "su", 1, lsapi.CodeMaxOut, "1 of 2 out"},
		"keepLast":                          {guard.Rule{Kind: guard.KeepLast}, "soo", 0, lsapi.CodeKeepLast, "1 of 3 in service, keepLast"},
		"keepLast, two":                     {guard.Rule{Kind: guard.KeepLast}, "ss", 0, "", ""},
		"keepLast, unknown may be the last": {guard.Rule{Kind: guard.KeepLast}, "uo", 0, lsapi.CodeKeepLast, "0 of 2 in service"},
		"frozen":                            {guard.Rule{Kind: guard.Freeze, From: now, Until: now.Add(time.Hour)}, "so", 1, lsapi.CodeFreeze, "freeze from 2026-12-24T12:00:00Z until 2026-12-24T13:00:00Z"},
		"not frozen yet":                    {guard.Rule{Kind: guard.Freeze, From: now.Add(time.Second)}, "s", 0, "", ""},
		"frozen without end":                {guard.Rule{Kind: guard.Freeze, From: now}, "s", 0, lsapi.CodeFreeze, ""},
		"frozen no more":                    {guard.Rule{Kind: guard.Freeze, Until: now}, "s", 0, "", ""},
		"malformed":                         {guard.Rule{Kind: guard.Malformed, Of: guard.MaxOut, Text: "two"}, "ss", 0, lsapi.CodeTagsUnknown, `malformed maxOut "two"`},
		"malformed, an out member":          {guard.Rule{Kind: guard.Malformed, Of: guard.MaxOut, Text: "two"}, "so", 1, "", ""},
		"malformed freeze":                  {guard.Rule{Kind: guard.Malformed, Of: guard.Freeze, Text: "soon"}, "so", 1, lsapi.CodeTagsUnknown, `malformed freeze "soon"`},
	} {
		t.Run(name, func(t *testing.T) {
			test.rule.Source = "policy.yaml:4"
			tally := guard.Count([]guard.Rule{test.rule}, now, pool(test.members))
			err := tally.Detach(member(test.detach))
			if test.code == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil || err.Code != test.code || !strings.Contains(err.Message, test.says) || !strings.Contains(err.Message, "(policy.yaml:4)") {
				t.Fatalf("got %v", err)
			}
			refusal, ok := errors.AsType[*lsapi.GuardRefusal](err)
			if !ok || refusal.Rule != test.rule.String() || !strings.Contains(refusal.Text, test.says) {
				t.Errorf("the refusal is %+v", err.Err)
			}
			if guard.NeedsHealth([]guard.Rule{test.rule}) != (len(refusal.Members) == len(test.members)) {
				t.Errorf("the refusal has the members %v", refusal.Members)
			}
		})
	}
}

func TestOnlyFreezesRefuseAttaches(t *testing.T) {
	for _, test := range []struct {
		rule   guard.Rule
		frozen bool
	}{
		{guard.Rule{Kind: guard.MinInService, Amount: percent(100)}, false},
		{guard.Rule{Kind: guard.MaxOut}, false},
		{guard.Rule{Kind: guard.KeepLast}, false},
		{guard.Rule{Kind: guard.Malformed, Of: guard.KeepLast}, false},
		{guard.Rule{Kind: guard.Freeze}, true},
		{guard.Rule{Kind: guard.Malformed, Of: guard.Freeze}, true},
	} {
		tally := guard.Count([]guard.Rule{test.rule}, now, pool("o"))
		if refused := tally.Attach() != nil; refused != test.frozen || tally.Frozen() != test.frozen || guard.NeedsHealth([]guard.Rule{test.rule}) == test.frozen {
			t.Errorf("%v: refused %v", test.rule, refused)
		}
	}
}

func TestDetachesAreReserved(t *testing.T) {
	tally := guard.Count([]guard.Rule{{Kind: guard.MinInService, Amount: count(2)}}, now, pool("ssso"))
	if err := tally.Detach(member(0)); err != nil {
		t.Fatal(err)
	}
	tally.Detached(member(0))
	err := tally.Detach(member(1))
	if err == nil || !strings.Contains(err.Message, "2 of 4 in service, minInService 2") {
		t.Fatalf("got %v", err)
	}
	if members := refusalOf(t, err).Members; members[0].Standing != lsapi.StandingDetached {
		t.Errorf("the first member is %+v", members[0])
	}
	if err := tally.Detach(member(0)); err != nil { // it is out already
		t.Error(err)
	}
}

func refusalOf(t *testing.T, err error) *lsapi.GuardRefusal {
	t.Helper()
	refusal, ok := errors.AsType[*lsapi.GuardRefusal](err)
	if !ok {
		t.Fatalf("%v is no refusal", err)
	}
	return refusal
}

// A bulk of 1,000 refused members must not hold 1,000 copies of the pool.
func TestRefusalsShareTheirMembers(t *testing.T) {
	tally := guard.Count([]guard.Rule{{Kind: guard.KeepLast}}, now, pool("s"))
	first, second := tally.Detach(member(0)), tally.Detach(member(0))
	if &refusalOf(t, first).Members[0] != &refusalOf(t, second).Members[0] {
		t.Error("each refusal has its own members")
	}
}

func TestNumbersOfRules(t *testing.T) {
	tally := guard.Count(nil, now, pool("sssuodx"))
	for _, test := range []struct {
		rule guard.Rule
		want int
	}{
		{guard.Rule{Kind: guard.MinInService, Amount: percent(50)}, 4},
		{guard.Rule{Kind: guard.MinInService, Amount: percent(1)}, 1},
		{guard.Rule{Kind: guard.MinInService, Amount: count(9)}, 9},
		{guard.Rule{Kind: guard.MaxOut, Amount: percent(50)}, 3},
		{guard.Rule{Kind: guard.MinInServicePerZone, Amount: count(2)}, 2},
		{guard.Rule{Kind: guard.KeepLast}, 1},
		{guard.Rule{Kind: guard.Freeze}, 0},
	} {
		if got := tally.Number(test.rule); got != test.want {
			t.Errorf("%v is %d, not %d", test.rule, got, test.want)
		}
	}
	if tally.InService() != 3 || tally.Out() != 4 {
		t.Errorf("%d in service, %d out", tally.InService(), tally.Out())
	}
	if room, limited := tally.Headroom(); room != 3 || limited {
		t.Errorf("without rules the headroom is %d, %v", room, limited)
	}
}
