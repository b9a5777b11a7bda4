package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// bulk is the answer to a change of many members.
type bulk struct {
	Pool, BulkID, Code, Detail string
	DryRun                     bool
	Results                    []struct {
		Member, Action, Outcome, ChangeID string
		Problem                           *struct{ Code, Detail string }
	}
}

// outcomes are the results in short.
func (b bulk) outcomes() (all []string) {
	for _, r := range b.Results {
		text := strings.Join([]string{r.Action, r.Member, r.Outcome}, " ")
		if r.Problem != nil {
			text += " " + r.Problem.Code
		}
		all = append(all, text)
	}
	return all
}

// changeMembers sends a write of the members of a pool that must get a status.
func (c client) changeMembers(t *testing.T, method, pool, query, body string, status int, headers ...string) bulk {
	t.Helper()
	answer := c.send(method, "/v1/pools/"+pool+"/members"+query, body, headers...)
	if answer.status != status {
		t.Errorf("%s %s%s %s is %d %s, want %d", method, pool, query, body, answer.status, answer.body, status)
	}
	return decoded[bulk](t, answer.body)
}

func list(members ...string) string {
	text, _ := json.Marshal(members) // strings
	return string(text)
}

// port is that of the members of a pool of the demo, as a suffix.
func port(pool string) string {
	if strings.HasPrefix(pool, "tg/") {
		return ":8080"
	}
	return ""
}

func TestMembersAreChangedManyAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startWithGroups(t, at(store))
		for _, pool := range []string{"elb/web-elb", "tg/web-elb"} {
			before := a.membersOf(pool)
			one, two, old := spare+port(pool), otherSpare+port(pool), before[0]
			body := `{"attach": ` + list(spare, two, before[1]) + `, "detach": ` + list(old, "i-0999999999999999a"+port(pool)) + `, "reason": "release 9"}`

			planned := s.changeMembers(t, http.MethodPatch, pool, "?dryRun=true", body, http.StatusOK)
			want := []string{"attach " + one + " wouldApply", "attach " + two + " wouldApply", "attach " + before[1] + " unchanged", "detach " + old + " wouldApply", "detach i-0999999999999999a" + port(pool) + " unchanged"}
			if !planned.DryRun || !slices.Equal(planned.outcomes(), want) || !slices.Equal(a.membersOf(pool), before) || len(s.changes("pool="+pool)) > 0 {
				t.Errorf("%s: planned is %+v, the members are %v", pool, planned, a.membersOf(pool))
			}

			a.resetCalls()
			made := s.changeMembers(t, http.MethodPatch, pool, "", body, http.StatusOK)
			for i := range want {
				want[i] = strings.Replace(want[i], "wouldApply", "applied", 1)
			}
			after := append(slices.Clone(before[1:]), one, two)
			slices.Sort(after)
			if !slices.Equal(made.outcomes(), want) || !slices.Equal(a.membersOf(pool), after) {
				t.Errorf("%s: made is %+v, the members are %v", pool, made, a.membersOf(pool))
			}
			calls := a.calls()
			if n := calls[register] + calls[registerTargets] + calls[deregister] + calls[deregisterTargets]; n != 2 {
				t.Errorf("%s: AWS got %v", pool, calls)
			}
			recorded := s.changes("bulk=" + made.BulkID)
			for _, c := range recorded {
				if c.Reason != "release 9" || c.Actor != user || c.Pool != pool {
					t.Errorf("on record is %+v", c)
				}
			}
			if len(recorded) != len(want) {
				t.Errorf("%s: on record are %+v", pool, recorded)
			}
		}
		verify(t, store)
	})
}

