package membership

import (
	"time"

	"lsapi"
)

// isolate finds the members for which AWS refused a batch, and sends the others again. First
// it reads afresh what the round has read, which finds an instance that has stopped
// meanwhile. Then it halves. What is left when maxIsolationCalls, or the time of the round's
// calls, are spent stays refused.
func (s *sender) isolate(action lsapi.Action, changes []*change) {
	fit := s.recheck(action, changes)
	left := allowance{calls: maxIsolationCalls, until: changes[0].sendBy}
	if len(fit) < len(changes) && len(fit) > 0 {
		left.spend()
		if err := s.try(action, fit); !refusedForOne(err) {
			return
		}
	}
	s.halve(action, fit, &left)
}

// allowance is what isolating may still cost.
type allowance struct {
	calls int
	until time.Time
}

// spend takes one call; false if none is left.
func (a *allowance) spend() bool {
	a.calls--
	return a.calls >= 0 && time.Now().Before(a.until)
}

// halve sends each half by itself, and halves again what AWS refuses. A single change that
// AWS refuses keeps AWS's answer.
func (s *sender) halve(action lsapi.Action, changes []*change, left *allowance) {
	if len(changes) < 2 {
		return
	}
	middle := len(changes) / 2
	for _, half := range [][]*change{changes[:middle], changes[middle:]} {
		if !left.spend() {
			return
		}
		if err := s.try(action, half); refusedForOne(err) {
			s.halve(action, half, left)
		}
	}
}

// recheck refuses the changes that a second read shows to be wrong, and returns the
// others. If the read fails, it returns all: halving finds the culprits too.
func (s *sender) recheck(action lsapi.Action, changes []*change) (fit []*change) {
	read := s.attachable
	if action == lsapi.Detach {
		read = s.detachable
	}
	check, err := read(changes)
	if err != nil {
		return changes
	}
	for _, c := range changes {
		if err := check(c); err != nil {
			c.err = err
			continue
		}
		fit = append(fit, c)
	}
	return fit
}

// attachable looks the instances up again.
func (s *sender) attachable(changes []*change) (check func(*change) *lsapi.Error, err error) {
	ctx, cancel := s.calling()
	defer cancel()
	var facts map[string]lsapi.Instance
	if ids := instanceIDs(membersOf(changes)); len(ids) > 0 {
		facts, err = s.aws.Instances(ctx, ids)
	}
	return func(c *change) *lsapi.Error { return unfit(c.member, factsOf(facts, c.member.Instance)) }, err
}

// detachable reads the membership again.
func (s *sender) detachable([]*change) (check func(*change) *lsapi.Error, err error) {
	ctx, cancel := s.calling()
	defer cancel()
	began := time.Now()
	read, err := s.aws.Members(ctx, s.pool)
	members := setOf(s.overlay.Over(s.pool, read.Members, began))
	return func(c *change) *lsapi.Error {
		if members[c.member] {
			return nil
		}
		return errConflict(c.action, c.member, s.pool)
	}, err
}
