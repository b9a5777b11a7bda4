package web_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lsapi"
)

// write is a request for changes, of the fakes.
type write struct {
	method, template, path, body string
	// status is the one of the change that is made.
	status int
	bulk   bool
}

const bulkOfTwo = `{"attach": ["` + spare + `"], "detach": ["` + running + `"]}`

// undoable is the id of the change that newWritable has on record: the attach of running.
var undoable = changeID(7, epoch)

// writes has every write, each of which makes changes of default-elb.
func writes() []write {
	const members = "/v1/pools/{kind}/{name}/members"
	return []write{
		{"PUT", members + "/{member}", membersPath + "/" + spare, "", http.StatusCreated, false},
		{"DELETE", members + "/{member}", membersPath + "/" + running, "", http.StatusOK, false},
		{"PATCH", members, membersPath, bulkOfTwo, http.StatusOK, true},
		{"PUT", members, membersPath, `{"members": ["` + spare + `"]}`, http.StatusOK, true},
		{"POST", "/v1/changes/{id}/undo", "/v1/changes/" + undoable + "/undo", "", http.StatusOK, false},
	}
}

// newWritable returns a service for all writes.
func newWritable() *waitable {
	w := newWaitable()
	w.record.changes = []lsapi.Change{{
		ID: undoable, Action: lsapi.Attach, Pool: lsapi.ELB("default-elb"), Member: lsapi.InstanceMember(running),
		Source: lsapi.SourceExternal, IntendedAt: epoch, Outcome: lsapi.OutcomeApplied,
	}}
	return w
}

// send sends a write with a query and a header.
func (w *waitable) send(q write, query string, header http.Header) response {
	r := httptest.NewRequest(q.method, q.path+"?"+query, strings.NewReader(q.body))
	maps.Copy(r.Header, header)
	return do(w.handler, r)
}

// Every response of every write is provoked.
func TestV1DocumentDescribesEveryAnswerToAWrite(t *testing.T) {
	document := openAPI(t)
	for _, q := range writes() {
		name := q.method + " " + q.template
		operation := at(document, "paths", q.template, strings.ToLower(q.method))
		checkTexts(t, operation)
		responses := at(operation, "responses").(map[string]any)
		answered := map[string]bool{}
		for _, got := range provokeWrite(q) {
			answered[strconv.Itoa(got.StatusCode)] = true
			if !checkDescription(t, document, responses, got) {
				t.Errorf("%s: %d is not described: %s", name, got.StatusCode, got.body)
			}
		}
		if got, want := slices.Sorted(maps.Keys(answered)), slices.Sorted(maps.Keys(responses)); !slices.Equal(got, want) {
			t.Errorf("%s: answered are %v, described %v", name, got, want)
		}
	}
}

// provokeWrite provokes every response of a write.
func provokeWrite(q write) []response {
	unchanged, elsewhere := q, q
	unchanged.path = strings.Replace(q.path, spare, running, 1)
	elsewhere.path = strings.NewReplacer("default-elb", "other-elb", undoable, changeID(8, epoch)).Replace(q.path)
	all := []response{
		newWritable().send(q, "", nil), newWritable().send(unchanged, "", nil), newWritable().send(elsewhere, "", nil),
		newWritable().send(q, "x=y", nil),
		newWritable().send(q, "", http.Header{"Sec-Fetch-Site": {"cross-site"}}),
		newWritable().send(q, "wait=true&timeout=1ms", nil),
		newWritable().send(q, "wait=true&timeout=1ms", http.Header{"Accept": {"text/event-stream"}}),
		newWritable().send(q, "wait=true", http.Header{"Prefer": {"respond-async"}}),
	}
	if q.bulk {
		large := q
		large.body = strings.Repeat(" ", 1<<20+1)
		all = append(all, newWritable().send(large, "", nil))
	}
	for _, code := range []lsapi.Code{
		lsapi.CodeNotChangeable, lsapi.CodeKeyReused, lsapi.CodeInProgress, lsapi.CodeThrottled, lsapi.CodeUnavailable,
		lsapi.CodeUpstream, lsapi.CodeForbidden, lsapi.CodeTimeout, lsapi.CodeInternal, lsapi.CodePrecondition, lsapi.CodeHealthUnknown,
	} {
		w := newWritable()
		w.members.fail = func(context.Context) error { return &lsapi.Error{Code: code} }
		all = append(all, w.send(q, "", nil))
	}
	anonymous := httptest.NewRecorder()
	newWritable().handler.ServeHTTP(anonymous, httptest.NewRequest(q.method, q.path, strings.NewReader(q.body)))
	return append(all, response{anonymous.Result(), anonymous.Body.String()})
}