func TestSetOfMembersRequiresItsVersion(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startWithGroups(t, at(store))
		for _, pool := range []string{"elb/web-elb", "tg/web-elb"} {
			path := "/v1/pools/" + pool + "/members"
			before := a.membersOf(pool)
			seen := s.send(http.MethodGet, path, "", noCache).header.Get("ETag")
			desired := `{"members": ` + list(append([]string{spare}, before[1:]...)...) + `}`
			want := []string{"attach " + spare + port(pool) + " applied"}
			for _, m := range before[1:] {
				want = append(want, "attach "+m+" unchanged")
			}
			want = append(want, "detach "+before[0]+" applied")
			if got := s.changeMembers(t, http.MethodPut, pool, "", desired, http.StatusPreconditionFailed, `If-Match: "e32d469c11c81511c616e2b668e24552"`); got.Code != "precondition_failed" || !strings.Contains(got.Detail, strings.Trim(seen, `"`)) {
				t.Errorf("%s: another version is %+v, want %s", pool, got, seen)
			}
			if got := s.changeMembers(t, http.MethodPut, pool, "", desired, http.StatusPreconditionFailed, "If-Match: W/"+seen); got.Code != "precondition_failed" || !slices.Equal(a.membersOf(pool), before) {
				t.Errorf("%s: a weak version is %+v", pool, got)
			}
			if got := s.changeMembers(t, http.MethodPut, pool, "", desired, http.StatusOK, "If-Match: "+seen); !slices.Equal(got.outcomes(), want) {
				t.Errorf("%s: it is %v, want %v", pool, got.outcomes(), want)
			}
			// As it is now, and with the old version.
			if got := s.changeMembers(t, http.MethodPut, pool, "", desired, http.StatusOK); got.BulkID != "" {
				t.Errorf("%s: again it is %+v", pool, got)
			}
			s.changeMembers(t, http.MethodPut, pool, "", `{"members": `+list(before...)+`}`, http.StatusPreconditionFailed, "If-Match: "+seen)
			s.changeMembers(t, http.MethodPut, pool, "?additive=true", `{"members": `+list(before[0])+`}`, http.StatusOK, "If-Match: *")
			all := append(slices.Clone(before), spare+port(pool))
			slices.Sort(all)
			if got := a.membersOf(pool); !slices.Equal(got, all) {
				t.Errorf("%s: the members are %v, want %v", pool, got, all)
			}
			s.changeMembers(t, http.MethodPut, pool, "", `{"members": []}`, http.StatusBadRequest)
		}
		verify(t, store)
	})
}

