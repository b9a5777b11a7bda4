package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi"
)

var keyed = http.Header{"Idempotency-Key": {"k"}}

// recorded puts the changes of the last bulk on record, with outcomes by member; others are
// applied. Of a desired set and an atomic bulk, not all are.
func (w *waitable) recorded(outcomes map[string]lsapi.Change, members ...lsapi.BulkItem) {
	bulk := w.members.bulks[len(w.members.bulks)-1]
	w.record.changes = nil
	for i, item := range members {
		c := outcomes[item.Member.String()]
		if _, ok := outcomes[item.Member.String()]; !ok {
			c.Outcome = lsapi.OutcomeApplied
		}
		c.ID, c.Bulk, c.Pool, c.Action, c.Member = changeID(i, bulk.At), bulk.BulkID, bulk.Pool, item.Action, item.Member
		if c.Outcome == lsapi.OutcomeApplied {
			c.Instance = instance(item.Member)
		}
		w.record.changes = append(w.record.changes, c)
	}
}

func attachOf(member string) lsapi.BulkItem {
	return lsapi.BulkItem{Action: lsapi.Attach, Member: lsapi.InstanceMember(member)}
}

func detachOf(member string) lsapi.BulkItem {
	return lsapi.BulkItem{Action: lsapi.Detach, Member: lsapi.InstanceMember(member)}
}

func TestBulkIsCarriedOutOnceForItsKey(t *testing.T) {
	for name, q := range map[string]write{"changes": patch(bulkOfTwo), "set": set(`{"members": ["` + spare + `"]}`)} {
		w := newWritable()
		first := w.send(q, "", keyed)
		w.recorded(nil, attachOf(spare), detachOf(running))
		again := w.send(q, "", keyed)
		if first.StatusCode != http.StatusOK || again.StatusCode != http.StatusOK || again.body != first.body || again.Header.Get("X-Bulk-Id") != first.Header.Get("X-Bulk-Id") || len(w.members.bulks) != 1 {
			t.Errorf("%s: it is %s, and repeated %d %s", name, first.body, again.StatusCode, again.body)
		}
		other := q
		other.body = strings.Replace(q.body, spare, third, 1)
		if got := w.send(other, "", keyed); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: another body is %d %s", name, got.StatusCode, got.body)
		}
		flag := map[string]string{"changes": "atomic=true", "set": "additive=true"}[name]
		if got := w.send(q, flag, keyed); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: with %s it is %d %s", name, flag, got.StatusCode, got.body)
		}
	}
}

