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
	members map[string]bool
	health  map[string]lsapi.MemberHealth
	looked  time.Time
	moments []moment
}

// moment is what the membership was at a time.
type moment struct {
	at      time.Time
	members []string
}

func testHistory(t *testing.T, s record.Store) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for i := range 3 {
		m := &model{lane: newLane(t, s, fmt.Sprintf("lb-%d", i)), random: rand.New(rand.NewPCG(seed, uint64(i))), members: make(map[string]bool), health: make(map[string]lsapi.MemberHealth)}
		m.know()
		m.looked = m.now
		for range 60 {
			m.after(time.Duration(1 + m.random.Int64N(int64(2*time.Hour))))
			m.step()
			m.moments = append(m.moments, moment{m.now, slices.Sorted(maps.Keys(m.members))})
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
	instance := fmt.Sprintf("i-%08x", m.random.IntN(12))
	action := lsapi.Attach
	if m.members[instance] {
		action = lsapi.Detach
	}
	switch m.random.IntN(5) {
	case 0:
		m.complete(m.intend(m.change(action, instance)), lsapi.OutcomeUnknown)
		return
	case 1:
		m.report(instance)
		return
	case 2:
		m.observe(action, instance)
	default:
		m.do(action, instance)
	}
	if m.members[instance] = action == lsapi.Attach; action == lsapi.Detach {
		delete(m.members, instance)
	}
}

// report records an instance's health, or its end.
func (m *model) report(instance string) {
	if m.random.IntN(3) == 0 {
		delete(m.health, instance)
		m.drain(instance)
		return
	}
	said := []lsapi.MemberHealth{inService(instance), outOfService(instance), draining(instance)}[m.random.IntN(3)]
	m.health[instance] = said
	m.say(said)
}

// observe records a recent external change.
func (m *model) observe(action lsapi.Action, instance string) {
	event := lsapi.Event{Kind: lsapi.EventObserved, At: m.now, Since: m.now.Add(-time.Nanosecond), Until: m.now}
	if action == lsapi.Attach {
		event.Added = []string{instance}
	} else {
		event.Removed = []string{instance}
	}
	m.append(event)
}

func (m *model) check() {
	m.t.Helper()
	if state := m.state(); !maps.Equal(state.Members, m.members) {
		m.t.Errorf("the members are %v, want %v", state.Members, m.members)
	}
	if got := health(m.t, m.s, m.lease.LoadBalancer); !maps.Equal(got, m.health) {
		m.t.Errorf("the health is %+v, want %+v", got, m.health)
	}
	reached := false
	for _, then := range m.moments {
		found, err := m.s.MembersAt(m.t.Context(), m.lease.LoadBalancer, then.at)
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
