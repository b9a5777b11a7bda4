package membership

import (
	"context"
	"slices"
	"sync"
	"time"

	"lsapi"
)

// sender makes the register and deregister calls of a round.
type sender struct {
	*shared
	pool        lsapi.PoolID
	incarnation string // of the pool that the round has read
	permit      lsapi.BeforeAttempt
}

// sendAll sends the changes, each direction by as few calls as AWS permits. Detaches go
// first, so that a full pool has room for the attaches.
func (s *sender) sendAll(changes []*change) {
	var attaches, detaches []*change
	for _, c := range changes {
		if c.action == lsapi.Attach {
			attaches = append(attaches, c)
		} else {
			detaches = append(detaches, c)
		}
	}
	s.send(lsapi.Detach, detaches)
	s.send(lsapi.Attach, attaches)
}

// send makes the calls for changes of one direction at once, so that their common deadline
// holds for all.
func (s *sender) send(action lsapi.Action, changes []*change) {
	var calls sync.WaitGroup
	for some := range slices.Chunk(changes, maxBatch) {
		calls.Go(func() { s.sendSome(action, some) })
	}
	calls.Wait()
}

// sendSome makes one call. If AWS refuses it because of one of the members, the others are
// sent again.
func (s *sender) sendSome(action lsapi.Action, changes []*change) {
	if err := s.try(action, changes); refusedForOne(err) {
		s.isolate(action, changes)
	}
}

// try makes one call, and notes its answer in the changes, which have the same deadline.
func (s *sender) try(action lsapi.Action, changes []*change) *lsapi.Error {
	call := s.aws.Register
	if action == lsapi.Detach {
		call = s.aws.Deregister
	}
	s.metrics.Batch(string(action), len(changes))
	ctx, cancel := s.calling()
	defer cancel()
	ctx, cancelLast := context.WithDeadline(ctx, changes[0].sendBy)
	defer cancelLast()
	sentAt := time.Now()
	awsRequestID, failure := call(ctx, s.pool, s.incarnation, membersOf(changes), s.permit)
	err := codedOrNil(failure)
	if refusedForOne(err) && len(changes) > 1 {
		// AWS's message names one of them. The others must not get it.
		err.Message = "AWS refused the member together with the others of its batch"
	}
	deadline, _ := ctx.Deadline()
	for _, c := range changes {
		c.err, c.awsRequestID, c.deadline, c.sentAt = err, awsRequestID, deadline, sentAt
	}
	return err
}

// refusedForOne reports whether AWS refused a batch because of a member in it, so that the
// others may be sent again.
func refusedForOne(err *lsapi.Error) bool {
	return err != nil && err.Code == lsapi.CodeInvalid && !err.Ambiguous
}

func codedOrNil(err error) *lsapi.Error {
	if err == nil {
		return nil
	}
	return lsapi.AsError(err)
}

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
