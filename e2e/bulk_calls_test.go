package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A bulk takes few calls, however many members it has.
func TestBulkTakesFewCalls(t *testing.T) {
	t.Parallel()
	fleet := "targetGroups: [{name: web, port: 80}]\ninstances:\n"
	members := make([]string, 1000)
	if raceEnabled {
		members = members[:300] // the detector slows the record down tenfold
	}
	for i := range members {
		members[i] = fmt.Sprintf("i-%08x", i+1)
		fleet += "  - {id: " + members[i] + "}\n"
	}
	a := startAWS(t, "--fleet", fleetFile(t, fleet), "--latency", "50ms")
	s := startService(t, a.base)
	eventually(t, "the group is read", func() bool { return strings.Contains(s.get("/v1/pools?kind=tg").body, `"arn"`) })
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	change := func(method, query, body, header, outcome string) {
		t.Helper()
		a.resetCalls()
		began := time.Now()
		answer := s.send(method, "/v1/pools/tg/web/members"+query, body, header)
		took := time.Since(began)
		if got := strings.Count(answer.body, `"outcome":"`+outcome+`"`); answer.status != http.StatusOK || got != len(members) {
			t.Fatalf("%s: %d, %d members are %s: %.500s", method, answer.status, got, outcome, answer.body)
		}
		calls := a.calls()
		if calls["RegisterTargets"]+calls["DeregisterTargets"] > (len(members)+199)/200 || calls["DescribeInstances"] > 3 {
			t.Errorf("%s: the calls are %v", method, calls)
		}
		t.Logf("%s%s of %d members: %v, calls %v", method, query, len(members), took.Round(time.Millisecond), calls)
	}
	version := s.send(http.MethodGet, "/v1/pools/tg/web/members", "", noCache).header.Get("ETag")
	change(http.MethodPut, "?dryRun=true", `{"members": `+string(text)+`}`, "If-Match: "+version, "wouldApply")
	change(http.MethodPut, "", `{"members": `+string(text)+`}`, "If-Match: "+version, "applied")
	change(http.MethodPut, "", `{"members": `+string(text)+`}`, "X-Reason: again", "unchanged")
	change(http.MethodPatch, "", `{"detach": `+string(text)+`}`, "X-Reason: all", "applied")
}
