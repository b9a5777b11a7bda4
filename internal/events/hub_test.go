package events_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lsapi"
	"lsapi/internal/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCloseEndsWithItsContextWhenTheRecordHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &stuckRecord{newRecord(), make(chan struct{})}
		h := events.New(events.Options{Record: r, Encode: encode})
		s, err := h.Open(t.Context(), events.Filter{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := h.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
			t.Errorf("Close returned %v after %v", err, time.Since(began))
		}
		close(r.freed)
		if err := h.Close(t.Context()); err != nil {
			t.Errorf("the second Close returned %v", err)
		}
	})
}

func TestCloseEndsReadsOfTheRecord(t *testing.T) {
	for _, method := range []string{"Events", "End"} {
		t.Run(method, func(t *testing.T) {
			r := &hangingRecord{record: newRecord()}
			r.add("web i-1", "web i-2")
			synctest.Test(t, func(t *testing.T) {
				h := events.New(events.Options{Record: r, Encode: encode})
				open(t, h, "", "").Close() // the hub follows the end of the record
				synctest.Wait()
				r.hangs.Store(method)
				ended := make(chan error, 1)
				go func() {
					s, err := h.Open(t.Context(), events.Filter{}, &events.Cursor{})
					if err == nil {
						_, err = s.Next(t.Context(), 0)
						s.Close()
					}
					ended <- err
				}()
				synctest.Wait()
				began := time.Now()
				if err := h.Close(t.Context()); err != nil || time.Since(began) > 0 {
					t.Errorf("Close returned %v after %v", err, time.Since(began))
				}
				if err := <-ended; !errors.Is(err, events.ErrClosed) && lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
					t.Errorf("the stream ended with %v", err)
				}
			})
		})
	}
}

func TestHubContinuesWhenAHangingRecordAnswersAgain(t *testing.T) {
	for _, method := range []string{"Events", "News"} {
		t.Run(method, func(t *testing.T) {
			r := &hangingRecord{record: newRecord()}
			inHub(t, r, func(t *testing.T, h *events.Hub) {
				s := open(t, h, "", "")
				synctest.Wait()
				r.hangs.Store(method)
				r.add("web i-1")
				time.Sleep(time.Minute)
				r.hangs.Store("")
				r.add("web i-2")
				time.Sleep(time.Minute)
				want(t, drain(t, s), "id: 0-1 data: web i-1", "id: 0-2 data: web i-2")
			})
		})
	}
}

func TestOpenTimesOutWhenTheRecordHangs(t *testing.T) {
	r := &hangingRecord{record: newRecord()}
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		r.hangs.Store("End")
		began := time.Now()
		_, err := h.Open(t.Context(), events.Filter{}, nil)
		if lsapi.ErrorCode(err) != lsapi.CodeTimeout || time.Since(began) > time.Minute {
			t.Errorf("Open returned %v after %v", err, time.Since(began))
		}
	})
}

func inHub(t *testing.T, r events.Record, test func(t *testing.T, h *events.Hub)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := events.New(events.Options{Record: r, Encode: encode})
		t.Cleanup(func() { // after the streams
			if err := h.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		test(t, h)
	})
}

func open(t *testing.T, h *events.Hub, loadBalancers, after string) *events.Stream {
	t.Helper()
	var cursor *events.Cursor
	if after != "" {
		parsed, err := events.ParseCursor(after)
		if err != nil {
			t.Fatal(err)
		}
		cursor = &parsed
	}
	var filter events.Filter
	for name := range strings.FieldsSeq(loadBalancers) {
		filter.Pools = append(filter.Pools, lsapi.ELB(name))
	}
	s, err := h.Open(t.Context(), filter, cursor)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// drain returns the messages of the stream, each on a line, until there are no more.
func drain(t *testing.T, s *events.Stream) []string {
	t.Helper()
	var all []string
	for {
		frames, err := s.Next(t.Context(), time.Second)
		if err != nil {
			return append(all, err.Error())
		}
		if len(frames) == 0 {
			return all
		}
		for _, frame := range frames {
			all = append(all, strings.Join(strings.Split(strings.TrimSpace(string(frame)), "\n"), " "))
		}
	}
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestStreamReturnsEventsAfterItsStart(t *testing.T) {
	r := newRecord()
	r.add("web i-1")
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		all, web := open(t, h, "", ""), open(t, h, "web", "")
		r.add("web i-2", "app i-3 i-4", "none", "web i-5")
		want(t, drain(t, all),
			"id: 0-2 data: web i-2", "id: 0-2-1 data: app i-3", "id: 1-3 data: app i-4", "id: 1-5 data: web i-5")
		want(t, drain(t, web), "id: 0-2 data: web i-2", "id: 1-5 data: web i-5")
		if got := h.Stats(); got.Streams != 2 || got.Sent != 4 {
			t.Errorf("stats are %+v", got)
		}
	})
}

