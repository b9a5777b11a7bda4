package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// lsapi runs a command against the service, and expects an exit status.
func (s *service) lsapi(t *testing.T, want int, arguments ...string) (stdout, stderr string) {
	t.Helper()
	status, stdout, stderr := run(t, arguments, with(s.asUser()...))
	if status != want {
		t.Errorf("lsapi %s: status %d, want %d\n%s%s", strings.Join(arguments, " "), status, want, stdout, stderr)
	}
	return stdout, stderr
}

func TestBulkCommandsChangeManyMembersAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		list := filepath.Join(t.TempDir(), "members")
		if err := os.WriteFile(list, []byte("# the new ones\n"+spare+"\n"+otherSpare+" # the other\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		// A dry run prints the plan, and changes nothing.
		plan, _ := s.elb(t, 0, "attach", "default-elb", "-f", list, "--dry-run", "-o", "table")
		if !strings.Contains(plan, "+  "+spare+"  attach\n") || !strings.HasSuffix(plan, "Plan: 2 to attach, 0 to detach, 0 unchanged. Nothing was changed.\n") {
			t.Errorf("the plan is\n%s", plan)
		}
		if calls := a.calls(); calls["RegisterInstancesWithLoadBalancer"] > 0 {
			t.Errorf("a dry run made the calls %v", calls)
		}
		stdout, _ := s.elb(t, 0, "attach", "default-elb", "-f", list, "--wait", "--timeout", "2m", "--reason", "release 7")
		made := decoded[[]elbChange](t, stdout)
		if len(made) != 2 || made[0].Member != spare || made[0].Outcome != "inService" || made[1].Outcome != "inService" {
			t.Fatalf("the output is %s", stdout)
		}
		if c := s.change(made[1].ChangeID); c.Reason != "release 7" || c.Actor != user {
			t.Errorf("on record is %+v", c)
		}
		if n := a.calls()["RegisterInstancesWithLoadBalancer"]; n != 1 {
			t.Errorf("%d calls register", n)
		}
		s.elb(t, 3, "attach", "default-elb", "-f", list)
		s.elb(t, 0, "attach", "default-elb", "-f", list, "--ensure", "--wait", "--timeout", "2m")

		// A set says what it detaches.
		plan, _ = s.elb(t, 0, "set", "default-elb", member, spare, "--dry-run", "-o", "table")
		if !strings.Contains(plan, "=  "+member+"  unchanged\n") || !strings.Contains(plan, "-  "+otherSpare+"  detach\n") {
			t.Errorf("the plan is\n%s", plan)
		}
		stdout, _ = s.elb(t, 0, "set", "default-elb", member, spare, "--wait", "--timeout", "10m")
		if got := decoded[[]elbChange](t, stdout); len(got) != 3 || got[2].Member != otherSpare || got[2].Outcome != "drained" {
			t.Errorf("the output is %s", stdout)
		}
		s.elb(t, 0, "set", "default-elb", otherSpare, "--additive")
		if got, want := a.members("default-elb"), sorted(member, spare, otherSpare); !slices.Equal(got, want) {
			t.Errorf("the members are %v, want %v", got, want)
		}
		verify(t, store)
	})
}

func sorted(ids ...string) []string { slices.Sort(ids); return ids }

func TestCommandKeepsMembersInService(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	s.elb(t, 0, "attach", "default-elb", spare, "--wait", "--timeout", "2m")
	stdout, stderr := s.elb(t, 8, "detach", "default-elb", member, spare, "--min-in-service", "1")
	if got := decoded[[]elbChange](t, stdout); len(got) != 2 || got[0].Outcome != "applied" || got[1].Outcome != "refused" {
		t.Errorf("the output is %s", stdout)
	}
	if !strings.Contains(stderr, "minInService 1 (request)") || !strings.Contains(stderr, "--min-in-service requires that") || !strings.Contains(stderr, "in service: "+spare) {
		t.Errorf("stderr is %s", stderr)
	}
	if got := a.members("default-elb"); !slices.Equal(got, []string{spare}) {
		t.Errorf("the members are %v", got)
	}
	// An atomic one detaches none.
	s.elb(t, 0, "attach", "default-elb", member, "--wait", "--timeout", "2m")
	stdout, _ = s.elb(t, 8, "detach", "default-elb", member, spare, "--min-in-service", "1", "--atomic")
	if got := decoded[[]elbChange](t, stdout); len(got) != 2 || got[0].Outcome != "skipped" || len(a.members("default-elb")) != 2 {
		t.Errorf("the output is %s", stdout)
	}
}

