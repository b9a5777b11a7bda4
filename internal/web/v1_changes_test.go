package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares a body with a file of testdata.
func checkGolden(t *testing.T, name, body string) {
	t.Helper()
	file := filepath.Join("testdata", "v1", name)
	if *update {
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if body != string(want) {
		t.Errorf("the body is\n%s\nwant, by %s,\n%s", body, file, want)
	}
}

func TestChangeAnswerHasItsTerms(t *testing.T) {
	r := &records{changes: story().changes[:1]}
	c := &r.changes[0]
	c.Bulk, c.Undoes, c.IfMatch = changeID(1000, epoch), changeID(9, epoch), `"v1", "v2"`
	c.Guard = &lsapi.GuardVerdict{Rule: "minInService 3", Overridden: true, Reason: "the machine burns"}
	got := get(t, r, "/v1/changes/"+c.ID)
	checkGolden(t, "change-terms.json", indented(t, got.body))
}

// indented makes JSON readable for people.
func indented(t *testing.T, body string) string {
	t.Helper()
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(body), "", "  "); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return text.String()
}

func TestRecordAnswersMatchGoldenFiles(t *testing.T) {
	r := story()
	tests := []struct {
		file, path string
		status     int
	}{
		{"changes.json", "/v1/changes", 200},
		{"changes-first-page.json", "/v1/changes?limit=1", 200},
		{"changes-none.json", "/v1/changes?actor=nobody", 200},
		{"change-applied.json", "/v1/changes/" + r.changes[0].ID, 200},
		{"change-refused.json", "/v1/changes/" + r.changes[1].ID, 200},
		{"change-external.json", "/v1/changes/" + r.changes[2].ID, 200},
		{"change-open.json", "/v1/changes/" + r.changes[3].ID, 200},
		{"change-unknown.json", "/v1/changes/" + changeID(9, epoch), 404},
		{"change-no-id.json", "/v1/changes/7", 404},
		{"members.json", "/v1/pools/elb/default-elb/members?at=2026-11-24T18:01:00Z", 200},
		{"members-uncertain.json", "/v1/pools/elb/default-elb/members?at=2026-11-24T18:01:59.0009Z", 200},
		{"members-none.json", "/v1/pools/elb/other-elb/members?at=2026-11-24T19:01:00%2B01:00", 200},
		{"members-too-early.json", "/v1/pools/elb/default-elb/members?at=2026-11-24T17:59:59Z", 404},
		{"bad-request.json", "/v1/changes?limit=0&Actor=x&from=now", 400},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			got := get(t, r, test.path)
			if got.StatusCode != test.status {
				t.Errorf("status is %d, want %d", got.StatusCode, test.status)
			}
			want := "application/json"
			if test.status >= 400 {
				want = "application/problem+json"
			}
			if got.Header.Get("Content-Type") != want || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers are %v", got.Header)
			}
			checkGolden(t, test.file, indented(t, got.body))
		})
	}
}

// page is a decoded page of changes.
type page struct {
	Changes    []struct{ ID, Outcome string }
	NextCursor *string
}

func readPage(t *testing.T, got response) (ids []string, next *string) {
	t.Helper()
	if got.StatusCode != http.StatusOK {
		t.Fatalf("answer is %d %s", got.StatusCode, got.body)
	}
	var p page
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Changes {
		ids = append(ids, c.ID)
	}
	return ids, p.NextCursor
}

// numbers turns ids into the numbers of their changes.
func numbers(t *testing.T, r *records, ids []string) []int {
	t.Helper()
	var found []int
	for _, id := range ids {
		found = append(found, slices.IndexFunc(r.changes, func(c lsapi.Change) bool { return c.ID == id }))
	}
	return found
}

