package app_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/auth"
	"lsapi/internal/telemetry"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

// remembered is a Lists that always has the list.
type remembered struct{ list lsapi.EncodedList }

func (r *remembered) Remembered(lsapi.PoolID) (*lsapi.EncodedList, error) { return &r.list, nil }

func (r *remembered) Read(context.Context, lsapi.PoolID, bool) (*lsapi.EncodedList, error) {
	return &r.list, nil
}

// nowhere is a ResponseWriter that discards.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

// BenchmarkList measures what lsapi adds to net/http: authentication, lookup, headers,
// metrics and the access log.
func BenchmarkList(b *testing.B) {
	token := base64.StdEncoding.EncodeToString([]byte("user:password"))
	authenticator, err := auth.New(auth.Options{Token: token})
	if err != nil {
		b.Fatal(err)
	}
	list := elb.EncodeList(elb.EnvelopeMessage, make([]lsapi.Member, 20))
	list.AsOf = time.Now()
	handler := web.New(web.Options{
		Lists:         &remembered{list},
		Authenticator: authenticator,
		Log:           telemetry.NewLogger(telemetry.NewWriter(io.Discard), telemetry.LogOptions{}),
		Observe:       telemetry.NewMetrics("bench").Request,
		Expect:        func(string, string) {},
		Spare:         func(context.Context) bool { return false },
	})
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/elb/elb-0001", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:4711"
	r.Header.Set("Authorization", "Basic "+token)
	b.ReportAllocs()
	w := nowhere{make(http.Header)}
	for b.Loop() {
		clear(w.header)
		handler.ServeHTTP(w, r)
	}
}
