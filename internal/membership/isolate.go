package membership

import (
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
// maxIsolationCalls are spent stays refused.
func (l *lane) isolate(action lsapi.Action, changes []*change) {
	fit := l.recheck(action, changes)
	calls := maxIsolationCalls
	if len(fit) < len(changes) && len(fit) > 0 {
		calls--
		if err := l.ask(action, fit); !refusedForOne(err) {
			return
		}
	}
	l.halve(action, fit, &calls)
}

// halve sends each half by itself, and halves again what AWS refuses. A single
// change that AWS refuses is a culprit and keeps AWS's answer.
func (l *lane) halve(action lsapi.Action, changes []*change, calls *int) {
	if len(changes) < 2 {
		return
	}
	middle := len(changes) / 2
	for _, half := range [][]*change{changes[:middle], changes[middle:]} {
		if *calls == 0 {
			return
		}
		*calls--
		if err := l.ask(action, half); refusedForOne(err) {
			l.halve(action, half, calls)
		}
	}
}

// recheck refuses the changes that a second look shows to be wrong and returns
// the others. When the look fails, all stay: halving finds the culprits too.
func (l *lane) recheck(action lsapi.Action, changes []*change) (fit []*change) {
	why := l.attachable
	if action == lsapi.Detach {
		why = l.detachable
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
func (l *lane) attachable(changes []*change) (check func(*change) *lsapi.Error, err error) {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.instance.ID
	}
	ctx, cancel := l.service.asking()
	defer cancel()
	facts, err := l.service.aws.Instances(ctx, ids)
	return func(c *change) *lsapi.Error { return unfit(factsOf(facts, c.instance.ID)) }, err
}

// detachable reads the membership again.
func (l *lane) detachable([]*change) (check func(*change) *lsapi.Error, err error) {
	ctx, cancel := l.service.asking()
	defer cancel()
	ids, err := l.service.aws.Members(ctx, l.loadBalancer)
	members := setOf(ids)
	return func(c *change) *lsapi.Error {
		if members[c.instance.ID] {
			return nil
		}
		return errConflict(c.action, c.instance.ID, l.loadBalancer)
	}, err
}