// curl sends a request by curl -N and returns its output, headers included, and when the
// first event arrived.
func (c client) curl(t *testing.T, method, path, body string, headers ...string) (output string, first time.Time) {
	t.Helper()
	arguments := []string{"-isSN", "-X", method, "-d", body, "-H", "Authorization: " + c.authorization}
	for _, h := range headers {
		arguments = append(arguments, "-H", h)
	}
	command := exec.CommandContext(t.Context(), "curl", append(arguments, c.base+path)...)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	chunk := make([]byte, 4096)
	for {
		n, err := stdout.Read(chunk)
		text.Write(chunk[:n])
		if first.IsZero() && strings.Contains(text.String(), "event: ") {
			first = time.Now()
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := command.Wait(); err != nil {
		t.Errorf("%v: %s", err, text.String())
	}
	return text.String(), first
}

func TestWaitOfABulkStreamsProgress(t *testing.T) {
	t.Parallel()
	_, s := startSlow(t, "3s", "3s")
	const path = "/v1/pools/elb/slow-elb/members?wait=true&timeout="
	output, first := s.curl(t, http.MethodPatch, path+"1m", `{"attach": `+list(slowSpare)+`, "detach": `+list(slowMember)+`}`, "Accept: text/event-stream")
	header, events, _ := strings.Cut(output, "\r\n\r\n")
	if !strings.HasPrefix(header, "HTTP/1.1 200 ") || !strings.Contains(header, "Content-Type: text/event-stream") || !strings.Contains(header, "X-Bulk-Id: ") {
		t.Errorf("the header is %s", header)
	}
	if early := time.Since(first); early < time.Second {
		t.Errorf("the first event came %v before the end", early)
	}
	before, result, ended := strings.Cut(events, "event: result\ndata: ")
	if !ended || !strings.Contains(before, `event: progress`+"\n"+`data: {"member":"`+slowSpare+`"`) || !strings.Contains(before, `"draining":true`) || strings.Contains(before, "problem") {
		t.Errorf("the events are %s", events)
	}
	want := []string{"attach " + slowSpare + " applied", "detach " + slowMember + " applied"}
	if got := decoded[bulk](t, result); !slices.Equal(got.outcomes(), want) {
		t.Errorf("the result is %+v", got)
	}
	for member, want := range map[string]string{slowSpare: "inService", slowMember: "drained"} {
		if answer := s.await("slow-elb", member, want, "1ms"); answer.status != http.StatusOK && answer.status != http.StatusRequestTimeout {
			t.Errorf("%s is %d %s", member, answer.status, answer.body)
		}
	}
	// A member that fails its health checks is not in service in time.
	output, _ = s.curl(t, http.MethodPut, "/v1/pools/elb/slow-elb/members/"+slowFailing+"?wait=true&timeout=4s", "", "Accept: text/event-stream")
	if _, problem, ended := strings.Cut(output, "event: problem\ndata: "); !ended || !strings.Contains(problem, `"code":"wait_failed"`) || !strings.Contains(problem, "the change stands") {
		t.Errorf("a wait in vain is %s", output)
	}
	// In place of the wait.
	answer := s.send(http.MethodPatch, path+"1m", `{"detach": `+list(slowFailing)+`}`, "Prefer: respond-async")
	location := answer.header.Get("Location")
	if answer.status != http.StatusAccepted || answer.header.Get("Preference-Applied") != "respond-async" || !strings.HasPrefix(location, "/v1/changes?bulk=") {
		t.Fatalf("it is %d %v %s", answer.status, answer.header, answer.body)
	}
	if recorded := s.get(location); !strings.Contains(recorded.body, slowFailing) {
		t.Errorf("at its location is %s", recorded.body)
	}
}

// A service that stops ends the streams of waits with their problem.
func TestStopEndsStreamOfWait(t *testing.T) {
	t.Parallel()
	a, s := startSlow(t, "10m", "3s")
	go func() {
		eventually(t, "AWS has the member", func() bool { return slices.Contains(a.members("slow-elb"), slowSpare) })
		s.stop()
	}()
	output, _ := s.curl(t, http.MethodPut, "/v1/pools/elb/slow-elb/members/"+slowSpare+"?wait=true&timeout=10m", "", "Accept: text/event-stream")
	if _, problem, ended := strings.Cut(output, "event: problem\ndata: "); !ended || !strings.Contains(problem, "the service is stopping") {
		t.Errorf("the stream is %s", output)
	}
}

func TestChangesAreUndone(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startWithGroups(t, at(store))
		undo := func(id string, status int, headers ...string) changed {
			t.Helper()
			answer := s.send(http.MethodPost, "/v1/changes/"+id+"/undo", "", headers...)
			if answer.status != status {
				t.Errorf("undo of %s is %d %s, want %d", id, answer.status, answer.body, status)
			}
			return decoded[changed](t, answer.body)
		}
		for _, pool := range []string{"elb/web-elb", "tg/web-elb"} {
			before := a.membersOf(pool)
			path := "/v1/pools/" + pool + "/members/"
			attached := s.send(http.MethodPut, path+spare, "").changeID(t)
			again := s.send(http.MethodPut, path+spare, "").changeID(t)
			if got := undo(again, http.StatusConflict); got.Code != "change.not_undoable" { // it was one already
				t.Errorf("%s: undo of a conflict is %+v", pool, got)
			}
			undone := undo(attached, http.StatusOK, "Idempotency-Key: k")
			if undone.Action != "detach" || undone.Outcome != "applied" || undone.Member != spare+port(pool) || !slices.Equal(a.membersOf(pool), before) {
				t.Errorf("%s: undone is %+v, the members are %v", pool, undone, a.membersOf(pool))
			}
			if repeated := undo(attached, http.StatusOK, "Idempotency-Key: k"); repeated != undone {
				t.Errorf("%s: it is %+v, and repeated %+v", pool, undone, repeated)
			}
			if got := undo(attached, http.StatusConflict); got.Code != "change.superseded" {
				t.Errorf("%s: undo of what is undone is %+v", pool, got)
			}
			redone := undo(undone.ChangeID, http.StatusOK)
			if redone.Action != "attach" || !slices.Contains(a.membersOf(pool), spare+port(pool)) {
				t.Errorf("%s: redone is %+v, the members are %v", pool, redone, a.membersOf(pool))
			}
			if recorded := s.get("/v1/changes/" + redone.ChangeID).body; !strings.Contains(recorded, `"undoes":"`+undone.ChangeID+`"`) {
				t.Errorf("%s: on record is %s", pool, recorded)
			}
			if got := undo(redone.ChangeID, http.StatusPreconditionFailed, `If-Match: "e32d469c11c81511c616e2b668e24552"`); got.Code != "precondition_failed" {
				t.Errorf("%s: with another version it is %+v", pool, got)
			}
		}
		refused := s.send(http.MethodPut, "/v1/pools/elb/web-elb/members/"+stopped, "")
		for _, c := range s.changes("member=" + stopped) {
			undo(c.ID, http.StatusConflict)
		}
		if refused.status != http.StatusBadRequest {
			t.Errorf("an attach of what does not run is %d %s", refused.status, refused.body)
		}
		verify(t, store)
	})
}

