package membership

import (
	"time"

	"lsapi"
)

// refusedForOne reports whether AWS refused a whole batch because of an instance
// in it, so that the others may be sent again without it.
func refusedForOne(err *lsapi.Error) bool {
	return err != nil && err.Code == lsapi.CodeInvalid && !err.Ambiguous
}

// isolate finds the instances for which AWS refused a batch and sends the others
// again. First it looks again at what the round had seen, which finds an
// instance that has stopped meanwhile; then it halves. What is left when
// maxIsolationCalls, or the time of the round's calls, are spent stays refused.
func (r *round) isolate(action lsapi.Action, changes []*change) {
	fit := r.recheck(action, changes)
	left := allowance{calls: maxIsolationCalls, until: changes[0].sendBy}
	if len(fit) < len(changes) && len(fit) > 0 {
		left.spend()
		if err := r.ask(action, fit); !refusedForOne(err) {
			return
		}
	}
	r.halve(action, fit, &left)
}

// allowance is what isolating may still cost.
type allowance struct {
	calls int
	until time.Time
}

// spend takes one call, and reports false when none is left.
func (a *allowance) spend() bool {
	a.calls--
	return a.calls >= 0 && time.Now().Before(a.until)
}

// halve sends each half by itself, and halves again what AWS refuses. A single
// change that AWS refuses is a culprit and keeps AWS's answer.
func (r *round) halve(action lsapi.Action, changes []*change, left *allowance) {
	if len(changes) < 2 {
		return
	}
	middle := len(changes) / 2
	for _, half := range [][]*change{changes[:middle], changes[middle:]} {
		if !left.spend() {
			return
		}
		if err := r.ask(action, half); refusedForOne(err) {
			r.halve(action, half, left)
		}
	}
}

// recheck refuses the changes that a second look shows to be wrong and returns
// the others. When the look fails, all stay: halving finds the culprits too.
func (r *round) recheck(action lsapi.Action, changes []*change) (fit []*change) {
	why := r.attachable
	if action == lsapi.Detach {
		why = r.detachable
	}
	check, err := why(changes)
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
func (r *round) attachable(changes []*change) (check func(*change) *lsapi.Error, err error) {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.instance.ID
	}
	ctx, cancel := r.service.asking()
	defer cancel()
	facts, err := r.service.aws.Instances(ctx, ids)
	return func(c *change) *lsapi.Error { return unfit(factsOf(facts, c.instance.ID)) }, err
}

// detachable reads the membership again.
func (r *round) detachable([]*change) (check func(*change) *lsapi.Error, err error) {
	ctx, cancel := r.service.asking()
	defer cancel()
	began := time.Now()
	ids, err := r.service.aws.Members(ctx, r.loadBalancer)
	members := setOf(r.service.overlay.Over(r.loadBalancer, ids, began))
	return func(c *change) *lsapi.Error {
		if members[c.instance.ID] {
			return nil
		}
		return errConflict(c.action, c.instance.ID, r.loadBalancer)
	}, err
}
