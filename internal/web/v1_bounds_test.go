package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// asking is a request of the /v1 API, for changes in newline-delimited JSON.
func asking(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.Header = http.Header{"Authorization": {authorization}, "Accept": wantsLines["Accept"]}
	return r
}

// The record has few connections, and changes need one.
func TestRecordReadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(epoch.Add(time.Hour))) // the record reaches back to now
		r := filled(10)
		var under, most atomic.Int32
		leave := make(chan struct{})
		r.fail = func(context.Context, int) error {
			most.Store(max(most.Load(), under.Add(1)))
			<-leave
			under.Add(-1)
			return nil
		}
		o := withRecord(r)
		o.RecordReads = 3
		handler := handlerOf(o)
		var refused, answered atomic.Int32
		var all sync.WaitGroup
		for i := range 40 {
			paths := []string{"/v1/changes", "/v1/changes/" + r.changes[0].ID, "/v1/pools/elb/default-elb/members?at=2026-11-24T18:00:00Z"}
			all.Go(func() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, asking(paths[i%3]))
				switch {
				case w.Code == http.StatusOK:
					answered.Add(1)
				case w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "5":
					refused.Add(1)
				default:
					t.Errorf("the answer is %d", w.Code)
				}
			})
		}
		time.Sleep(time.Minute) // longer than any timeout, on synctest's clock
		if refused.Load() != 37 || answered.Load() != 0 {
			t.Errorf("%d are refused and %d answered, want 37 and none", refused.Load(), answered.Load())
		}
		close(leave)
		all.Wait()
		if answered.Load() != 3 || most.Load() != 3 {
			t.Errorf("%d are answered, and the record was asked %d questions at once, want 3", answered.Load(), most.Load())
		}
	})
}

// slow is the ResponseWriter of a client that reads nothing until it is released.
type slow struct {
	*httptest.ResponseRecorder
	begun *atomic.Int32
	let   chan struct{}
}

func (s slow) Write(p []byte) (int, error) {
	s.begun.Add(1)
	<-s.let
	return len(p), nil
}

func (slow) Flush() {}

func TestSlowReadersUseBoundedMemory(t *testing.T) {
	for name, path := range map[string]string{"streams": "/v1/changes", "pages": "/v1/changes?limit=1000"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := filled(1000)
				o := withRecord(r)
				o.RecordReads = 3
				handler := handlerOf(o)
				var begun atomic.Int32
				let := make(chan struct{})
				var all sync.WaitGroup
				for range 100 {
					all.Go(func() {
						request := asking(path)
						if name == "pages" {
							request.Header.Del("Accept")
						}
						handler.ServeHTTP(slow{httptest.NewRecorder(), &begun, let}, request)
					})
				}
				synctest.Wait()
				if begun.Load() != 16 {
					t.Errorf("%d pages are in memory, want 16", begun.Load())
				}
				runtime.GC()
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				if memory.HeapAlloc > 64<<20 {
					t.Errorf("they take %d bytes", memory.HeapAlloc)
				}
				if got := do(handler, httptest.NewRequest(http.MethodGet, "/v1/changes/"+r.changes[0].ID, http.NoBody)); got.StatusCode != http.StatusOK {
					t.Errorf("beside them a change is answered with %d", got.StatusCode)
				}
				close(let)
				all.Wait()
			})
		})
	}
}
