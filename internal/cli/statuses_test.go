package cli_test

import (
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// trial is a command line and its exit status.
type trial struct {
	status    int
	arguments string
	environ   []string // in addition to the fake service's
}

// statusesIn returns the statuses listed in a help.
func statusesIn(help string) []string {
	_, text, found := strings.Cut(help, "Exit status: ")
	if !found {
		return nil
	}
	text, _, _ = strings.Cut(text, "\n\n")
	text = " " + strings.Join(strings.Fields(text), " ")
	var statuses []string
	for _, match := range regexp.MustCompile(`(?:^|[,.]) (\d) `).FindAllStringSubmatch(text, -1) {
		statuses = append(statuses, match[1])
	}
	return statuses
}

// Commands that run until a signal have their own tests.
func TestHelpListsExactlyTheExitStatuses(t *testing.T) {
	late := httptest.NewServer(foreign{status: 504, header: "X-Request-Id: r", body: `{"message":"late"}`})
	t.Cleanup(late.Close)
	refusing := httptest.NewServer(foreign{status: 403, header: "X-Request-Id: r", body: `{"message":"not yours"}`})
	t.Cleanup(refusing.Close)
	folder := t.TempDir()
	whole, damaged := filepath.Join(folder, "whole.db"), filepath.Join(folder, "damaged.db")
	writeRecord(t, whole, 3)
	writeRecord(t, damaged, 3)
	forge(t, damaged)
	timeout, refused := []string{"LSAPI_URL=" + late.URL}, []string{"LSAPI_URL=" + refusing.URL}
	unreachable, stranger := []string{"LSAPI_URL=http://127.0.0.1:1"}, []string{"LSAPI_PASSWORD=wrong"}
	reads := func(command, wrong string) []trial {
		return []trial{{0, command, nil}, {1, command, refused}, {2, wrong, nil}, {4, command, timeout}, {5, command, unreachable}, {6, command, stranger}}
	}
	const undo = "changes undo 01a20ee8-6140-7a11-8000-000000000"
	record := []string{"STORE_URL=sqlite:" + whole}
	for command, trials := range map[string][]trial{
		"elb list":    reads("elb list", "elb list --limit -1"),
		"elb show":    reads("elb show web-elb", "elb show"),
		"elb history": append(reads("elb history web-elb", "elb history --action x"), trial{1, "elb history none", nil}),
		"elb attach": append(reads("elb attach web-elb "+spare, "elb attach web-elb i-1"),
			trial{1, "elb attach web-elb " + stopped, nil}, trial{3, "elb attach web-elb " + first, nil}, trial{3, "elb attach web-elb " + spare + " --if-match " + strings.Repeat("0", 32), nil},
			trial{4, "elb attach web-elb " + failing + " --wait --timeout 300ms", nil}, trial{8, "elb attach solo-elb " + spare, nil}),
		"elb detach": append(reads("elb detach web-elb "+first, "elb detach web-elb"),
			trial{3, "elb detach web-elb " + spare, nil}, trial{4, "elb detach web-elb " + first + " --wait --timeout 1ms", nil}, trial{8, "elb detach solo-elb " + lone, nil}),
		"elb set": append(reads("elb set web-elb "+first, "elb set web-elb"),
			trial{1, "elb set web-elb " + first + " " + stopped, nil}, trial{3, "elb set web-elb " + first + " --if-match " + strings.Repeat("0", 32), nil},
			trial{4, "elb set web-elb " + failing + " --wait --timeout 300ms", nil}, trial{8, "elb set web-elb " + spare + " --min-in-service 1", nil}),
		"changes undo": append(reads(undo+"103", "changes undo 103"),
			trial{1, undo + "102", nil}, trial{3, undo + "101", nil}, trial{8, undo + "100", nil}),
		"changes list":       {{0, "changes list", record}, {2, "changes list --limit -1", record}, {2, "changes list", []string{"STORE_URL=sqlite:" + folder + "/none.db"}}},
		"changes checkpoint": {{0, "changes checkpoint", record}, {2, "changes checkpoint now", record}},
		"changes verify":     {{0, "changes verify", record}, {1, "changes verify", []string{"STORE_URL=sqlite:" + damaged}}, {2, "changes verify --checkpoint none", record}},
		"doctor":             {{0, "doctor", nil}, {1, "doctor", unreachable}, {2, "doctor -o x", nil}},
		"version":            {{0, "version", nil}, {2, "version now", nil}},
		"help":               {{0, "help elb", nil}, {2, "help xyzzy", nil}},
	} {
		_, help, _ := inProcess(nil, append(strings.Fields(command), "--help")...)
		documented := statusesIn(help)
		seen := map[string]bool{}
		for _, trial := range trials {
			service := newFakeService(t, soon)
			environ := append(append(service.environ(), "HOME="+folder), trial.environ...)
			status, stdout, stderr := inProcess(environ, strings.Fields(trial.arguments)...)
			if status != trial.status || (status != 0) != strings.HasPrefix(stderr, "lsapi: ") {
				t.Errorf("%s %v: status %d, want %d: %s%s", trial.arguments, trial.environ, status, trial.status, stdout, stderr)
			}
			name := string(rune('0' + status))
			seen[name] = true
			if !slices.Contains(documented, name) {
				t.Errorf("%s ends with %s, and its help names %v", trial.arguments, name, documented)
			}
		}
		for _, name := range documented {
			if !seen[name] && !onlyBySignal(command, name) {
				t.Errorf("the help of %s names the status %s, with which none of its trials ends", command, name)
			}
		}
	}
}

// onlyBySignal reports whether a status needs a signal, or a record that fails later.
func onlyBySignal(command, status string) bool {
	return status == "1" && (command == "changes list" || command == "changes checkpoint")
}
