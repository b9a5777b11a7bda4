package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// chaosRun holds the observations of one run. When the judge finds an anomaly, it is
// written to a file from which it can be judged again.
type chaosRun struct {
	Scenario   string
	Seed       uint64
	Began      time.Time
	Lasted     time.Duration
	Operations []chaosOperation
	Faults     []chaosFault
	// Begin and End are the members in AWS, by pool.
	Begin, End map[string][]string
	// AWS is AWS's history of membership changes, in order.
	AWS []awsChange
	// Record is what lsapi recorded, in the order of each pool's log.
	Record []change
	// RecordedMembers are the members at the end, according to the record.
	RecordedMembers map[string][]string
	// VerifyProblem is the error of `lsapi changes verify`; empty if it succeeded.
	VerifyProblem string
	// Ended are the processes that ended unexpectedly.
	Ended []string
	// Unsettled describes what was still open at the timeout; empty if nothing was.
	Unsettled string
}

// chaosOperation is a request and its response. A list is one operation with Members.
type chaosOperation struct {
	ID              string // its X-Request-Id
	Client, Replica int
	Action          string // attach, detach or list
	poolMember
	WithoutPort           bool          // the request means the group's own port
	Called, Returned      time.Duration // since the run began
	Status                int           // 0: no response
	Outcome               string        // that the response states; "" for none
	ChangeID, Body, Error string
	NotSent               bool // no replica received it
	Members               []string
}

// chaosFault is a fault that was injected.
type chaosFault struct {
	Name     string
	Replica  int
	At, Ends time.Duration
}

// awsChange is a membership change in the emulator's history.
type awsChange struct {
	At     time.Time
	Action string
	poolMember
}

// anomaly is a broken promise.
type anomaly struct{ Kind, Detail string }

const (
	notLinearizable     = "not linearizable"
	undecided           = "linearizability not decided"
	externalRecorded    = "external change recorded"
	answeredNotRecorded = "answered change not on record"
	answerContradicted  = "answer contradicts the record"
	notAlternating      = "record does not alternate"
	notRecorded         = "AWS change not on record"
	neverHappened       = "recorded change never happened"
	leftOpen            = "change left open"
	membersDiffer       = "members differ in the end"
	verifyFailed        = "verify fails"
	unexpectedAnswer    = "unexpected answer"
	neverSettled        = "does not settle"
	processEnded        = "process ended by itself"
)

// judge returns every anomaly of a run.
func (r *chaosRun) judge(limit time.Duration) []anomaly {
	var found []anomaly
	add := func(kind, format string, values ...any) {
		found = append(found, anomaly{kind, fmt.Sprintf(format, values...)})
	}
	if r.VerifyProblem != "" {
		add(verifyFailed, "%s", r.VerifyProblem)
	}
	if r.Unsettled != "" {
		add(neverSettled, "%s", r.Unsettled)
	}
	for _, process := range r.Ended {
		add(processEnded, "%s", process)
	}
	r.judgeRecord(add)
	r.judgeAnswers(add)
	for pool, members := range r.End {
		if recorded := r.RecordedMembers[pool]; !slices.Equal(members, recorded) {
			add(membersDiffer, "%s: AWS has %v, the record %v", pool, members, recorded)
		}
	}
	effects := r.align(add)
	parts := set.Partition(r.history(effects))
	for _, part := range parts {
		switch result := porcupine.CheckOperationsTimeout(set.ToModel(), part, limit/time.Duration(len(parts))); result {
		case porcupine.Illegal:
			add(notLinearizable, "%s", explain(part))
		case porcupine.Unknown:
			add(undecided, "%d operations of %v", len(part), part[0].Input)
		}
	}
	return found
}

type reportAnomaly func(kind, format string, values ...any)

// judgeRecord judges the record by itself: it has no external changes, no open changes,
// and the applied changes of a member alternate.
func (r *chaosRun) judgeRecord(add reportAnomaly) {
	is := r.membersAtBegin()
	last := make(map[poolMember]change)
	for _, c := range r.Record {
		key := c.poolMember
		switch {
		case c.Source != "lsapi":
			add(externalRecorded, "%s %s on %s, between %v and %v", c.Action, c.Member, c.Pool, c.NotBefore, c.IntendedAt)
		case c.Outcome == "open":
			add(leftOpen, "%+v", c)
		}
		switch c.Outcome {
		case "unknown":
			delete(is, key) // unknown
		case "applied":
			attach := c.Action == "attach"
			if member, known := is[key]; known && member == attach {
				add(notAlternating, "%s %s follows %s %s: %s of %s on %s", c.Action, c.ID, last[key].Action, last[key].ID, c.Source, c.Member, c.Pool)
			}
			is[key], last[key] = attach, c
		}
	}
}

