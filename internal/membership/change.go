package membership

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
)

// change is one attach or detach of a round, with all who asked for it. The
// first of them who is still there when it is sent makes it; if it succeeds, the
// others are conflicts, and if it does not, they are tried anew.
type change struct {
	action   lsapi.Action
	instance lsapi.Instance
	waiting  []*request // in arrival order, without the maker
	maker    *request   // nil until the change is sent

	err      *lsapi.Error // what AWS answered; nil means applied
	deadline time.Time    // of the call; an ambiguous one may take effect until then
	trusted  time.Time    // reads that began before may show what was before the change
}

// outcome is what became of a change that was sent.
type outcome string

const (
	outcomeApplied  outcome = "applied"
	outcomeConflict outcome = "conflict" // the membership turned out to be as asked
	outcomeRefused  outcome = "refused"  // AWS said no
	outcomeFailed   outcome = "failed"   // certainly not applied
	outcomeUnknown  outcome = "unknown"
)

// claim picks the change's maker. It reports false when all who asked have left:
// then the change is not sent.
func (c *change) claim() bool {
	for i, r := range c.waiting {
		if r.send() {
			c.maker, c.waiting = r, c.waiting[i+1:]
			return true
		}
	}
	return false
}

// refuse answers all who asked.
func (c *change) refuse(err error) { failAll(c.waiting, err) }

// outcome tells what AWS's answer means, when it is not ambiguous.
func (c *change) outcome() outcome {
	if c.err == nil {
		return outcomeApplied
	}
	switch c.err.Code {
	case lsapi.CodeConflict:
		return outcomeConflict
	case lsapi.CodeInvalid, lsapi.CodeNotFound:
		return outcomeRefused
	default:
		return outcomeFailed
	}
}

// conclude records the outcome of a change that was sent and answers its maker.
// Who else asked is told by the round.
func (l *lane) conclude(c *change, o outcome, inferred bool) {
	l.service.observe.Change(string(c.action), string(o))
	l.record(c, o, inferred)
	switch o {
	case outcomeApplied:
		c.maker.succeed(c.instance)
	case outcomeUnknown:
		c.maker.fail(errUnknown(c.action, c.instance.ID, l.loadBalancer, c.err))
	default:
		c.maker.fail(c.err)
	}
}

// record writes the log's line for a change that was sent.
func (l *lane) record(c *change, o outcome, inferred bool) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("outcome", string(o)),
		slog.String("action", string(c.action)),
		slog.String("load_balancer", l.loadBalancer),
		slog.String("instance", c.instance.ID),
		slog.String("actor", c.maker.Actor.Name),
		slog.String("request_id", c.maker.ID),
	}
	if inferred {
		attributes = append(attributes, slog.String("resolution", "inferred"))
	}
	if c.err != nil && o != outcomeApplied {
		level = slog.LevelWarn
		attributes = append(attributes, slog.String("code", string(c.err.Code)), slog.Any("error", c.err))
	}
	l.service.log.LogAttrs(context.Background(), level, "change", attributes...)
}
