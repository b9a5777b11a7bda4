package membership_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"lsapi"
)

// bulk returns a bulk of changes, each "+i" or "-i" of the instance with the number.
func bulk(numbers ...int) lsapi.Bulk {
	b := lsapi.Bulk{ID: "r", BulkID: fmt.Sprint("bulk-", changes.Add(1)), At: time.Now(), Actor: lsapi.Actor{Name: "alice"}, Pool: web}
	for _, n := range numbers {
		b.Items = append(b.Items, lsapi.BulkItem{Action: lsapi.Attach, Member: numbered(max(n, -n))})
		if n < 0 {
			b.Items[len(b.Items)-1].Action = lsapi.Detach
		}
	}
	return b
}

// numbered returns the instance with a number.
func numbered(n int) lsapi.MemberID { return lsapi.InstanceMember(fmt.Sprintf("i-%08x", n)) }

// from returns the instances with the numbers.
func from(first, last int) []lsapi.MemberID {
	var members []lsapi.MemberID
	for n := first; n <= last; n++ {
		members = append(members, numbered(n))
	}
	return members
}

// changeAll makes the changes of a bulk within the client's 30 s.
func changeAll(s *service, b lsapi.Bulk) (lsapi.BulkResult, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return s.ChangeAll(ctx, b)
}

// wantResults compares the results of a bulk: "+1 applied", "-2 conflict", "+3 refused invalid".
func wantResults(t *testing.T, got lsapi.BulkResult, want ...string) {
	t.Helper()
	if texts := resultTexts(got); !slices.Equal(texts, want) {
		t.Errorf("the results are %q, want %q", texts, want)
	}
}

func resultTexts(got lsapi.BulkResult) []string {
	var texts []string
	for _, r := range got.Results {
		var n int
		_, _ = fmt.Sscanf(r.Member.Instance, "i-%x", &n)
		text := fmt.Sprintf("+%d %s", n, r.Outcome)
		if r.Action == lsapi.Detach {
			text = fmt.Sprintf("-%d %s", n, r.Outcome)
		}
		if r.Err != nil {
			text += " " + string(r.Err.Code)
		}
		texts = append(texts, text)
	}
	return texts
}

// wantDecided makes the changes of a bulk that is decided.
func wantDecided(t *testing.T, s *service, b lsapi.Bulk) lsapi.BulkResult {
	t.Helper()
	result, err := changeAll(s, b)
	if err != nil {
		t.Fatalf("the bulk: %v", err)
	}
	return result
}

func TestBulkIsDecidedAtOnceWithResultsInItsOrder(t *testing.T) {
	aws, record := newFakeAWS(from(1, 3)...), newFakeRecord()
	aws.run(from(1, 5)...)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		b := bulk(4, -1, 2, -9, 7, -3, 5)
		result := wantDecided(t, s, b)
		wantResults(t, result, "+4 applied", "-1 applied", "+2 conflict", "-9 conflict", "+7 refused invalid", "-3 applied", "+5 applied")
		wantMembers(t, aws, from(2, 2)[0], numbered(4), numbered(5))
		if !result.Recorded || result.Pending {
			t.Errorf("the result is %+v", result)
		}
		if aws.count("Members") != 1 || aws.count("Instances") != 1 || aws.count("Deregister") != 1 || aws.count("Register") != 1 {
			t.Errorf("the calls are %v", aws.calls)
		}
		ids := make(map[string]lsapi.Change)
		for _, e := range record.recorded() {
			if e.Change.ID != "" {
				ids[e.Change.ID] = e.Change
			}
		}
		for _, r := range result.Results {
			change, isRecorded := ids[r.ChangeID]
			if (r.Outcome == lsapi.OutcomeRefused) == isRecorded || isRecorded && (change.Bulk != b.BulkID || change.Member != r.Member || change.Outcome != r.Outcome) {
				t.Errorf("%s of %s has the change %q: %+v", r.Action, r.Member, r.ChangeID, change)
			}
			if r.Outcome == lsapi.OutcomeApplied && r.Instance.ID != r.Member.Instance {
				t.Errorf("%s has the instance %+v", r.Member, r.Instance)
			}
		}
	})
}

func TestBulkOfManyMembersTakesOneCallFor200(t *testing.T) {
	aws := newFakeAWS(from(1, 300)...)
	aws.run(from(1, 1000)...)
	inBubble(t, aws, func(t *testing.T, s *service) {
		var changes []int
		for n := 1; n <= 1000; n++ {
			changes = append(changes, map[bool]int{true: -n, false: n}[n <= 300])
		}
		began := time.Now()
		result := wantDecided(t, s, bulk(changes...))
		took := time.Since(began)
		for i, r := range result.Results {
			if r.Outcome != lsapi.OutcomeApplied || r.Member != numbered(i+1) {
				t.Fatalf("result %d is %+v", i, r)
			}
		}
		if aws.count("Deregister") != 2 || aws.count("Register") != 4 || aws.count("Members") != 1 {
			t.Errorf("it took %d, %d and %d calls", aws.count("Deregister"), aws.count("Register"), aws.count("Members"))
		}
		if took > 4*aws.latency {
			t.Errorf("it took %v", took)
		}
	})
}

func TestBulkOfTooManyOrRepeatedMembersIsInvalid(t *testing.T) {
	aws := newFakeAWS()
	inBubble(t, aws, func(t *testing.T, s *service) {
		many := make([]int, 1001)
		for i := range many {
			many[i] = i + 1
		}
		for _, b := range []lsapi.Bulk{bulk(many...), bulk(1, 2, -1)} {
			_, err := changeAll(s, b)
			wantCode(t, lsapi.ErrorCode(err), lsapi.CodeInvalid)
		}
		if len(aws.calls) > 0 {
			t.Errorf("the calls are %v", aws.calls)
		}
	})
}

func TestBulkIsOnePlaceInTheQueue(t *testing.T) {
	aws := newFakeAWS()
	aws.run(from(1, 800)...)
	inBubble(t, aws, func(t *testing.T, s *service) {
		done := make(chan error)
		for n := range 4 {
			go func() {
				var changes []int
				for i := 200*n + 1; i <= 200*n+200; i++ {
					changes = append(changes, i)
				}
				_, err := changeAll(s, bulk(changes...))
				done <- err
			}()
		}
		time.Sleep(time.Millisecond) // the first of them is taken
		if stats := s.Stats(); stats.Waiting > 4 {
			t.Errorf("%d wait", stats.Waiting)
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