// membersAtBegin returns whether each member of the record was one at the start of the run.
func (r *chaosRun) membersAtBegin() map[poolMember]bool {
	is := make(map[poolMember]bool)
	for _, c := range r.Record {
		is[c.poolMember] = slices.Contains(r.Begin[c.Pool], c.Member)
	}
	return is
}

// inconclusive are the statuses of responses that state no outcome.
var inconclusive = []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// judgeAnswers compares each response with the record.
func (r *chaosRun) judgeAnswers(add reportAnomaly) {
	byID := make(map[string]change, len(r.Record))
	for _, c := range r.Record {
		byID[c.ID] = c
	}
	for _, o := range r.Operations {
		if o.Status != 0 && o.Outcome == "" && !slices.Contains(inconclusive, o.Status) {
			add(unexpectedAnswer, "%d to %s %s on %s: %s", o.Status, o.Action, o.Member, o.Pool, o.Body)
		}
		if o.Action == "list" || o.Status == 0 {
			continue
		}
		c, recorded := byID[o.ChangeID]
		switch {
		case o.ChangeID == "" && o.Outcome != "":
			add(answeredNotRecorded, "%d to %s has no X-Change-Id", o.Status, o.ID)
		case o.ChangeID != "" && !recorded:
			add(answeredNotRecorded, "%d to %s %s on %s at %v: %s: %s", o.Status, o.Action, o.Member, o.Pool, o.Returned, o.ChangeID, o.Body)
		case o.Outcome != "" && (c.Outcome != o.Outcome || c.Action != o.Action || c.Pool != o.Pool || c.Member != o.Member):
			add(answerContradicted, "%d to %s: %s of %s on %s is %s, and on record is %+v", o.Status, o.ID, o.Action, o.Member, o.Pool, o.Outcome, c)
		}
	}
}

// tookEffect is the latest time at which a recorded change took effect.
type tookEffect struct{ by time.Duration }

// align pairs AWS's changes with the recorded ones, member by member. An applied
// change has one change in AWS, an unknown one has one or none, and there are no others.
// It returns the recorded changes that took effect, with the latest time of that: the
// next change of a member is not sent before the outcome of the previous one is on
// record.
func (r *chaosRun) align(add reportAnomaly) map[string]tookEffect {
	effects := make(map[string]tookEffect)
	recorded, happened := make(map[poolMember][]change), make(map[poolMember][]awsChange)
	for _, c := range r.Record {
		if c.Source == "lsapi" && slices.Contains([]string{"applied", "unknown", "open"}, c.Outcome) {
			key := c.poolMember
			recorded[key] = append(recorded[key], c)
		}
	}
	for _, c := range r.AWS {
		key := c.poolMember
		happened[key] = append(happened[key], c)
	}
	keys := make(map[poolMember]bool)
	for _, all := range []map[poolMember]bool{setOf(recorded), setOf(happened)} {
		maps.Copy(keys, all)
	}
	for key := range keys {
		pairs, problem := pair(recorded[key], happened[key])
		if problem != (anomaly{}) {
			add(problem.Kind, "%s on %s: %s", key.Member, key.Pool, problem.Detail)
		}
		for i, j := range pairs {
			by := time.Duration(math.MaxInt64)
			if j+1 < len(happened[key]) {
				by = happened[key][j+1].At.Sub(r.Began) + clockSlack
			}
			effects[recorded[key][i].ID] = tookEffect{by}
		}
	}
	return effects
}

// clockSlack bounds the difference between this process's monotonic clock and the
// emulator's wall clock.
const clockSlack = 100 * time.Millisecond

func setOf[V any](m map[poolMember]V) map[poolMember]bool {
	keys := make(map[poolMember]bool, len(m))
	for key := range m {
		keys[key] = true
	}
	return keys
}

// pairing is one way to pair the changes up to some point: the last pair and the previous
// ones.
type pairing struct {
	recorded, happened int
	before             *pairing
}

