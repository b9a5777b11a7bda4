package budget_test

import (
	"math"
	"strings"
	"testing"

	"lsapi/internal/cloud/budget"
)

func TestInvalidSizesAreAllListed(t *testing.T) {
	_, err := budget.New(budget.Sizes{
		budget.ELBRead:     {Burst: 0, PerSecond: 10},
		budget.ELBWrite:    {Burst: -1, PerSecond: -4},
		budget.EC2Filtered: {Burst: 1, PerSecond: math.NaN()},
		budget.EC2Plain:    {Burst: 1, PerSecond: math.Inf(1)},
		"elb-reads":        {Burst: 1, PerSecond: 1},
	})
	if err == nil {
		t.Fatal("they were accepted")
	}
	want := []string{
		"budget ec2-filtered: NaN requests per second, want a finite number above 0",
		"budget ec2-plain: +Inf requests per second, want a finite number above 0",
		"budget elb-read: burst is 0, want at least 1",
		`budget "elb-reads": there is no such category`,
		"budget elb-write: burst is -1, want at least 1",
		"budget elb-write: -4 requests per second, want a finite number above 0",
	}
	if got := strings.Split(err.Error(), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", err, strings.Join(want, "\n"))
	}
}

func TestMissingCategoryHasItsDefaultSize(t *testing.T) {
	b, err := budget.New(budget.Sizes{budget.ELBWrite: {Burst: 7, PerSecond: 1}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[budget.Category]float64{budget.ELBRead: 40, budget.ELBWrite: 7, budget.EC2Filtered: 100, budget.EC2Plain: 50}
	for category, tokens := range want {
		if got := statsOf(t, b, category).Tokens; got != tokens {
			t.Errorf("%s has %v tokens, want %v", category, got, tokens)
		}
	}
}