// The first caller may have got a timeout, or its process crashed.
func TestReplayedBulkHasFinalOutcomes(t *testing.T) {
	w := newWritable()
	w.members.fail, w.members.pending = failsWith(lsapi.CodeTimeout), true
	q := patch(`{"attach": ["` + spare + `", "` + gone + `"], "detach": ["` + running + `", "` + third + `"]}`)
	items := []lsapi.BulkItem{attachOf(spare), attachOf(gone), detachOf(running), detachOf(third)}
	if got := w.send(q, "", keyed); got.StatusCode != http.StatusGatewayTimeout {
		t.Fatalf("the first answer is %d %s", got.StatusCode, got.body)
	}
	inProgress := func() {
		t.Helper()
		got := w.send(q, "", keyed)
		if p := readProblem(t, got); p.Status != http.StatusConflict || p.Code != "in_progress" || got.Header.Get("Retry-After") == "" {
			t.Errorf("it is %d %s", got.StatusCode, got.body)
		}
	}
	inProgress()
	w.recorded(map[string]lsapi.Change{running: {}}, items...)
	inProgress()
	w.recorded(map[string]lsapi.Change{
		gone:    {Outcome: lsapi.OutcomeRefused, Code: "InvalidInstance"},
		running: {Outcome: lsapi.OutcomeUnknown},
		third:   {Outcome: lsapi.OutcomeConflict},
	}, items...)
	got := w.send(q, "", keyed)
	want := []string{spare + " attach applied", gone + " attach refused invalid", running + " detach unknown timeout", third + " detach unchanged"}
	if b := readBulk(t, got); got.StatusCode != http.StatusConflict || b.Code != "bulk.failed" || !slices.Equal(told(b), want) || len(w.members.bulks) != 1 {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
}

// Unchanged members of a set, and skipped ones, are not on record.
func TestReplayAddsWhatIsNotOnRecord(t *testing.T) {
	for name, test := range map[string]struct {
		write
		query    string
		recorded []lsapi.BulkItem
		outcomes map[string]lsapi.Change
		want     []string
	}{
		"a set": {
			set(`{"members": ["` + fourth + `", "` + spare + `", "` + third + `"]}`), "",
			[]lsapi.BulkItem{attachOf(spare), detachOf(running), detachOf(gone)}, nil,
			[]string{fourth + " attach unchanged", spare + " attach applied", third + " attach unchanged", running + " detach applied", gone + " detach applied"},
		},
		"an atomic bulk": {
			patch(bulkOfTwo), "atomic=true", []lsapi.BulkItem{detachOf(running)},
			map[string]lsapi.Change{running: {Outcome: lsapi.OutcomeRefused, Code: "InvalidInstance"}},
			[]string{spare + " attach skipped bulk.skipped", running + " detach refused invalid"},
		},
		"a bulk that is partly spent": {
			patch(bulkOfTwo), "", []lsapi.BulkItem{attachOf(spare), detachOf(running)},
			map[string]lsapi.Change{running: {Outcome: lsapi.OutcomeRefused, Code: "guard.keep_last", Guard: &lsapi.GuardVerdict{Rule: "keepLast"}}},
			[]string{spare + " attach applied", running + " detach refused guard.keep_last"},
		},
		"a set with a member that cannot be attached": {
			set(`{"members": ["` + spare + `", "` + third + `"]}`), "", []lsapi.BulkItem{attachOf(spare), attachOf(third), detachOf(running)},
			map[string]lsapi.Change{third: {Outcome: lsapi.OutcomeRefused, Code: "invalid"}, running: {Outcome: lsapi.OutcomeFailed, Code: "guard.health_unknown"}},
			[]string{spare + " attach applied", third + " attach refused invalid", running + " detach failed guard.health_unknown"},
		},
	} {
		w := newWritable()
		w.members.members[lsapi.ELB("default-elb")] = append(w.members.members[lsapi.ELB("default-elb")], lsapi.InstanceMember(gone))
		w.send(test.write, test.query, keyed)
		w.recorded(test.outcomes, test.recorded...)
		got := w.send(test.write, test.query, keyed)
		if !slices.Equal(told(readBulk(t, got)), test.want) || len(w.members.bulks) != 1 {
			t.Errorf("%s is %d %s", name, got.StatusCode, got.body)
		}
	}
}

func TestReplayFindsMembersWithoutPort(t *testing.T) {
	w := newWritable()
	w.members.members[lsapi.TG("web")], w.members.port = nil, 8080
	q := write{method: "PATCH", path: "/v1/pools/tg/web/members", body: `{"attach": ["` + spare + `:9090", "` + spare + `"], "detach": ["` + running + `"]}`}
	first := w.send(q, "", keyed)
	at := func(action lsapi.Action, member string, port uint16) lsapi.BulkItem {
		return lsapi.BulkItem{Action: action, Member: lsapi.MemberID{Instance: member, Port: port}}
	}
	detached := running + ":8080"
	w.recorded(map[string]lsapi.Change{detached: {Outcome: lsapi.OutcomeConflict}}, at(lsapi.Attach, spare, 9090), at(lsapi.Attach, spare, 8080), at(lsapi.Detach, running, 8080))
	if got := w.send(q, "", keyed); got.body != first.body {
		t.Errorf("it is %s, and repeated %s", first.body, got.body)
	}
}

// A bulk that changed nothing, and might another time, is decided anew.
func TestSpentBulkIsCarriedOutAgain(t *testing.T) {
	refused := lsapi.Change{Outcome: lsapi.OutcomeRefused, Code: "guard.keep_last", Guard: &lsapi.GuardVerdict{Rule: "keepLast"}}
	overridden := lsapi.Change{Outcome: lsapi.OutcomeRefused, Code: "InvalidInstance", Guard: &lsapi.GuardVerdict{Rule: "keepLast", Overridden: true}}
	conflict := lsapi.Change{Outcome: lsapi.OutcomeConflict}
	for name, test := range map[string]struct {
		attach, detach lsapi.Change
		again          bool
	}{
		"refused by guards": {refused, refused, true}, "a refusal and a conflict": {conflict, refused, true},
		"refused by lsapi":     {lsapi.Change{Outcome: lsapi.OutcomeRefused, Code: "invalid"}, conflict, true},
		"failed and withdrawn": {lsapi.Change{Outcome: lsapi.OutcomeFailed}, lsapi.Change{Outcome: lsapi.OutcomeWithdrawn}, true},
		"conflicts":            {conflict, conflict, false}, "one applied": {lsapi.Change{Outcome: lsapi.OutcomeApplied}, refused, false},
		"one unknown": {refused, lsapi.Change{Outcome: lsapi.OutcomeUnknown}, false}, "one open": {refused, lsapi.Change{}, false},
		"refused by AWS": {overridden, refused, false},
	} {
		w := newWritable()
		w.send(patch(bulkOfTwo), "", keyed)
		w.recorded(map[string]lsapi.Change{spare: test.attach, running: test.detach}, attachOf(spare), detachOf(running))
		if got := w.send(patch(bulkOfTwo), "", keyed); (len(w.members.bulks) == 2) != test.again {
			t.Errorf("%s: it is %d %s after %d bulks", name, got.StatusCode, got.body, len(w.members.bulks))
		}
	}
}

func TestKeyOfBulkWithoutTraceIsFreed(t *testing.T) {
	// Nothing of a set without a difference is on record.
	w := newWritable()
	for range 2 {
		w.send(set(`{"members": ["`+running+`"]}`), "", keyed)
	}
	if len(w.members.bulks) != 2 {
		t.Errorf("a set was carried out %d times", len(w.members.bulks))
	}
	// A process died before it recorded the bulk.
	for age, bulks := range map[time.Duration]int{time.Second: 1, 2 * time.Minute: 2} {
		w := newWritable()
		w.send(patch(bulkOfTwo), "", keyed)
		for key, reservation := range w.keys.taken {
			reservation.At = time.Now().Add(-age)
			w.keys.taken[key] = reservation
		}
		if got := w.send(patch(bulkOfTwo), "", keyed); len(w.members.bulks) != bulks {
			t.Errorf("after %v it is %d %s, after %d bulks", age, got.StatusCode, got.body, len(w.members.bulks))
		}
	}
}

func TestReplayedBulkWaits(t *testing.T) {
	w := newWritable()
	w.send(patch(bulkOfTwo), "", keyed)
	w.recorded(nil, attachOf(spare), detachOf(running))
	got := w.send(patch(bulkOfTwo), "wait=true&timeout=1ms", keyed)
	if b := readBulk(t, got); got.StatusCode != http.StatusGatewayTimeout || b.Code != "wait_failed" || len(b.Results) != 2 || len(w.members.bulks) != 1 {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
}
