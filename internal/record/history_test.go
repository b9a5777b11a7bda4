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
		m.know()
		m.looked = m.now
		for range 60 {
			m.after(time.Duration(1 + m.random.Int64N(int64(2*time.Hour))))
			m.step()
			m.moments = append(m.moments, moment{m.now, slices.SortedFunc(maps.Keys(m.members), lsapi.MemberID.Compare)})
		}
		m.check()
		if err := pruneAt(t, s, m.now, 2*dayLong); err != nil {
			t.Fatal(err)
		}
		m.check()
	}
	wantWhole(t, s)
}

// step makes something happen.
func (m *model) step() {
	member := fmt.Sprintf("i-%08x", m.random.IntN(12))
	action := lsapi.Attach
	if m.members[lsapi.InstanceMember(member)] {
		action = lsapi.Detach
	}
	switch m.random.IntN(5) {
	case 0:
		m.complete(m.intend(m.change(action, lsapi.InstanceMember(member))), lsapi.OutcomeUnknown)
		return
	case 1:
		m.report(lsapi.InstanceMember(member))
		return
	case 2:
		m.observe(action, lsapi.InstanceMember(member))
	default:
		m.do(action, lsapi.InstanceMember(member))
	}
	if m.members[lsapi.InstanceMember(member)] = action == lsapi.Attach; action == lsapi.Detach {
		delete(m.members, lsapi.InstanceMember(member))
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
