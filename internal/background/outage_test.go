package background_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"lsapi/internal/background"
)

// newOutage returns an Outage and its log.
func newOutage(g *background.Group) (*background.Outage, *bytes.Buffer) {
	log := new(bytes.Buffer)
	return background.NewOutage(g, slog.New(slog.NewTextHandler(log, nil)), "down", "up"), log
}

func TestOutageLogsItsBeginAndItsEndOnce(t *testing.T) {
	o, log := newOutage(background.New())
	for i, step := range []struct {
		err error
		log string // what it logs
	}{
		{nil, ""},
		{errors.New("away"), `level=WARN msg=down error=away`},
		{errors.New("away"), ""},
		{nil, `level=INFO msg=up`},
		{nil, ""},
		{errors.New("away"), `level=WARN msg=down error=away`},
	} {
		log.Reset()
		begins := o.Note(step.err)
		if begins != strings.Contains(step.log, "WARN") || o.Failing() != (step.err != nil) || (log.Len() > 0) != (step.log != "") || !strings.Contains(log.String(), step.log) {
			t.Errorf("step %d: begins %t, failing %t, log %s", i, begins, o.Failing(), log)
		}
	}
	log.Reset()
	if o.Forget(); o.Failing() {
		t.Error("a forgotten outage goes on")
	}
	if o.Note(nil) || log.Len() > 0 {
		t.Error("a forgotten outage is reported")
	}
}

func TestOutageStaysAsItIsAfterClose(t *testing.T) {
	for _, before := range []error{nil, errors.New("away")} {
		g := background.New()
		o, log := newOutage(g)
		o.Note(before)
		log.Reset()
		if err := g.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{errors.New("cancelled"), nil, errors.New("cancelled")} {
			if o.Note(err) || log.Len() > 0 || o.Failing() != (before != nil) {
				t.Errorf("after %v and the close, %v: failing %t, log %s", before, err, o.Failing(), log)
			}
		}
	}
}
