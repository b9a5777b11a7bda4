package membership

import (
	"context"
	"time"

	"lsapi"
)

// sender makes the register and deregister calls of a round.
type sender struct {
	*shared
	pool   lsapi.PoolID
	permit lsapi.BeforeAttempt
}

// sendAll sends the changes, each direction by one call. Detaches go first, so that a full
// pool has room for the attaches.
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

// send makes one call for changes of one direction. If AWS refuses it because of one of the
// members, the others are sent again.
func (s *sender) send(action lsapi.Action, changes []*change) {
	if len(changes) == 0 {
		return
	}
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
	awsRequestID, failure := call(ctx, s.pool, membersOf(changes), s.permit)
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
