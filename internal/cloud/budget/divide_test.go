package budget_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestDividedBudgetAdmitsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(40, 10))
		a.budget.Divide(4)
		for range 200 {
			go func() { _ = a.read(t.Context(), "read") }()
		}
		synctest.Wait()
		if n := len(a.attempts()); n != 10 {
			t.Errorf("%d attempts went out at once, want a quarter of 40", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(a.attempts()); n != 35 {
			t.Errorf("%d attempts after ten seconds, want a quarter of 140", n)
		}
		a.budget.Divide(1) // waiting attempts get the new rate at once
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(a.attempts()); n != 135 {
			t.Errorf("%d attempts after another ten seconds, want 100 more", n)
		}
		a.budget.Divide(0)
		time.Sleep(time.Minute) // all are done
	})
}

func TestSmallestShareIsOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(2, 1))
		a.budget.Divide(10)
		if err := a.read(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := a.read(t.Context(), "second"); err != nil || time.Since(start).Round(time.Second) != 10*time.Second {
			t.Errorf("the second attempt went out after %v: %v", time.Since(start), err)
		}
	})
}