func TestResumedStreamNeitherLosesNorRepeatsMessages(t *testing.T) {
	for name, early := range map[string]bool{"from the ring": true, "from the record": false} {
		t.Run(name, func(t *testing.T) {
			r := newRecord()
			inHub(t, r, func(t *testing.T, h *events.Hub) {
				if early {
					open(t, h, "", "")
				}
				var texts []string
				for i := range 200 {
					texts = append(texts, fmt.Sprintf("web a-%d b-%d c-%d", i, i, i), "none", fmt.Sprintf("app d-%d", i))
				}
				r.add(texts...)
				synctest.Wait()
				whole := drain(t, open(t, h, "", "0-0"))
				if len(whole) != 800 {
					t.Fatalf("%d messages, want 800", len(whole))
				}
				for _, cut := range []int{0, 1, 2, 3, 4, 399, 400, 798, 799} {
					id := strings.Fields(whole[cut])[1]
					want(t, drain(t, open(t, h, "", id)), whole[cut+1:]...)
				}
				r.add("web last")
				late := drain(t, open(t, h, "", strings.Fields(whole[799])[1]))
				if len(late) != 1 || !strings.HasSuffix(late[0], "web last") {
					t.Errorf("after the end it returns %v", late)
				}
			})
		})
	}
}

// A resumed stream must not read filtered events again.
func TestCursorAdvancesPastFilteredEvents(t *testing.T) {
	r := newRecord()
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		s := open(t, h, "web", "")
		before := s.Cursor().String()
		r.add("app i-1", "app i-2", "app i-3")
		want(t, drain(t, s))
		if got := s.Cursor().String(); got == before || got != "1-3" {
			t.Errorf("it is at %s, where it was at %s", got, before)
		}
	})
}

func TestSlowStreamIsDroppedAloneAndCanResume(t *testing.T) {
	r := newRecord()
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		slow, quick := open(t, h, "", ""), open(t, h, "", "")
		received := 0
		for range 60 {
			for i := range 100 {
				r.add(fmt.Sprintf("web i-%d", i))
			}
			received += len(drain(t, quick))
		}
		if received != 6000 {
			t.Errorf("the quick stream received %d", received)
		}
		if _, err := slow.Next(t.Context(), time.Second); !errors.Is(err, events.ErrTooSlow) {
			t.Errorf("the slow one got %v", err)
		}
		if h.Stats().Dropped != 1 {
			t.Errorf("stats are %+v", h.Stats())
		}
		if got := drain(t, open(t, h, "", slow.Cursor().String())); len(got) != 6000 {
			t.Errorf("after resuming it received %d", len(got))
		}
	})
}

func TestRecordIsReadOnceForAllStreams(t *testing.T) {
	r := newRecord()
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		streams := make([]*events.Stream, 1000)
		for i := range streams {
			streams[i] = open(t, h, "", "")
		}
		var readers sync.WaitGroup
		for _, s := range streams {
			readers.Go(func() {
				frames, err := s.Next(t.Context(), time.Minute)
				if err != nil || len(frames) != 1 {
					t.Errorf("a stream got %d, %v", len(frames), err)
				}
			})
		}
		synctest.Wait()
		r.add("web i-1")
		readers.Wait()
		if r.reads > 3 {
			t.Errorf("the record was read %d times", r.reads)
		}
	})
}

// slowRecord takes some time to return events.
type slowRecord struct{ *record }

func (r slowRecord) Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error) {
	time.Sleep(10 * time.Millisecond)
	return r.record.Events(ctx, after, limit)
}

func TestStreamsThatResumeTogetherShareReads(t *testing.T) {
	r := newRecord()
	for i := range 1000 {
		r.add(fmt.Sprintf("web i-%d", i))
	}
	inHub(t, slowRecord{r}, func(t *testing.T, h *events.Hub) {
		var readers sync.WaitGroup
		for range 500 {
			s := open(t, h, "", "0-0")
			readers.Go(func() {
				if got := drain(t, s); len(got) != 1000 {
					t.Errorf("a stream got %d messages", len(got))
				}
			})
		}
		readers.Wait()
		if r.reads > 100 {
			t.Errorf("the record was read %d times", r.reads)
		}
	})
}

func TestStreamsSurviveAnUnavailableRecord(t *testing.T) {
	r := newRecord()
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		s := open(t, h, "", "")
		synctest.Wait()
		r.mu.Lock()
		r.away = true
		r.mu.Unlock()
		r.add("web i-1")
		want(t, drain(t, s))
		open(t, h, "", "0-0") // a stream that resumes within the ring can be opened
		r.mu.Lock()
		r.away = false
		r.mu.Unlock()
		time.Sleep(2 * time.Second)
		want(t, drain(t, s), "id: 0-1 data: web i-1")
	})
}

func TestPrunedEventsAreNotFound(t *testing.T) {
	r := newRecord()
	r.add("web i-1", "web i-2", "web i-3")
	r.pruned = lsapi.Position{Major: 0, Minor: 2}
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		s := open(t, h, "", "0-1")
		if _, err := s.Next(t.Context(), time.Second); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("it is %v", err)
		}
	})
}

