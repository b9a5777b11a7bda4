package v1

import (
	"testing"
	"time"

	"lsapi"
)

// The record has microseconds, responses have milliseconds.
func TestTimeOfAnswerIncludesItsChange(t *testing.T) {
	recorded := time.Date(2026, time.November, 24, 18, 54, 0, 217_999_000, time.UTC)
	told := parseTime(instant(recorded).String())
	if at := endOfMillisecond(told); at.Before(recorded) {
		t.Errorf("%v is before %v", at, recorded)
	}
	for _, at := range []time.Time{told, recorded} {
		if then := endOfMillisecond(at); instant(then).String() != instant(recorded).String() {
			t.Errorf("%v is asked about, and the answer is about %v", at, then)
		}
	}
}

func TestSetOfMembersIsEncodedOnceWhileItStaysTheSame(t *testing.T) {
	answers, pool := newMembersAnswers(), lsapi.TG("web")
	of := func(members []lsapi.Member) membersAnswer {
		t.Helper()
		answer, err := answers.of(pool, members)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	one := lsapi.Member{ID: lsapi.MemberID{Instance: "i-a", Port: 80}}
	other := lsapi.Member{ID: lsapi.MemberID{Instance: "i-b", Port: 80}}
	both := []lsapi.Member{one, other}
	first := of(both)
	if again := of(both); &again.body[0] != &first.body[0] || again.etag != first.etag {
		t.Error("the same set was encoded again")
	}
	for _, changed := range [][]lsapi.Member{both[:1], {other, one}, nil, {}} {
		if got := of(changed); &got.body[0] == &first.body[0] || (got.etag == first.etag) != (len(changed) == 2) {
			t.Errorf("of %d members it is %s", len(changed), got.body)
		}
		of(both)
	}
}
