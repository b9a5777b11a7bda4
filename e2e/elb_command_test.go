package e2e

import (
	"slices"
	"strings"
	"testing"
)

// asUser returns the environment of the command for the service.
func (s *service) asUser() []string {
	return []string{"LSAPI_URL=" + s.base, "LSAPI_USER=" + user, "LSAPI_PASSWORD=" + password}
}

// elb runs lsapi elb against the service, and expects an exit status.
func (s *service) elb(t *testing.T, want int, arguments ...string) (stdout, stderr string) {
	t.Helper()
	status, stdout, stderr := run(t, append([]string{"elb"}, arguments...), with(s.asUser()...))
	if status != want {
		t.Errorf("lsapi elb %s: status %d, want %d\n%s%s", strings.Join(arguments, " "), status, want, stdout, stderr)
	}
	return stdout, stderr
}

// elbChange is an element of the output of lsapi elb attach and detach.
type elbChange struct {
	Pool, Member, Outcome, ChangeID, Error string
	LastState                              *struct {
		Health *struct{ State string }
	}
}

func TestElbAttachAndDetachWait(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		stdout, _ := s.elb(t, 0, "attach", "default-elb", spare, otherSpare, "--wait", "--timeout", "2m", "--reason", "release 7")
		made := decoded[[]elbChange](t, stdout)
		if len(made) != 2 || made[0].Member != spare || made[1].Member != otherSpare || made[0].Pool != "elb/default-elb" {
			t.Fatalf("the output is %s", stdout)
		}
		for _, m := range made {
			if m.Outcome != "inService" || m.LastState == nil || m.LastState.Health == nil || m.LastState.Health.State != "InService" {
				t.Errorf("the output is %s", stdout)
			}
			if c := s.change(m.ChangeID); c.Reason != "release 7" || c.Actor != user {
				t.Errorf("on record is %+v", c)
			}
		}
		s.elb(t, 3, "attach", "default-elb", spare, "--wait")
		stdout, _ = s.elb(t, 0, "detach", "default-elb", spare, "--wait", "--timeout", "10m")
		if !strings.Contains(stdout, `"drained"`) {
			t.Errorf("the output is %s", stdout)
		}
		s.elb(t, 3, "detach", "default-elb", spare)
		s.elb(t, 1, "attach", "no-such-elb", spare)
		s.elb(t, 1, "attach", "default-elb", "i-0dead00000000beef")
		verify(t, store)
	})
}

func TestElbListShowAndCompletion(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	s.attach("web-elb", spare)
	listed, _ := s.elb(t, 0, "list")
	var names []string
	for _, b := range decoded[[]struct{ Name string }](t, listed) {
		names = append(names, b.Name)
	}
	if !slices.Equal(names, []string{"default-elb", "web-elb"}) {
		t.Errorf("listed are %s", listed)
	}
	if filtered, _ := s.elb(t, 0, "list", "--tag", "team=web", "--health", "OutOfService", "-o", "table"); !strings.Contains(filtered, "\nweb-elb ") || strings.Contains(filtered, "default-elb") {
		t.Errorf("listed are\n%s", filtered)
	}
	if table, _ := s.elb(t, 0, "show", "web-elb", "-o", "table"); !strings.Contains(table, "attach by "+user+", applied") || !strings.Contains(table, "OutOfService") {
		t.Errorf("it shows\n%s", table)
	}
	s.elb(t, 1, "show", "no-such-elb")
	status, offered, _ := run(t, []string{"__complete", "elb", "detach", "web-elb", ""}, with(s.asUser()...))
	if status != 0 || !strings.Contains(offered, "\n"+spare) {
		t.Errorf("status %d, offered are\n%s", status, offered)
	}
}

func TestElbReportsConnectionAndCredentialErrors(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for name, test := range map[string]struct {
		variables []string
		status    int
		says      string
	}{
		"without a listener": {[]string{"LSAPI_URL=http://127.0.0.1:1", "LSAPI_TOKEN=" + apiToken()}, 5, "LSAPI_URL"},
		"no credentials":     {[]string{"LSAPI_URL=" + s.base}, 6, "LSAPI_USER"},
		"wrong ones":         {[]string{"LSAPI_URL=" + s.base, "LSAPI_USER=" + user, "LSAPI_PASSWORD=wrong"}, 6, "the environment"},
		"an address of none": {[]string{"LSAPI_URL=localhost"}, 2, "URL"},
	} {
		status, stdout, stderr := run(t, []string{"elb", "list"}, with(test.variables...))
		if status != test.status || stdout != "" || !strings.HasPrefix(stderr, "lsapi: ") || !strings.Contains(stderr, test.says) {
			t.Errorf("%s: status %d, %s%s", name, status, stdout, stderr)
		}
	}
}

func TestElbWatchPrintsEventsUntilInterrupted(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		watcher := start(t, []string{"elb", "watch", "default-elb"}, with(s.asUser()...))
		// Its first event shows that the stream is open.
		eventually(t, "it watches", func() bool {
			s.attach("default-elb", otherSpare)
			s.detach("default-elb", otherSpare)
			return strings.Contains(watcher.stdout.String(), otherSpare)
		})
		id := s.attach("default-elb", spare).changeID(t)
		watcher.waitFor(watcher.stdout, `"type":"attached".*"member":"`+spare+`".*`+id)
		watcher.waitFor(watcher.stdout, `"type":"health".*"member":"`+spare+`".*InService`)
		watcher.signal(interrupt)
		if status := watcher.wait(); status != 0 || watcher.stderr.String() != "" {
			t.Errorf("status %d, %s", status, watcher.stderr)
		}
		s.elb(t, 1, "watch", "no-such-elb")
	})
}