// pair pairs recorded changes with changes that happened, both in order. It returns the
// index of the latter by that of the former, as far as possible, and the problem where
// that ends.
func pair(recorded []change, happened []awsChange) (map[int]int, anomaly) {
	ways := map[int]*pairing{0: nil} // by the number of paired happened
	var problem anomaly
	for i, c := range recorded {
		next := make(map[int]*pairing)
		for j, way := range ways {
			if c.Outcome != "applied" {
				next[j] = way
			}
			if j < len(happened) && happened[j].Action == c.Action {
				next[j+1] = &pairing{i, j, way}
			}
		}
		if len(next) == 0 {
			problem = divergence(c, happened, slices.Max(slices.Collect(maps.Keys(ways))))
			return unwind(ways), problem
		}
		ways = next
	}
	if last := slices.Max(slices.Collect(maps.Keys(ways))); last < len(happened) {
		problem = anomaly{notRecorded, fmt.Sprintf("%d of %d: the first is %s at %v", len(happened)-last, len(happened), happened[last].Action, happened[last].At)}
	}
	return unwind(ways), problem
}

// divergence describes the first recorded change without a pair.
func divergence(c change, happened []awsChange, at int) anomaly {
	if at < len(happened) {
		return anomaly{notRecorded, fmt.Sprintf("%s at %v; the record goes on with %s %s of %v", happened[at].Action, happened[at].At, c.Action, c.ID, c.IntendedAt)}
	}
	return anomaly{neverHappened, fmt.Sprintf("%s %s of %v, %s", c.Action, c.ID, c.IntendedAt, c.Outcome)}
}

// unwind returns the pairs of the longest pairing.
func unwind(ways map[int]*pairing) map[int]int {
	pairs := make(map[int]int)
	for p := ways[slices.Max(slices.Collect(maps.Keys(ways)))]; p != nil; p = p.before {
		pairs[p.recorded] = p.happened
	}
	return pairs
}

// history returns the operations for the model. For a response without a definite effect
// the record decides, which AWS's history confirms.
func (r *chaosRun) history(effects map[string]tookEffect) []porcupine.Operation {
	byRequest := make(map[string]change, len(r.Record))
	for _, c := range r.Record {
		byRequest[c.RequestID] = c
	}
	var history []porcupine.Operation
	add := func(o chaosOperation, member string, output effect, returned time.Duration) {
		history = append(history, porcupine.Operation{
			ClientId: o.Client, Input: operation{o.Action, poolMember{o.Pool, member}}, Output: output,
			Call: int64(o.Called), Return: int64(returned),
		})
	}
	members := r.members()
	for _, o := range r.Operations {
		switch {
		case o.Action == "list" && o.Outcome == listed:
			for _, member := range members[o.Pool] {
				output := absent
				if slices.Contains(o.Members, member) {
					output = present
				}
				add(o, member, output, o.Returned)
			}
		case o.Action == "list" || o.NotSent:
		case o.Outcome == applied:
			add(o, o.Member, took, o.Returned)
		case o.Outcome == conflict:
			add(o, o.Member, already, o.Returned)
		default:
			if when, did := effects[byRequest[o.ID].ID]; did {
				add(o, o.Member, took, max(when.by, o.Called))
			}
		}
	}
	return history
}

// members returns the members of all operations, by pool.
func (r *chaosRun) members() map[string][]string {
	members := make(map[string][]string)
	for _, o := range r.Operations {
		if o.Member != "" && !slices.Contains(members[o.Pool], o.Member) {
			members[o.Pool] = append(members[o.Pool], o.Member)
		}
	}
	return members
}

// explain lists the operations where a history first contradicts a set.
func explain(part []porcupine.Operation) string {
	slices.SortFunc(part, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	first, after := 0, len(part) // part[:first] is consistent, part[:after] is not
	for first+1 < after {
		middle := (first + after) / 2
		if porcupine.CheckOperationsTimeout(set.ToModel(), until(part, part[middle-1].Return), 10*time.Second) == porcupine.Illegal {
			after = middle
		} else {
			first = middle
		}
	}
	shown := until(part, part[after-1].Return)
	slices.SortFunc(shown, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	text := fmt.Sprintf("until %v; before that:", time.Duration(part[after-1].Return))
	for _, o := range shown[max(0, len(shown)-20):] {
		text += fmt.Sprintf("\n\t%d: %v to %v: %s", o.ClientId, time.Duration(o.Call), time.Duration(o.Return), set.DescribeOperation(o.Input, o.Output))
	}
	return text
}

// until returns the operations that had a response by a time, and the changes in flight
// then, which may have taken effect.
func until(part []porcupine.Operation, end int64) []porcupine.Operation {
	var earlier []porcupine.Operation
	for _, o := range part {
		switch {
		case o.Return <= end:
			earlier = append(earlier, o)
		case o.Call < end && o.Output == took:
			o.Output, o.Return = maybe, math.MaxInt64
			earlier = append(earlier, o)
		}
	}
	return earlier
}
