package budget_test

import (
	"testing"

	"lsapi/internal/cloud/budget"
)

// someSizes have every category.
func someSizes() budget.Sizes {
	return budget.Sizes{
		budget.ELBRead: {Burst: 40, PerSecond: 10}, budget.ELBWrite: {Burst: 20, PerSecond: 4},
		budget.ELBV2Read: {Burst: 40, PerSecond: 10}, budget.ELBV2Write: {Burst: 20, PerSecond: 4},
		budget.EC2Filtered: {Burst: 100, PerSecond: 20}, budget.EC2Plain: {Burst: 50, PerSecond: 10},
	}
}

func TestCategoryWithoutSizeHasNoLimit(t *testing.T) {
	a := newAccount(t, budget.Sizes{budget.ELBWrite: {Burst: 1, PerSecond: 1e-9}})
	for range 3 {
		if err := a.read(t.Context(), "read"); err != nil {
			t.Fatal(err)
		}
	}
	if stats := a.budget.Stats(); len(stats) != 1 || stats[0].Attempts != 0 || len(a.sent) != 3 {
		t.Errorf("%d calls were sent, and the stats are %+v", len(a.sent), stats)
	}
}
