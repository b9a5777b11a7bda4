package record_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// model is what a lane's history should add up to.
type model struct {
	*lane
	random  *rand.Rand
	members map[lsapi.MemberID]bool
	health  map[lsapi.MemberID]lsapi.MemberHealth
	// detached are those that lsapi detached last, with the label of that.
	detached map[lsapi.MemberID]time.Time
	// effects are the changes that may have had one, by member, in order.
	effects map[lsapi.MemberID][]string
	looked  time.Time
	moments []moment
}

// moment is what the membership was at a time.
type moment struct {
	at      time.Time
	members []lsapi.MemberID
}

func testHistory(t *testing.T, s record.Store) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for i := range 3 {
		m := &model{lane: newLane(t, s, lsapi.ELB(fmt.Sprintf("lb-%d", i))), random: rand.New(rand.NewPCG(seed, uint64(i))), members: make(map[lsapi.MemberID]bool), health: make(map[lsapi.MemberID]lsapi.MemberHealth)}
		m.detached, m.effects = make(map[lsapi.MemberID]time.Time), make(map[lsapi.MemberID][]string)
		m.know()
		m.looked = m.now
		for range 60 {
			m.after(time.Duration(1 + m.random.Int64N(int64(2*time.Hour))))
			m.step()
			m.moments = append(m.moments, moment{m.now, slices.SortedFunc(maps.Keys(m.members), lsapi.MemberID.Compare)})
		}
		m.check()
		m.checkDetached(time.Time{})
		m.checkLater()
		if err := pruneAt(t, s, m.now, 2*dayLong); err != nil {
			t.Fatal(err)
		}
		m.check()
		m.checkDetached(m.now.Add(-2 * dayLong))
	}
	wantWhole(t, s)
}

// step makes something happen.
func (m *model) step() {
	member := lsapi.InstanceMember(fmt.Sprintf("i-%08x", m.random.IntN(12)))
	action := m.opposite(member)
	switch m.random.IntN(6) {
	case 0:
		m.note(m.complete(m.intend(m.change(action, member)), lsapi.OutcomeUnknown))
	case 1:
		m.report(member)
	case 2:
		m.observe(action, member)
		external, err := m.s.Changes(m.t.Context(), lsapi.ChangeFilter{Pool: m.lease.Pool, Limit: 1})
		must(m.t, err)
		m.note(external[0])
	case 3:
		m.bulk()
	default:
		m.note(m.do(action, member))
	}
}

// opposite returns what changes the membership of a member.
func (m *model) opposite(member lsapi.MemberID) lsapi.Action {
	if m.members[member] {
		return lsapi.Detach
	}
	return lsapi.Attach
}

// bulk changes several members, of which some are refused by a guard, fail, or may have been
// changed.
func (m *model) bulk() {
	var changes []lsapi.Change
	bulk := idAt(m.now)
	for i := range 12 {
		if member := lsapi.InstanceMember(fmt.Sprintf("i-%08x", i)); m.random.IntN(2) == 0 {
			c := m.change(m.opposite(member), member)
			c.Bulk = bulk
			changes = append(changes, c)
		}
	}
	m.intendAll(changes)
	outcomes := make([]lsapi.Event, len(changes))
	for i, c := range changes {
		c.Outcome = []lsapi.Outcome{lsapi.OutcomeApplied, lsapi.OutcomeApplied, lsapi.OutcomeRefused, lsapi.OutcomeFailed, lsapi.OutcomeUnknown}[m.random.IntN(5)]
		if c.Outcome == lsapi.OutcomeRefused {
			c.Guard = &lsapi.GuardVerdict{Rule: "maxOut 25%"}
		}
		outcomes[i] = lsapi.Event{Kind: lsapi.EventCompleted, At: m.now, Change: c}
		m.note(c)
	}
	m.append(outcomes...)
}

// note adds the effect of a change to the model.
func (m *model) note(c lsapi.Change) {
	if c.Outcome == lsapi.OutcomeApplied || c.Outcome == lsapi.OutcomeUnknown {
		m.effects[c.Member] = append(m.effects[c.Member], c.ID)
	}
	switch {
	case c.Outcome != lsapi.OutcomeApplied:
	case c.Action == lsapi.Attach:
		m.members[c.Member] = true
		delete(m.detached, c.Member)
	default:
		delete(m.members, c.Member)
		if c.Source != lsapi.SourceExternal {
			m.detached[c.Member] = m.now
		}
	}
}

// report records an instance's health, or its end.
func (m *model) report(member lsapi.MemberID) {
	if m.random.IntN(3) == 0 {
		delete(m.health, member)
		m.drain(member)
		return
	}
	said := []lsapi.MemberHealth{inService(member), outOfService(member), draining(member)}[m.random.IntN(3)]
	m.health[member] = said
	m.say(said)
}

// observe records a recent external change.
func (m *model) observe(action lsapi.Action, member lsapi.MemberID) {
	event := lsapi.Event{Kind: lsapi.EventObserved, At: m.now, Since: m.now.Add(-time.Nanosecond), Until: m.now}
	if action == lsapi.Attach {
		event.Added = []lsapi.MemberID{member}
	} else {
		event.Removed = []lsapi.MemberID{member}
	}
	m.append(event)
}

// checkDetached compares the detached members, of which pruning may have dropped those before
// a time.
func (m *model) checkDetached(pruned time.Time) {
	m.t.Helper()
	got := m.state().Detached
	for member, at := range m.detached {
		if _, has := got[member]; !has && !at.Before(pruned) {
			m.t.Errorf("lsapi detached %s at %v, but the state has %v", member, at, got)
		}
	}
	for member := range got {
		if _, has := m.detached[member]; !has {
			m.t.Errorf("the state has %s as detached, but only %v are", member, m.detached)
		}
	}
}

// checkLater compares the changes after each change.
func (m *model) checkLater() {
	m.t.Helper()
	for member, ids := range m.effects {
		for i, id := range ids {
			later, err := m.s.Later(m.t.Context(), lsapi.Change{ID: id, Member: member, Pool: m.lease.Pool})
			must(m.t, err)
			wantIDs(m.t, later, ids[i+1:min(len(ids), i+1+10)]...)
		}
	}
}

func (m *model) check() {
	m.t.Helper()
	if state := m.state(); !maps.Equal(state.Members, m.members) {
		m.t.Errorf("the members are %v, want %v", state.Members, m.members)
	}
	if got := health(m.t, m.s, m.lease.Pool); !maps.Equal(got, m.health) {
		m.t.Errorf("the health is %+v, want %+v", got, m.health)
	}
	reached := false
	for _, then := range m.moments {
		found, err := m.s.MembersAt(m.t.Context(), m.lease.Pool, then.at)
		if lsapi.ErrorCode(err) == lsapi.CodeNotFound && !reached {
			continue // pruned
		}
		if err != nil {
			m.t.Fatal(err)
		}
		reached = true
		if got := ids(found); !slices.Equal(got, then.members) {
			m.t.Errorf("the members at %v are %v, want %v", then.at, got, then.members)
		}
	}
	if !reached {
		m.t.Error("the record reaches back to nothing")
	}
	wantWhole(m.t, m.s)
}
