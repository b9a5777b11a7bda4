package membership_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
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
			if !isRecorded || change.Bulk != b.BulkID || change.Member != r.Member || change.Outcome != r.Outcome {
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

// desired returns the request for a set of members, by their numbers.
func desired(numbers ...int) lsapi.Bulk {
	b := bulk()
	b.Desired = new(lsapi.DesiredMembers)
	for _, n := range numbers {
		b.Desired.Members = append(b.Desired.Members, numbered(n))
	}
	return b
}

func TestDesiredSetChangesTheDifferenceAlone(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(b *lsapi.Bulk)
		results []string
		members []lsapi.MemberID
		changes int
	}{
		"the whole set": {
			func(*lsapi.Bulk) {},
			[]string{"+5 applied", "+3 conflict", "+4 applied", "-1 applied", "-2 applied"}, from(3, 5),
			4,
		},
		"an additive one": {
			func(b *lsapi.Bulk) { b.Desired.Additive = true },
			[]string{"+5 applied", "+3 conflict", "+4 applied"}, from(1, 5),
			2,
		},
		"a dry run": {
			func(b *lsapi.Bulk) { b.DryRun = true },
			[]string{"+5 applied", "+3 conflict", "+4 applied", "-1 applied", "-2 applied"}, from(1, 3), 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(from(1, 3)...), newFakeRecord()
			aws.run(from(4, 5)...) // EC2 no longer has the others
			recorded(t, aws, record, func(t *testing.T, s *service) {
				b := desired(5, 3, 4)
				test.change(&b)
				result := wantDecided(t, s, b)
				wantResults(t, result, test.results...)
				wantMembers(t, aws, test.members...)
				for _, r := range result.Results {
					if isOnRecord := r.Outcome == lsapi.OutcomeApplied && !b.DryRun; isOnRecord != (r.ChangeID != "") || !hasChange(record, r.ChangeID) {
						t.Errorf("%s has the change %q", r.Member, r.ChangeID)
					}
				}
				if lines := record.lines(); result.Recorded != (len(lines) > 0) || len(lines) != 2*test.changes || aws.count("Members") != 1 || aws.count("Instances") != 1 {
					t.Errorf("recorded %v, the record is %q, the calls %v", result.Recorded, lines, aws.calls)
				}
			})
		})
	}
}

func TestDesiredSetThatIsThereChangesNothing(t *testing.T) {
	for _, numbers := range [][]int{{1, 2}, {}} {
		aws := newFakeAWS(from(1, len(numbers))...)
		inBubble(t, aws, func(t *testing.T, s *service) {
			began := time.Now()
			result := wantDecided(t, s, desired(numbers...))
			if len(result.Results) != len(numbers) || result.Recorded || aws.count("Instances") > 0 || time.Since(began) > time.Second {
				t.Errorf("the results are %q, the calls %v", resultTexts(result), aws.calls)
			}
		})
	}
}

func TestAtomicBulkSendsNothingIfOneIsRefused(t *testing.T) {
	aws, record := newFakeAWS(from(1, 2)...), newFakeRecord()
	aws.run(from(1, 3)...)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		b := bulk(-1, 2, 7, 3)
		b.Atomic = true
		result := wantDecided(t, s, b)
		wantResults(t, result, "-1  bulk.skipped", "+2  bulk.skipped", "+7 refused invalid", "+3  bulk.skipped")
		if result.Recorded || len(record.lines()) > 0 || aws.count("Deregister")+aws.count("Register") > 0 {
			t.Errorf("the record is %q, the calls %v", record.lines(), aws.calls)
		}
		b = bulk(-1, 2, 3) // a conflict is no refusal
		b.Atomic = true
		wantResults(t, wantDecided(t, s, b), "-1 applied", "+2 conflict", "+3 applied")
	})
}

func TestDryRunPredictsTheWriteAndChangesNothing(t *testing.T) {
	for name, b := range map[string]lsapi.Bulk{"changes": bulk(-1, 2, 7, -9, 4), "a desired set": desired(2, 5), "one with a refusal": desired(2, 7)} {
		for _, b.Atomic = range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", atomic ", b.Atomic), func(t *testing.T) {
				aws, record := newFakeAWS(from(1, 3)...), newFakeRecord()
				aws.run(from(1, 6)...)
				recorded(t, aws, record, func(t *testing.T, s *service) {
					wantCode(t, change(s, lsapi.Detach, numbered(3)), "") // the membership is on record
					events := len(record.recorded())
					dry := b
					dry.DryRun = true
					prediction := wantDecided(t, s, dry)
					if prediction.Recorded || prediction.Pending || len(record.recorded()) != events || aws.count("Register")+aws.count("Deregister") != 1 {
						t.Errorf("the dry run is %+v, the record %q, the calls %v", prediction, record.lines(), aws.calls)
					}
					wantResults(t, prediction, resultTexts(wantDecided(t, s, b))...)
				})
			})
		}
	}
}

func TestDryRunOfOneChange(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		for _, test := range []struct {
			action lsapi.Action
			member lsapi.MemberID
			want   lsapi.Code
		}{{lsapi.Attach, two, ""}, {lsapi.Detach, one, ""}, {lsapi.Attach, one, lsapi.CodeConflict}, {lsapi.Attach, three, lsapi.CodeInvalid}} {
			r := request(test.action, test.member)
			r.DryRun = true
			result, err := s.Change(t.Context(), r)
			wantCode(t, lsapi.ErrorCode(err), test.want)
			if result.Recorded || result.Member != test.member {
				t.Errorf("%s of %s: %+v", test.action, test.member, result)
			}
		}
		wantMembers(t, aws, one)
		if len(record.lines()) > 0 {
			t.Errorf("the record has %q", record.lines())
		}
	})
}

