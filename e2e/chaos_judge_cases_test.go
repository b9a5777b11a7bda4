package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// The pool of quietRun, a member at its start, and an instance that joins it on two ports.
const (
	quietPool  = "tg/web"
	quietFirst = member + ":8080"
)

var (
	quietMember = poolMember{quietPool, spare + ":8080"}
	quietOther  = poolMember{quietPool, spare + ":9000"}
)

// quietRun is a correct run: an attach, a conflict, a detach whose client disconnected but
// which took effect, and a list after it.
func quietRun() *chaosRun {
	began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	changed := func(id, request, action, outcome string) change {
		return change{ID: id, RequestID: request, Source: "lsapi", Action: action, poolMember: quietMember, Outcome: outcome}
	}
	asked := func(id, action string, second int, outcome, change string) chaosOperation {
		return chaosOperation{
			ID: id, Action: action, poolMember: quietMember, Outcome: outcome, Status: http.StatusOK, ChangeID: change,
			Called: time.Duration(second) * time.Second, Returned: time.Duration(second)*time.Second + 500*time.Millisecond,
		}
	}
	list := asked("d", "list", 6, listed, "")
	list.Member, list.Members = "", []string{quietFirst}
	left := asked("c", "detach", 4, "", "")
	left.Status = 0
	members := func() map[string][]string { return map[string][]string{quietPool: {quietFirst}} }
	return &chaosRun{
		Began: began, Begin: members(), End: members(), RecordedMembers: members(),
		Operations: []chaosOperation{asked("a", "attach", 0, applied, "1"), asked("b", "attach", 2, conflict, "2"), left, list},
		Record: []change{
			changed("1", "a", "attach", "applied"), changed("2", "b", "attach", "conflict"), changed("3", "c", "detach", "applied"),
		},
		AWS: []awsChange{
			{began.Add(time.Second / 4), "attach", quietMember}, {began.Add(17 * time.Second / 4), "detach", quietMember},
		},
	}
}

func TestChaosJudgeAcceptsCorrectRun(t *testing.T) {
	if found := quietRun().judge(time.Minute); len(found) > 0 {
		t.Error(found)
	}
}

func TestChaosJudgeFindsEachAnomaly(t *testing.T) {
	for name, test := range map[string]struct {
		kind string
		harm func(r *chaosRun)
	}{
		"an external change": {externalRecorded, func(r *chaosRun) {
			r.Record = append(r.Record, change{Source: "external", Action: "attach", poolMember: quietOther, Outcome: "applied"})
		}},
		"two attaches in a row": {notLinearizable, func(r *chaosRun) { r.Operations[1].Outcome = applied }},
		"a conflict with nothing": {notLinearizable, func(r *chaosRun) {
			r.Operations[1].Called, r.Operations[1].Returned = 5*time.Second, 6*time.Second
			r.AWS = append(r.AWS, awsChange{r.Began.Add(5 * time.Second), "attach", quietOther})
			r.Operations[2].Status, r.Operations[2].Outcome, r.Operations[2].ChangeID = http.StatusOK, applied, "3"
		}},
		"a list without an acknowledged change": {notLinearizable, func(r *chaosRun) {
			r.Operations[3].Called, r.Operations[3].Returned = 3*time.Second, 3500*time.Millisecond
		}},
		"an answered change that is not on record":         {answeredNotRecorded, func(r *chaosRun) { r.Operations[2].Status, r.Operations[2].ChangeID = 503, "4" }},
		"an outcome without an id":                         {answeredNotRecorded, func(r *chaosRun) { r.Operations[0].ChangeID = "" }},
		"an outcome on record as another":                  {answerContradicted, func(r *chaosRun) { r.Operations[0].ChangeID = "2" }},
		"an outcome on record of another port":             {answerContradicted, func(r *chaosRun) { r.Record[0].Member = quietOther.Member }},
		"a 500":                                            {unexpectedAnswer, func(r *chaosRun) { r.Operations[2].Status = 500 }},
		"a list that is not found":                         {unexpectedAnswer, func(r *chaosRun) { r.Operations[3].Status, r.Operations[3].Outcome = 404, "" }},
		"two attaches in a row on record":                  {notAlternating, func(r *chaosRun) { r.Record[1].Outcome = "applied" }},
		"a recorded change that never happened":            {neverHappened, func(r *chaosRun) { r.AWS = r.AWS[:1] }},
		"a change in AWS that is not on record, the last":  {notRecorded, func(r *chaosRun) { r.Record = r.Record[:2] }},
		"a change in AWS that is not on record, the first": {notRecorded, func(r *chaosRun) { r.Record = r.Record[1:] }},
		"a change in AWS that is on record as failed":      {notRecorded, func(r *chaosRun) { r.Record[2].Outcome = "failed" }},
		"an open change":                                   {leftOpen, func(r *chaosRun) { r.Record[1].Outcome = "open" }},
		"other members by the record":                      {membersDiffer, func(r *chaosRun) { r.RecordedMembers[quietPool] = nil }},
		"a record that is not whole":                       {verifyFailed, func(r *chaosRun) { r.VerifyProblem = "status 1" }},
		"a process that ended":                             {processEnded, func(r *chaosRun) { r.Ended = []string{"replica 0"} }},
		"a service that does not settle":                   {neverSettled, func(r *chaosRun) { r.Unsettled = "replica 0" }},
		"an invisible change without a response":           {notLinearizable, func(r *chaosRun) { r.Operations[3].Members = []string{quietFirst, quietMember.Member}; r.laterAttach() }},
	} {
		t.Run(name, func(t *testing.T) {
			run := quietRun()
			test.harm(run)
			found := run.judge(time.Minute)
			if !slices.ContainsFunc(found, func(a anomaly) bool { return a.Kind == test.kind }) {
				t.Errorf("want %q, found %v", test.kind, found)
			}
		})
	}
}