func TestFiltersNarrowChanges(t *testing.T) {
	tests := []struct {
		query string
		want  []int
	}{
		{"", []int{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
		{"pool=elb/old-elb", []int{10, 7, 4, 1}},
		{"kind=elb&to=2026-11-24T18:00:02Z", []int{1, 0}},
		{"kind=tg", nil},
		{"member=" + spare, []int{11, 10, 9, 5, 4, 3}},
		{"instance=" + spare, []int{11, 10, 9, 5, 4, 3}},
		{"member=" + spare + "&instance=" + spare, []int{11, 10, 9, 5, 4, 3}},
		{"member=" + spare + ":8080", nil},
		{"actor=bob", []int{11, 9, 7, 5, 3, 1}},
		{"action=detach", []int{11, 10, 7, 6, 3, 2}},
		{"outcome=refused", []int{10, 6, 2}},
		{"outcome=open", []int{11, 7, 3}},
		{"outcome=unknown", nil},
		{"bulk=" + changeID(1001, epoch), []int{7, 6}},
		{"bulk=" + changeID(1001, epoch) + "&action=detach&outcome=open", []int{7}},
		{"bulk=" + changeID(7, epoch), nil},
		{"from=2026-11-24T18:00:09Z", []int{11, 10, 9}},
		{"from=2026-11-24T18:00:09.0001Z", []int{11, 10}},
		{"to=2026-11-24T18:00:02Z", []int{1, 0}},
		{"to=2026-11-24T18:00:02.000001Z", []int{2, 1, 0}},
		{"from=2026-11-24T20:00:02%2B02:00&to=2026-11-24T18:00:03Z", []int{2}},
		{"to=0001-01-01T00:00:00Z", nil},
		{"from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59-23:00", []int{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
		{"limit=2", []int{11, 10}},
		{"pool=elb/old-elb&instance=" + spare + "&actor=alice&action=detach&outcome=refused&from=2026-11-24T18:00:00Z&to=2026-11-24T19:00:00Z&limit=1000", []int{10}},
	}
	r := filled(12)
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			ids, _ := readPage(t, get(t, r, "/v1/changes?"+test.query))
			if got := numbers(t, r, ids); !slices.Equal(got, test.want) {
				t.Errorf("the changes are %v, want %v", got, test.want)
			}
		})
	}
}

func TestChangePagesAreComplete(t *testing.T) {
	r := filled(250)
	for _, limit := range []int{1, 7, 100, 125, 249, 250, 251, 1000} {
		query := url.Values{"limit": {strconv.Itoa(limit)}, "to": {"2027-01-01T00:00:00Z"}}
		var all []string
		for pages := 1; ; pages++ {
			ids, next := readPage(t, get(t, r, "/v1/changes?"+query.Encode()))
			all = append(all, ids...)
			if next == nil {
				if want := (250 + limit - 1) / limit; pages != want {
					t.Errorf("limit %d: there are %d pages, want %d", limit, pages, want)
				}
				break
			}
			query.Set("cursor", *next)
		}
		for i, number := range numbers(t, r, all) {
			if number != 249-i || len(all) != 250 {
				t.Fatalf("limit %d: change %d of %d is number %d", limit, i, len(all), number)
			}
		}
	}
	ids, _ := readPage(t, get(t, r, "/v1/changes"))
	if len(ids) != 100 {
		t.Errorf("a page has %d changes when nobody asks for more, want 100", len(ids))
	}
}

func TestCursorRequiresSameFilters(t *testing.T) {
	r := filled(12)
	_, next := readPage(t, get(t, r, "/v1/changes?actor=bob&limit=2"))
	if next == nil {
		t.Fatal("there is no next page")
	}
	flipped := []byte(*next)
	flipped[3] ^= 1
	for name, query := range map[string]string{
		"other filters":     "actor=alice&cursor=" + *next,
		"another filter":    "actor=bob&outcome=applied&cursor=" + *next,
		"a bulk":            "actor=bob&bulk=" + changeID(7, epoch) + "&cursor=" + *next,
		"no filters":        "cursor=" + *next,
		"cut off":           "actor=bob&cursor=" + (*next)[:20],
		"something behind":  "actor=bob&cursor=" + *next + "AAAA",
		"a character wrong": "actor=bob&cursor=" + string(flipped),
		"an id":             "actor=bob&cursor=" + r.changes[3].ID,
		"a line break":      "actor=bob&cursor=" + (*next)[:4] + "%0A" + (*next)[4:],
		"nonsense":          "actor=bob&cursor=%00",
	} {
		t.Run(name, func(t *testing.T) {
			checkRefused(t, get(t, r, "/v1/changes?"+query), "query.cursor", "not the nextCursor of a page with the same filters")
		})
	}
	ids, _ := readPage(t, get(t, r, "/v1/changes?cursor="+*next+"&limit=1000&actor=bob"))
	if got := numbers(t, r, ids); !slices.Equal(got, []int{7, 5, 3, 1}) {
		t.Errorf("the next page is %v", got)
	}
}

// problem is a decoded error.
type problem struct {
	Type, Title, Detail string
	Code                string
	Status              int
	Errors              []struct{ Location, Message string }
	Member              *apiv1.Member
	Members             []apiv1.GuardedMember
}

func readProblem(t *testing.T, got response) problem {
	t.Helper()
	var p problem
	decoder := json.NewDecoder(strings.NewReader(got.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		t.Fatalf("%v in %s", err, got.body)
	}
	if got.Header.Get("Content-Type") != "application/problem+json" || p.Type != "about:blank" ||
		p.Status != got.StatusCode || p.Code == "" || p.Code != got.Header.Get("X-Error-Code") || p.Title != http.StatusText(p.Status) || p.Detail == "" {
		t.Errorf("the answer is %d %s %s", got.StatusCode, got.Header.Get("Content-Type"), got.body)
	}
	return p
}

func checkRefused(t *testing.T, got response, location, message string) {
	t.Helper()
	p := readProblem(t, got)
	if got.StatusCode != http.StatusBadRequest || len(p.Errors) != 1 {
		t.Fatalf("answer is %d %s, want 400 with one error", got.StatusCode, got.body)
	}
	if p.Errors[0].Location != location || !strings.Contains(p.Errors[0].Message, message) || !strings.Contains(p.Detail, location) {
		t.Errorf("the answer is %s, want %s: %s", got.body, location, message)
	}
}

func TestInvalidQueryIsRefusedByName(t *testing.T) {
	const changes, members = "/v1/changes", "/v1/pools/elb/default-elb/members"
	tests := []struct{ path, query, location, message string }{
		{changes, "loadBalancer=x", "query.loadBalancer", "there is no such parameter; there are pool, kind, member, instance, actor, action, outcome, bulk, from, to, limit, cursor"},
		{changes, "Pool=x", "query.Pool", "no such parameter"},
		{changes, "=x", "query.", "no such parameter"},
		{changes, "id=x", "query.id", "no such parameter"},
		{changes, strings.Repeat("é", 200) + "=x", "query." + strings.Repeat("é", 64) + "...", "no such parameter"},
		{changes, "actor=", "query.actor", "is empty"},
		{changes, "actor", "query.actor", "is empty"},
		{changes, "limit&action=attach", "query.limit", "is empty"},
		{changes, "actor=alice&actor=bob", "query.actor", "more than once"},
		{changes, "actor=%zz", "query", "malformed"},
		{changes, "actor=a;limit=1", "query", "malformed"},
		{changes, "actor=%ff", "query.actor", "not UTF-8"},
		{changes, "actor=a%00b", "query.actor", "control characters"},
		{changes, "actor=" + strings.Repeat("a", 257), "query.actor", "length <= 256"},
		{changes, "pool=elb/-x", "query.pool", "such as elb/default-elb"},
		{changes, "pool=default-elb", "query.pool", "such as elb/default-elb"},
		{changes, "pool=alb/web", "query.pool", "such as elb/default-elb"},
		{changes, "pool=elb/x%0A", "query.pool", "such as elb/default-elb"},
		{changes, "instance=i-5203422g", "query.instance", "hexadecimal digits"},
		{changes, "member=web-1", "query.member", "the id of a member"},
		{changes, "member=" + running + "&instance=" + spare, "query.instance", "not the instance of the member"},
		{changes, "action=register", "query.action", "attach, detach"},
		{changes, "outcome=Applied", "query.outcome", "applied, conflict"},
		{changes, "bulk=7", "query.bulk", "a UUID of version 7, in lower case"},
		{changes, "bulk=" + strings.ToUpper(changeID(1001, epoch)), "query.bulk", "a UUID of version 7, in lower case"},
		{changes, "limit=0", "query.limit", ">= 1"},
		{changes, "limit=1001", "query.limit", "<= 1000"},
		{changes, "limit=-1", "query.limit", ">= 1"},
		{changes, "limit=ten", "query.limit", "integer"},
		{changes, "limit=1e2", "query.limit", "integer"},
		{changes, "limit=99999999999999999999", "query.limit", "integer"},
		{changes, "from=yesterday", "query.from", "RFC 3339"},
		{changes, "from=2026-11-24T18:00:00+01:00", "query.from", "%2B"},
		{changes, "to=2026-11-24", "query.to", "RFC 3339"},
		{changes, "to=2026-02-30T00:00:00Z", "query.to", "RFC 3339"},
		{changes, "from=2026-11-24T18:00:00Z&to=2026-11-24T18:00:00Z", "query.to", "later than from"},
		{members, "at=", "query.at", "is empty"},
		{members, "at=1732471200", "query.at", "RFC 3339"},
		{members, "when=2026-11-24T18:00:00Z", "query.when", "there is no such parameter; there are at"},
		{members, "name=x", "query.name", "no such parameter"},
		{"/v1/changes/" + changeID(0, epoch), "verbose=1", "query.verbose", "there are none"},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			r := story()
			handler := handlerOf(withRecord(r))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://lsapi"+test.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.URL.RawQuery = test.query
			checkRefused(t, do(handler, request), test.location, test.message)
			if r.asked.Load() > 0 {
				t.Error("the record was asked")
			}
		})
	}
}

