package record_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// A database that cannot be reached, or says nothing any more, is told quickly,
// and nobody starts anew when it is back.
func TestStoreRecoversAfterADatabaseOutage(t *testing.T) {
	for name, fail := range map[string]func(p *proxy, away bool){
		"refusing": func(p *proxy, away bool) {
			p.down.Store(away)
			p.cut()
		},
		"silent": func(p *proxy, away bool) { p.stalled.Store(away) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network, url := proxied(t, postgrestest.URL(t))
			log, text := logged()
			p := newLearner()
			s := openURL(t, url, record.Options{Log: log, Learn: p.learn})
			l := newLane(t, s, lsapi.ELB("web"))
			l.know(one)
			lead(t, s)

			fail(network, true)
			event := lsapi.Event{Kind: lsapi.EventIntended, At: l.now, Change: l.change(lsapi.Attach, two)}
			for what, call := range map[string]func(context.Context) error{
				"take":   func(ctx context.Context) error { _, err := s.Acquire(ctx, lsapi.ELB("api")); return err },
				"extend": func(ctx context.Context) error { _, err := s.Renew(ctx, l.lease); return err },
				"append": func(ctx context.Context) error { _, err := s.Append(ctx, l.lease, []lsapi.Event{event}); return err },
				"read":   func(ctx context.Context) error { _, err := s.LaneState(ctx, lsapi.ELB("web"), time.Hour); return err },
				"ready": func(ctx context.Context) error {
					time.Sleep(time.Second) // what was written before proves nothing any more
					return s.Ready(ctx)
				},
			} {
				began := time.Now()
				err := call(t.Context())
				wantCode(t, err, lsapi.CodeUnavailable)
				if took := time.Since(began); took > 8*time.Second {
					t.Errorf("%s: it took %v", what, took)
				}
				if !strings.Contains(lsapi.AsError(err).Message, "away") {
					t.Errorf("%s: got %v", what, err)
				}
				wantNoPassword(t, everything(err))
			}

			fail(network, false)
			soon(t, "the record to be ready", func() bool { return s.Ready(t.Context()) == nil })
			l = newLane(t, s, lsapi.ELB("web"))
			c := l.do(lsapi.Attach, two)
			if got, err := s.Change(t.Context(), c.ID); err != nil || got.Outcome != lsapi.OutcomeApplied {
				t.Errorf("got %+v (%v)", got, err)
			}
			soon(t, "the lead", func() bool { leads, err := s.Lead(t.Context()); return err == nil && leads })
			wantWhole(t, s)
			if said := text(); strings.Count(said, "is away") < 1 || strings.Count(said, "is back") < 1 || strings.Count(said, "is away") > 5 {
				t.Errorf("the log says %s", said)
			}
			wantNoPassword(t, text())
		})
	}
}

// The database answers; what it answers with is wrong.
func TestDamagedRowIsNotReportedAsUnreachable(t *testing.T) {
	there := postgrestest.URL(t)
	log, text := logged()
	s := openURL(t, there, record.Options{Log: log})
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	lead(t, s)
	publish(t, s, time.Now(), membership(lsapi.ELB("web"), one))
	for what, damage := range map[string]struct {
		statement string
		read      func() error
	}{
		"an event":  {"UPDATE events SET payload = '[]'", func() error { return errOf(s.MembersAt(t.Context(), lsapi.ELB("web"), time.Now())) }},
		"a hash":    {"UPDATE logs SET last_hash = 'x'", func() error { return errOf(s.LaneState(t.Context(), lsapi.ELB("web"), time.Second)) }},
		"a listing": {"UPDATE listed SET members = '{}'", func() error { return errOf(s.SharedListing(t.Context(), lsapi.KindELB, 0)) }},
	} {
		postgrestest.Exec(t, there, damage.statement)
		err := damage.read()
		if coded := lsapi.AsError(errOr(err)); coded.Code != lsapi.CodeUnavailable || !strings.Contains(coded.Message, "damaged") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if said := text(); strings.Contains(said, "is away") {
		t.Errorf("the log says %s", said)
	}
}