// The process dies while AWS does not answer: a retry gets the results of the first request.
func TestKeyOfBulkReturnsItsResultsAfterCrash(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startWithGroups(t, at(store))
		for _, pool := range []string{"elb/web-elb", "tg/web-elb"} {
			action := map[string]string{"elb/web-elb": register, "tg/web-elb": registerTargets}[pool]
			before := a.membersOf(pool)
			a.fault(t, `{"action":"`+action+`","kind":"timeout","count":1,"after":true}`)
			calls := a.calls()[action]
			body := `{"attach": ` + list(spare, before[1]) + `, "detach": ` + list(before[0]) + `}`
			path := "/v1/pools/" + pool + "/members"
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = s.try(http.MethodPatch, path, body, "Idempotency-Key: k") // the connection is lost with the service
			}()
			eventually(t, "AWS is called", func() bool { return a.calls()[action] > calls })
			if open := s.send(http.MethodPatch, path, body, "Idempotency-Key: k"); open.status != http.StatusConflict || open.header.Get("Retry-After") == "" || !strings.Contains(open.body, "in_progress") {
				t.Errorf("%s: meanwhile it is %d %s", pool, open.status, open.body)
			}
			s.kill()
			<-ended
			s = startService(t, a.base, at(store))
			var answer response
			eventually(t, "the bulk has its results", func() bool {
				answer = s.send(http.MethodPatch, path, body, "Idempotency-Key: k")
				return answer.status != http.StatusConflict || !strings.Contains(answer.body, "in_progress")
			})
			want := []string{"attach " + spare + port(pool) + " applied", "attach " + before[1] + " unchanged", "detach " + before[0] + " applied"}
			got := decoded[bulk](t, answer.body)
			if answer.status != http.StatusOK || !slices.Equal(got.outcomes(), want) || len(s.changes("bulk="+got.BulkID)) != 3 || answer.header.Get("X-Bulk-Id") != got.BulkID {
				t.Errorf("%s: then it is %d %s", pool, answer.status, answer.body)
			}
			if made := a.calls()[action] - calls; made != 1 {
				t.Errorf("%s: AWS got %d calls", pool, made)
			}
		}
		verify(t, store)
	})
}

func TestGuardOfRequestRefusesWithItsNumbers(t *testing.T) {
	t.Parallel()
	a, s := startWithGroups(t)
	for _, pool := range []string{"elb/web-elb", "tg/web-elb"} {
		before := a.membersOf(pool)
		if answer := s.get("/v1/pools/" + pool + "/members/" + before[0] + "?wait=inService&timeout=1m"); answer.status != http.StatusOK {
			t.Fatalf("%s: it is %d %s", before[0], answer.status, answer.body)
		}
		got := s.changeMembers(t, http.MethodPatch, pool, "?minInService=1", `{"detach": `+list(before...)+`}`, http.StatusConflict)
		applied, refused := 0, 0
		for _, r := range got.Results {
			switch {
			case r.Outcome == "applied":
				applied++
			case r.Outcome == "refused" && r.Problem.Code == "guard.min_in_service":
				refused++
			}
		}
		if got.Code != "bulk.failed" || applied == 0 || refused == 0 || applied+refused != len(before) || len(a.membersOf(pool)) != refused {
			t.Errorf("%s: it is %+v, the members are %v", pool, got, a.membersOf(pool))
		}
	}
}