func TestQueryErrorOmitsValue(t *testing.T) {
	got := get(t, story(), "/v1/changes?limit=secret1&from=secret2&action=secret3&actor=secret4%01&pool=secret5_&cursor=secret6")
	if p := readProblem(t, got); len(p.Errors) != 5 || strings.Contains(got.body, "secret") {
		t.Errorf("the answer is %s", got.body)
	}
	query := strings.Repeat("x", 3)
	for i := range 100 {
		query += "&p" + strconv.Itoa(i) + "=1"
	}
	if p := readProblem(t, get(t, story(), "/v1/changes?"+query)); len(p.Errors) != 16 {
		t.Errorf("%d errors are named, want no more than anybody corrects at once", len(p.Errors))
	}
}

// The record's clock decides what is in the future, not this machine's.
func TestMembersAtRejectsTheFutureOfTheRecord(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, 0, time.Hour} {
		r := story()
		r.ahead = ahead
		now := time.Now().Add(ahead).UTC()
		at := func(at time.Time) response {
			return get(t, r, "/v1/pools/elb/default-elb/members?at="+at.Format("2006-01-02T15:04:05.000Z"))
		}
		if got := at(now); got.StatusCode != http.StatusOK {
			t.Errorf("%v ahead, now is refused: %s", ahead, got.body)
		}
		checkRefused(t, at(now.Add(time.Minute)), "query.at", "future")
	}
}