// Pruning during an outage also drops streams that had every message.
func TestStreamBehindThePruningIsTooSlow(t *testing.T) {
	r := newRecord()
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		s := open(t, h, "", "")
		r.add("web i-1")
		want(t, drain(t, s), "id: 0-1 data: web i-1")
		r.mu.Lock()
		r.away = true
		r.mu.Unlock()
		r.add("web i-2", "web i-3", "web i-4")
		time.Sleep(2 * time.Second)
		r.mu.Lock()
		r.away, r.pruned = false, lsapi.Position{Major: 1, Minor: 3}
		r.mu.Unlock()
		time.Sleep(2 * time.Second)
		if _, err := s.Next(t.Context(), time.Second); !errors.Is(err, events.ErrTooSlow) {
			t.Errorf("it goes on with %v", err)
		}
	})
}

func TestInvalidCursorIsRejected(t *testing.T) {
	r := newRecord()
	r.add("web i-1")
	inHub(t, r, func(t *testing.T, h *events.Hub) {
		cursor, err := events.ParseCursor("7-99")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Open(t.Context(), events.Filter{}, &cursor); lsapi.ErrorCode(err) != lsapi.CodeInvalid || h.Stats().Streams != 0 {
			t.Errorf("it is %v, with %d streams open", err, h.Stats().Streams)
		}
	})
	for _, text := range []string{"", "1", "x-y", "1-2-3-4", "01-2", "+1-2", "-1-2", "1-2-0", "1-2-", " 1-2", "1-99999999999999999999", "1-2-999999999"} {
		if _, err := events.ParseCursor(text); lsapi.ErrorCode(err) != lsapi.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCloseEndsStreamsAndRefusesNewOnes(t *testing.T) {
	r := newRecord()
	synctest.Test(t, func(t *testing.T) {
		h := events.New(events.Options{Record: r, Encode: encode})
		s := open(t, h, "", "")
		ended := make(chan error, 1)
		go func() {
			_, err := s.Next(t.Context(), time.Hour)
			s.Close()
			ended <- err
		}()
		synctest.Wait()
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, events.ErrClosed) {
			t.Errorf("the stream ended with %v", err)
		}
		if _, err := h.Open(t.Context(), events.Filter{}, nil); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("a new one is %v", err)
		}
	})
}

func TestOpenStreamsAreReportedToWatchAndTouch(t *testing.T) {
	var mu sync.Mutex
	watched, touches := map[lsapi.PoolID]int{}, 0
	count := func(pool lsapi.PoolID, n int) {
		mu.Lock()
		defer mu.Unlock()
		watched[pool] += n
	}
	synctest.Test(t, func(t *testing.T) {
		h := events.New(events.Options{
			Record: newRecord(), Encode: encode,
			Watch: func(pool lsapi.PoolID) func() { count(pool, 1); return func() { count(pool, -1) } },
			Touch: func() { mu.Lock(); touches++; mu.Unlock() },
		})
		first, err := h.Open(t.Context(), events.Filter{Pools: []lsapi.PoolID{lsapi.ELB("web")}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		second, err := h.Open(t.Context(), events.Filter{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		third, err := h.Open(t.Context(), events.Filter{Kind: lsapi.KindTG}, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		if watched[lsapi.ELB("web")] != 1 || watched[lsapi.PoolID{Kind: lsapi.KindTG}] != 1 || watched[lsapi.PoolID{}] != 1 || touches != 10 {
			t.Errorf("watched are %v, touched %d times", watched, touches)
		}
		first.Close()
		second.Close()
		third.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if watched[lsapi.ELB("web")] != 0 || watched[lsapi.PoolID{}] != 0 || watched[lsapi.PoolID{Kind: lsapi.KindTG}] != 0 || touches > 11 {
			t.Errorf("without streams: watched are %v, touched %d times", watched, touches)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestStreamsAreLimited(t *testing.T) {
	inHub(t, newRecord(), func(t *testing.T, h *events.Hub) {
		for range events.MaxStreams {
			open(t, h, "", "")
		}
		if _, err := h.Open(t.Context(), events.Filter{}, nil); lsapi.ErrorCode(err) != lsapi.CodeThrottled || lsapi.AsError(err).RetryAfter <= 0 {
			t.Errorf("one more is %v", err)
		}
	})
}

func TestLogReportsTheEndOfAnOutageOnlyIfTheRecordIsRead(t *testing.T) {
	for _, back := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r, log := &hangingRecord{record: newRecord()}, new(bytes.Buffer)
			h := events.New(events.Options{Record: r, Encode: encode, Log: slog.New(slog.NewTextHandler(log, nil))})
			open(t, h, "", "").Close()
			r.hangs.Store("Events")
			time.Sleep(time.Minute)
			if back {
				r.hangs.Store("")
				time.Sleep(time.Minute)
			}
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if strings.Count(log.String(), "cannot be read") != 1 || strings.Contains(log.String(), "can be read again") != back {
				t.Errorf("the log is\n%s", log)
			}
		})
	}
}
