package membership

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
	"lsapi/internal/observe"
	"lsapi/internal/overlay"
)

// shared is what all lanes work with. It never changes.
type shared struct {
	aws      AWS
	record   Record
	overlay  *overlay.Overlay
	inbox    *observe.Inbox
	guards   Guards
	metrics  Metrics
	log      *slog.Logger
	call     time.Duration   // bounds each step that calls AWS
	base     context.Context // ends when Close can wait no longer
	stopping context.Context // ends when the Service closes
}

// calling returns the context of a step that calls AWS. It is the lane's and not a
// caller's: a call that was sent goes on when its caller has left.
func (s *shared) calling() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.base, s.call)
}

// recording returns the context of a step that calls the record, and appends so many events.
func (s *shared) recording(events int) (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.base, recordTimeout+time.Duration(events)*recordEventTimeout)
}

// isClosing reports whether the Service takes no more requests.
func (s *shared) isClosing() bool { return s.stopping.Err() != nil }

// isCutOff reports whether the lanes must end at once.
func (s *shared) isCutOff() bool { return s.base.Err() != nil }

// sleep waits until wake has an element, which may be nil, or the lanes must end at once.
func (s *shared) sleep(wait time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-s.base.Done():
	}
}

// trustedFrom returns the time from which on AWS's reads do not lag behind lsapi's last
// change of the instance any more.
func (s *shared) trustedFrom(pool lsapi.PoolID, member lsapi.MemberID) time.Time {
	last := s.overlay.LastChange(pool, member)
	if last.IsZero() {
		return last
	}
	return last.Add(s.overlay.Window())
}

// logChange writes the log's line for a change that was sent.
func (s *shared) logChange(c *change, pool lsapi.PoolID, o lsapi.Outcome, inferred bool) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("outcome", string(o)),
		slog.String("action", string(c.action)),
		slog.String("pool", pool.String()),
		slog.String("member", c.member.String()),
		slog.String("actor", c.recorded.Actor),
		slog.String("change_id", c.recorded.ID),
		slog.String("request_id", c.recorded.RequestID),
	}
	if c.recorded.Reason != "" {
		attributes = append(attributes, slog.String("reason", c.recorded.Reason))
	}
	guard := c.recorded.Guard
	if guard != nil {
		attributes = append(attributes, slog.String("guard", guard.Rule))
	}
	if guard != nil && guard.Overridden {
		level = slog.LevelWarn
		attributes = append(attributes, slog.String("override", guard.Reason))
	}
	if inferred {
		attributes = append(attributes, slog.String("resolution", string(lsapi.ResolutionInferred)))
	}
	if c.err != nil && o != lsapi.OutcomeApplied {
		if guard == nil {
			level = slog.LevelWarn
		}
		attributes = append(attributes, slog.String("code", string(c.err.Code)), slog.Any("error", c.err))
	}
	s.log.LogAttrs(context.Background(), level, "change", attributes...)
}
