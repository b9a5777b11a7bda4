package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

// discard is a ResponseWriter without a cost of its own.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// inMemory is Lists with its list in memory.
type inMemory struct{ list lsapi.EncodedList }

func (m *inMemory) Remembered(lsapi.PoolID) (*lsapi.EncodedList, error) { return &m.list, nil }

func (m *inMemory) Read(context.Context, lsapi.PoolID, bool) (*lsapi.EncodedList, error) {
	return &m.list, nil
}

func BenchmarkGet(b *testing.B) {
	list := elb.EncodeList(elb.EnvelopeMessage, []lsapi.Member{{Instance: instance(lsapi.InstanceMember(running))}})
	list.AsOf = time.Now()
	handler := handlerOf(web.Options{
		Lists:         &inMemory{list: list},
		Authenticator: alice{},
		Log:           slog.New(slog.DiscardHandler),
	})
	for _, path := range []string{"/elb/default-elb", "/healthcheck", "/nowhere"} {
		b.Run(path, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, path, http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", authorization)
			r.RemoteAddr = "192.0.2.1:4711"
			w := discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				handler.ServeHTTP(w, r)
			}
		})
	}
}