// laterAttach adds an attach before the start of the quiet run's list, by when the
// previous detach had taken effect.
func (r *chaosRun) laterAttach() {
	r.Operations[3].Called, r.Operations[3].Returned = 9*time.Second, 10*time.Second
	r.Operations = append(r.Operations, chaosOperation{
		ID: "e", Action: "attach", poolMember: quietMember, Outcome: applied, Status: http.StatusCreated, ChangeID: "4",
		Called: 20 * time.Second, Returned: 21 * time.Second,
	})
	r.Record = append(r.Record, change{ID: "4", RequestID: "e", Source: "lsapi", Action: "attach", poolMember: quietMember, Outcome: "applied"})
	r.AWS = append(r.AWS, awsChange{r.Began.Add(8 * time.Second), "attach", quietMember})
	both := []string{quietFirst, quietMember.Member}
	r.End[quietPool], r.RecordedMembers[quietPool] = both, both
}

func TestChaosJudgeAcceptsEitherEffectOfUnknownChange(t *testing.T) {
	for name, happened := range map[string]int{"it happened": 2, "it did not": 1} {
		t.Run(name, func(t *testing.T) {
			r := quietRun()
			r.Record[2].Outcome, r.Operations[2].Status = "unknown", http.StatusGatewayTimeout
			r.AWS = r.AWS[:happened]
			if happened == 1 {
				r.Operations[3].Members = append(r.Operations[3].Members, quietMember.Member)
			}
			if found := r.judge(time.Minute); len(found) > 0 {
				t.Error(found)
			}
		})
	}
}

func TestOutcomesOfResponses(t *testing.T) {
	classic, target := poolMember{"elb/web", spare}, poolMember{"tg/web", spare + ":8080"}
	gone, absent := `{"code":"not_found"}`, `{"code":"member.absent"}`
	for _, test := range []struct {
		poolMember
		action string
		status int
		body   string
		want   string
	}{
		{classic, "attach", 201, "", applied}, {classic, "attach", 409, "", conflict}, {classic, "attach", 200, "", ""},
		{classic, "detach", 201, "", applied}, {classic, "detach", 409, "", conflict}, {classic, "detach", 404, "", ""},
		{target, "attach", 201, "", applied}, {target, "attach", 200, "", conflict}, {target, "attach", 404, gone, ""}, {target, "attach", 409, "", ""},
		{target, "detach", 200, "", applied}, {target, "detach", 404, absent, conflict}, {target, "detach", 404, gone, ""}, {target, "detach", 201, "", ""},
	} {
		if got := test.outcome(test.action, response{status: test.status, body: test.body}); got != test.want {
			t.Errorf("%d %s to %s %s is %q, want %q", test.status, test.body, test.action, test.Pool, got, test.want)
		}
	}
}