// A dry run behind a change of its member waits for it; one of another member does not.
func TestDryRunCountsTheChangesBeforeIt(t *testing.T) {
	aws := newFakeAWS(one)
	aws.run(one, two)
	inBubble(t, aws, func(t *testing.T, s *service) {
		done := make(chan lsapi.Code, 2)
		go func() { done <- change(s, lsapi.Detach, one) }()
		time.Sleep(time.Millisecond)
		go func() { done <- change(s, lsapi.Attach, two) }()
		time.Sleep(time.Millisecond)
		r := request(lsapi.Attach, two)
		r.DryRun = true
		_, err := s.Change(t.Context(), r)
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeConflict)
		wantCode(t, <-done, "")
		wantCode(t, <-done, "")
	})
}

func TestChangeOfAnotherVersionFailsItsPrecondition(t *testing.T) {
	aws, record := newFakeAWS(from(1, 2)...), newFakeRecord()
	aws.run(from(1, 4)...)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		old, now := lsapi.MembershipVersion(from(1, 3)), lsapi.MembershipVersion(from(1, 2))
		r := request(lsapi.Attach, numbered(3))
		r.IfMatch = []string{old}
		result, err := s.Change(t.Context(), r)
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodePrecondition)
		if !strings.Contains(lsapi.AsError(err).Message, now) || result.Recorded {
			t.Errorf("the result is %+v, %v", result, err)
		}
		b := bulk(1, 3)
		b.IfMatch = []string{old}
		_, err = changeAll(s, b)
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodePrecondition)
		b = desired(1)
		b.IfMatch, b.DryRun = []string{old}, true
		_, err = changeAll(s, b)
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodePrecondition)
		if len(record.lines()) > 0 {
			t.Errorf("the record has %q", record.lines())
		}
		b = bulk(1, 3)
		b.IfMatch = []string{old, now}
		wantResults(t, wantDecided(t, s, b), "+1 conflict", "+3 applied")
		if last := lastOf(record.recorded()).Change; last.IfMatch != old+","+now || last.Bulk != b.BulkID {
			t.Errorf("the change on record is %+v", last)
		}
		r = request(lsapi.Detach, numbered(3))
		r.IfMatch = []string{"*"}
		_, err = s.Change(t.Context(), r)
		wantCode(t, lsapi.ErrorCode(err), "")
		r.IfMatch, r.ChangeID = []string{old}, "again" // it is as requested, whatever the version
		_, err = s.Change(t.Context(), r)
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeConflict)
	})
}

func TestOfWritersWithOneVersionExactlyOneSucceeds(t *testing.T) {
	for _, services := range []int{1, 2} {
		t.Run(fmt.Sprint(services, " services"), func(t *testing.T) {
			aws, record := newFakeAWS(one), newFakeRecord()
			aws.lag = 2 * time.Second
			aws.run(from(1, 60)...)
			synctest.Test(t, func(t *testing.T) {
				all := []*service{newService(aws, membership.Options{Record: record}), newService(aws, membership.Options{Record: record.replica(0)})}[:services]
				version := []string{lsapi.MembershipVersion([]lsapi.MemberID{one})}
				codes := make(chan lsapi.Code)
				for n := range 40 {
					go func() {
						ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
						defer cancel()
						s := all[n%services]
						if n%3 > 0 {
							r := request(lsapi.Attach, numbered(n+2))
							r.IfMatch = version
							_, err := s.Change(ctx, r)
							codes <- lsapi.ErrorCode(err)
							return
						}
						b := bulk(n+2, -1)
						b.IfMatch = version
						_, err := s.ChangeAll(ctx, b)
						codes <- lsapi.ErrorCode(err)
					}()
				}
				got := make(map[lsapi.Code]int)
				for range 40 {
					got[<-codes]++
				}
				if got[""] != 1 || got[lsapi.CodePrecondition] != 39 {
					t.Errorf("got %v", got)
				}
				for _, s := range all {
					if err := s.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// A replay under the key of a bulk has nothing but the record. Without an event, a member of a
// desired set would be reported as unchanged.
func TestBulkThatIsOnRecordHasAllItsRefusalsThere(t *testing.T) {
	for name, test := range map[string]struct {
		bulk lsapi.Bulk
		want []string
	}{
		"a desired set":               {desired(2, 3, 7), []string{"completed attach i-00000007 refused", "completed detach i-00000001 failed", "intended attach i-00000003", "completed attach i-00000003 applied"}},
		"changes":                     {bulk(3, 7, -1), []string{"completed attach i-00000007 refused", "completed detach i-00000001 failed", "intended attach i-00000003", "completed attach i-00000003 applied"}},
		"a conflict":                  {bulk(2, 7), []string{"completed attach i-00000002 conflict", "completed attach i-00000007 refused"}},
		"nothing but what is refused": {bulk(7, -1), nil},
		"a set that is refused":       {desired(2, 7), nil},
	} {
		t.Run(name, func(t *testing.T) {
			guarded(t, from(1, 2), rules{keepLast}, func(t *testing.T, aws *fakeAWS, record *fakeRecord, s *service) {
				aws.run(from(1, 3)...)
				wantCode(t, change(s, lsapi.Attach, numbered(1)), lsapi.CodeConflict) // the membership is on record
				before := len(record.lines())
				aws.next("Health", fails(lsapi.CodeUpstream))
				result := wantDecided(t, s, test.bulk)
				if got := record.lines()[before:]; !slices.Equal(got, test.want) {
					t.Errorf("the record has %q, want %q", got, test.want)
				}
				if result.Recorded != (test.want != nil) {
					t.Errorf("the result is %+v", result)
				}
			})
		})
	}
}
