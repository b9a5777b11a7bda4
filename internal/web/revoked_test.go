package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/web"
)

// removable is alice, removed after some time.
type removable struct {
	alice
	at time.Time
}

func (r removable) Revalidate(credentials string) error {
	if credentials == authorization && time.Now().Before(r.at) {
		return nil
	}
	return lsapi.Errorf(lsapi.CodeUnauthenticated, "the user was removed")
}

// asked is a request that waits for the effect of a change, or for an instance.
func asked(method string) *http.Request {
	r := httptest.NewRequest(method, memberPath+"?wait=drained&timeout=1h", http.NoBody)
	if method == http.MethodPost {
		r = httptest.NewRequest(method, "/elb/default-elb?wait=true&timeout=1h", strings.NewReader(machineID(spare)))
	}
	r.Header.Set("Authorization", authorization)
	return r
}

func TestWaitEndsWhenUserIsRemoved(t *testing.T) {
	for method, want := range map[string]struct {
		status int
		text   string
	}{
		http.MethodGet:  {http.StatusUnauthorized, "the user was removed"},
		http.MethodPost: {http.StatusGatewayTimeout, "and the change stands"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWaitable()
			began := time.Now()
			handler := handlerOf(web.Options{
				Membership: w.members, Authenticator: removable{at: began.Add(10 * time.Minute)}, Record: w.record, Fleet: w.fleet,
			})
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, asked(method))
			if body := recorder.Body.String(); recorder.Code != want.status || !strings.Contains(body, want.text) || !strings.Contains(body, "the user was removed") {
				t.Errorf("%s is %d %s", method, recorder.Code, body)
			}
			if took := time.Since(began); took < 10*time.Minute || took > 11*time.Minute {
				t.Errorf("%s took %v", method, took)
			}
		})
	}
}

func TestWaitContinuesWhileUserStays(t *testing.T) {
	for method, want := range map[string]int{http.MethodGet: http.StatusOK, http.MethodPost: http.StatusCreated} {
		synctest.Test(t, func(t *testing.T) {
			w := newWaitable()
			w.fleet.await = func(ctx context.Context, pool lsapi.PoolID, _ lsapi.MemberID, _ lsapi.WaitCondition) (lsapi.MemberDetail, error) {
				time.Sleep(50 * time.Minute)
				return shown(pool).Members[0], ctx.Err()
			}
			handler := handlerOf(web.Options{
				Membership: w.members, Authenticator: removable{at: time.Now().Add(time.Hour)}, Record: w.record, Fleet: w.fleet,
			})
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, asked(method))
			if recorder.Code != want {
				t.Errorf("%s is %d %s", method, recorder.Code, recorder.Body)
			}
		})
	}
}
