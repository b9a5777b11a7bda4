package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// quietRun is a correct run: an attach, a conflict, a detach whose client disconnected but
// which took effect, and a list after it.
func quietRun() *chaosRun {
	began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	changed := func(id, request, action, outcome string) change {
		return change{ID: id, RequestID: request, Source: "lsapi", Action: action, LoadBalancer: "default-elb", InstanceID: spare, Outcome: outcome}
	}
	asked := func(id, method string, second, status int, change string) chaosOperation {
		return chaosOperation{
			ID: id, Method: method, LoadBalancer: "default-elb", Instance: spare, Status: status, ChangeID: change,
			Called: time.Duration(second) * time.Second, Returned: time.Duration(second)*time.Second + 500*time.Millisecond,
		}
	}
	list := asked("d", http.MethodGet, 6, http.StatusOK, "")
	list.Instance, list.Members = "", []string{member}
	return &chaosRun{
		Began: began,
		Begin: map[string][]string{"default-elb": {member}}, End: map[string][]string{"default-elb": {member}},
		RecordedMembers: map[string][]string{"default-elb": {member}},
		Operations: []chaosOperation{
			asked("a", http.MethodPost, 0, http.StatusCreated, "1"),
			asked("b", http.MethodPost, 2, http.StatusConflict, "2"),
			asked("c", http.MethodDelete, 4, 0, ""),
			list,
		},
		Record: []change{
			changed("1", "a", "attach", "applied"), changed("2", "b", "attach", "conflict"), changed("3", "c", "detach", "applied"),
		},
		AWS: []awsChange{
			{began.Add(time.Second / 4), "attach", "default-elb", spare}, {began.Add(17 * time.Second / 4), "detach", "default-elb", spare},
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
			r.Record = append(r.Record, change{Source: "external", Action: "attach", LoadBalancer: "default-elb", InstanceID: otherSpare, Outcome: "applied"})
		}},
		"two 201 in a row": {notLinearizable, func(r *chaosRun) { r.Operations[1].Status = http.StatusCreated }},
		"a conflict with nothing": {notLinearizable, func(r *chaosRun) {
			r.Operations[1].Called, r.Operations[1].Returned = 5*time.Second, 6*time.Second
			r.AWS = append(r.AWS, awsChange{r.Began.Add(5 * time.Second), "attach", "default-elb", otherSpare})
			r.Operations[2].Status, r.Operations[2].ChangeID = http.StatusCreated, "3"
		}},
		"a list without an acknowledged change": {notLinearizable, func(r *chaosRun) {
			r.Operations[3].Called, r.Operations[3].Returned = 3*time.Second, 3500*time.Millisecond
		}},
		"an answered change that is not on record":         {answeredNotRecorded, func(r *chaosRun) { r.Operations[2].Status, r.Operations[2].ChangeID = 503, "4" }},
		"a 201 without an id":                              {answeredNotRecorded, func(r *chaosRun) { r.Operations[0].ChangeID = "" }},
		"a 201 on record as failed":                        {answerContradicted, func(r *chaosRun) { r.Operations[0].ChangeID = "2" }},
		"an unexpected answer":                             {serverError, func(r *chaosRun) { r.Operations[2].Status = 500 }},
		"two attaches in a row on record":                  {notAlternating, func(r *chaosRun) { r.Record[1].Outcome = "applied" }},
		"a recorded change that never happened":            {neverHappened, func(r *chaosRun) { r.AWS = r.AWS[:1] }},
		"a change in AWS that is not on record, the last":  {notRecorded, func(r *chaosRun) { r.Record = r.Record[:2] }},
		"a change in AWS that is not on record, the first": {notRecorded, func(r *chaosRun) { r.Record = r.Record[1:] }},
		"a change in AWS that is on record as failed":      {notRecorded, func(r *chaosRun) { r.Record[2].Outcome = "failed" }},
		"an open change":                                   {leftOpen, func(r *chaosRun) { r.Record[1].Outcome = "open" }},
		"other members by the record":                      {membersDiffer, func(r *chaosRun) { r.RecordedMembers["default-elb"] = nil }},
		"a record that is not whole":                       {verifyFailed, func(r *chaosRun) { r.VerifyProblem = "status 1" }},
		"a process that ended":                             {processEnded, func(r *chaosRun) { r.Ended = []string{"replica 0"} }},
		"a service that does not settle":                   {neverSettled, func(r *chaosRun) { r.Unsettled = "replica 0" }},
		"an invisible change without a response":           {notLinearizable, func(r *chaosRun) { r.Operations[3].Members = []string{member, spare}; r.laterAttach() }},
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
		ID: "e", Method: http.MethodPost, LoadBalancer: "default-elb", Instance: spare, Status: http.StatusCreated, ChangeID: "4",
		Called: 20 * time.Second, Returned: 21 * time.Second,
	})
	r.Record = append(r.Record, change{ID: "4", RequestID: "e", Source: "lsapi", Action: "attach", LoadBalancer: "default-elb", InstanceID: spare, Outcome: "applied"})
	r.AWS = append(r.AWS, awsChange{r.Began.Add(8 * time.Second), "attach", "default-elb", spare})
	r.End["default-elb"], r.RecordedMembers["default-elb"] = []string{member, spare}, []string{member, spare}
}

func TestChaosJudgeAcceptsEitherEffectOfUnknownChange(t *testing.T) {
	for name, happened := range map[string]int{"it happened": 2, "it did not": 1} {
		t.Run(name, func(t *testing.T) {
			r := quietRun()
			r.Record[2].Outcome, r.Operations[2].Status = "unknown", http.StatusGatewayTimeout
			r.AWS = r.AWS[:happened]
			if happened == 1 {
				r.Operations[3].Members = append(r.Operations[3].Members, spare)
			}
			if found := r.judge(time.Minute); len(found) > 0 {
				t.Error(found)
			}
		})
	}
}
