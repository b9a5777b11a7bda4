package background_test

import (
	"errors"
	"testing"

	"lsapi/internal/background"
)

func TestOutageReportsItsBeginAndItsEndOnce(t *testing.T) {
	o := background.NewOutage(background.New())
	for i, step := range []struct {
		err          error
		begins, ends bool
	}{
		{nil, false, false},
		{errors.New("away"), true, false},
		{errors.New("away"), false, false},
		{nil, false, true},
		{nil, false, false},
		{errors.New("away"), true, false},
	} {
		if begins, ends := o.Note(step.err); begins != step.begins || ends != step.ends || o.Failing() != (step.err != nil) {
			t.Errorf("step %d: begins %t, ends %t, failing %t", i, begins, ends, o.Failing())
		}
	}
	if o.Forget(); o.Failing() {
		t.Error("a forgotten outage goes on")
	}
	if begins, ends := o.Note(nil); begins || ends {
		t.Error("a forgotten outage is reported")
	}
}

func TestOutageStaysAsItIsAfterClose(t *testing.T) {
	for _, before := range []error{nil, errors.New("away")} {
		g := background.New()
		o := background.NewOutage(g)
		o.Note(before)
		if err := g.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{errors.New("cancelled"), nil, errors.New("cancelled")} {
			if begins, ends := o.Note(err); begins || ends || o.Failing() != (before != nil) {
				t.Errorf("after %v and the close, %v: begins %t, ends %t, failing %t", before, err, begins, ends, o.Failing())
			}
		}
	}
}
