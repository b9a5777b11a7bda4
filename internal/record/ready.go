package record

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"lsapi"
)

// Proof is that a change was recorded recently.
type Proof struct{ at atomic.Pointer[time.Time] }

// Note notes that a change was recorded now.
func (p *Proof) Note() { p.at.Store(new(time.Now())) }

// Holds reports whether there is no need to try.
func (p *Proof) Holds() bool {
	at := p.at.Load()
	return at != nil && time.Since(*at) < probeEvery
}

// WriteTrial writes what a change writes, for a pool that cannot exist, to be
// rolled back.
func WriteTrial(ctx context.Context, t Tables) error {
	name, at := "a trial "+uuid.NewString(), time.Now()
	id, err := newID(at)
	if err != nil {
		return err
	}
	change := lsapi.Change{ID: id.String(), Action: lsapi.Attach, Member: lsapi.InstanceMember("i-00000000")}
	done := change
	done.Outcome = lsapi.OutcomeApplied
	_, _, err = AppendEvents(ctx, t, lsapi.ELB(name), []lsapi.Event{
		{Kind: lsapi.EventCheckpoint, At: at, Until: at},
		{Kind: lsapi.EventHealth, At: at, Health: []lsapi.MemberHealth{{Member: change.Member, State: lsapi.InService}}},
		{Kind: lsapi.EventIntended, At: at, Change: change},
		{Kind: lsapi.EventCompleted, At: at, Change: done},
	})
	if err != nil {
		return err
	}
	return t.PutKey(ctx, lsapi.IdempotencyKey{Key: name}, lsapi.Reservation{ChangeID: change.ID, At: at})
}
