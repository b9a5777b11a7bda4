package client_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"lsapi"
	"lsapi/api/status"
	"lsapi/client"
	"lsapi/internal/web"
	v1 "lsapi/internal/web/v1"
)

// failing fails every call with a code.
type failing struct{ code lsapi.Code }

func (f failing) err() error { return &lsapi.Error{Code: f.code, Message: "failed"} }

func (f failing) Remembered(lsapi.PoolID) (*lsapi.EncodedList, error) { return nil, f.err() }

func (f failing) Read(context.Context, lsapi.PoolID, bool) (*lsapi.EncodedList, error) {
	return nil, f.err()
}

func (f failing) Change(context.Context, lsapi.Request) (lsapi.Result, error) {
	return lsapi.Result{}, f.err()
}

func (f failing) ChangeAll(context.Context, lsapi.Bulk) (lsapi.BulkResult, error) {
	return lsapi.BulkResult{}, f.err()
}

// failingRecord is a record that fails every call.
type failingRecord struct{ failing }

func (f failingRecord) Change(context.Context, string) (lsapi.Change, error) {
	return lsapi.Change{}, f.err()
}

func (f failingRecord) Changes(context.Context, lsapi.ChangeFilter) ([]lsapi.Change, error) {
	return nil, f.err()
}

func (f failingRecord) MembersAt(context.Context, lsapi.PoolID, time.Time) (lsapi.MembershipAt, error) {
	return lsapi.MembershipAt{}, f.err()
}

// noFleet is a fleet that no test reads.
type noFleet struct{ v1.Fleet }

type anyUser struct{}

func (anyUser) Authenticate(context.Context, string, string) (lsapi.Actor, error) {
	return lsapi.Actor{Name: "alice"}, nil
}

func (anyUser) Revalidate(string) error { return nil }

func TestClientReturnsTheCodeOfTheService(t *testing.T) {
	for _, code := range append(status.Codes(), lsapi.CodeForbidden, "odd") {
		t.Run(string(code), func(t *testing.T) {
			f := failing{code}
			server := httptest.NewServer(web.New(web.Options{
				Membership: f, Lists: f, Fleet: noFleet{}, Authenticator: anyUser{}, Record: failingRecord{f}, RecordReads: 1,
				Log: slog.New(slog.DiscardHandler), RequestTimeout: time.Minute, MaxLongRequests: 1, Stopping: t.Context(),
				Observe: func(string, string, int, time.Duration) {}, Expect: func(string, string) {}, Spare: func(context.Context) bool { return false },
			}))
			defer server.Close()
			c := newClient(t, server.URL)
			_, attach := c.Attach(t.Context(), webELB, webMember, client.ChangeOptions{})
			_, changes := c.Changes(t.Context(), client.ChangesQuery{})
			if code == lsapi.CodeConflict { // it is a member already
				attach = changes
			}
			for name, err := range map[string]error{"a change": attach, "a read": changes} {
				if got := client.ErrorCode(err); got != status.Public(code) {
					t.Errorf("%s: got %q in %v, want %s", name, got, err, status.Public(code))
				}
			}
		})
	}
}