func TestCommandChangesMembersOfAVersion(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	version := decoded[struct{ MembershipVersion string }](t, s.get("/v1/pools/elb/default-elb").body).MembershipVersion
	s.elb(t, 0, "attach", "default-elb", spare, "--if-match", version)
	_, stderr := s.elb(t, 3, "attach", "default-elb", otherSpare, "--if-match", version)
	now := decoded[struct{ MembershipVersion string }](t, s.get("/v1/pools/elb/default-elb").body).MembershipVersion
	if !strings.Contains(stderr, now) || now == version {
		t.Errorf("of %s: %s", now, stderr)
	}
}

func TestCommandUndoesAChange(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		stdout, _ := s.elb(t, 0, "attach", "default-elb", spare, "--key", "k", "--wait", "--timeout", "2m")
		id := decoded[[]elbChange](t, stdout)[0].ChangeID
		if again, _ := s.elb(t, 0, "attach", "default-elb", spare, "--key", "k"); decoded[[]elbChange](t, again)[0].ChangeID != id {
			t.Errorf("under the same key it is %s", again)
		}
		if plan, _ := s.lsapi(t, 0, "changes", "undo", id, "--dry-run", "-o", "table"); !strings.Contains(plan, "-  "+spare+"  detach\n") {
			t.Errorf("the plan is\n%s", plan)
		}
		stdout, _ = s.lsapi(t, 0, "changes", "undo", id, "--reason", "too early", "--wait", "--timeout", "10m")
		undone := decoded[[]elbChange](t, stdout)
		if len(undone) != 1 || undone[0].Outcome != "drained" || undone[0].Member != spare || slices.Contains(a.members("default-elb"), spare) {
			t.Fatalf("the output is %s", stdout)
		}
		if _, stderr := s.lsapi(t, 3, "changes", "undo", id); !strings.Contains(stderr, undone[0].ChangeID) {
			t.Errorf("again: %s", stderr)
		}
		s.lsapi(t, 0, "changes", "undo", undone[0].ChangeID)
		if !slices.Contains(a.members("default-elb"), spare) {
			t.Errorf("the members are %v", a.members("default-elb"))
		}
		s.lsapi(t, 1, "changes", "undo", "01a20ee8-6140-7a11-8000-000000000999")
		verify(t, store)
	})
}

func TestCommandChangesHundredsOfMembersInFewCalls(t *testing.T) {
	t.Parallel()
	a := startAWS(t, "--fleet", "1x400")
	s := startService(t, a.base)
	stdout, _ := s.lsapi(t, 0, "pool", "list", "-q")
	pool := strings.TrimSpace(stdout)
	stdout, _ = s.lsapi(t, 0, "pool", "show", pool, "-q")
	list := filepath.Join(t.TempDir(), "members")
	if err := os.WriteFile(list, []byte(stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(stdout, "\n"); n != 400 {
		t.Fatalf("it has %d members", n)
	}
	a.resetCalls()
	s.lsapi(t, 0, "pool", "detach", pool, "-f", list, "-q")
	s.lsapi(t, 0, "pool", "attach", pool, "-f", list, "-q")
	if calls := a.calls(); calls["RegisterInstancesWithLoadBalancer"] != 2 || calls["DeregisterInstancesFromLoadBalancer"] != 2 {
		t.Errorf("the calls are %v", calls)
	}
}
