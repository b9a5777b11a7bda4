package budget

import (
	"context"
	"sync/atomic"
)

// Rank is how urgent a call is: the higher rank goes first.
type Rank int32

// The ranks, from the lowest.
const (
	Background    Rank = iota // refreshes that nobody waits for
	WaitingReader             // reads that somebody waits for; also calls without a purpose
	Write                     // changes, and the reads that their lanes need
)

// Purpose is the rank of a call in flight. It can rise while the call waits: who
// joins a call that others share lends it their rank.
type Purpose struct {
	rank atomic.Int32
}

// NewPurpose returns a Purpose of the rank.
func NewPurpose(rank Rank) *Purpose {
	p := new(Purpose)
	p.rank.Store(int32(rank))
	return p
}

// Context returns a context whose AWS calls have this purpose, whatever ctx had.
func (p *Purpose) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, purposeKey{}, p)
}

// Raise lifts the purpose to the rank, unless it is as high already. Attempts
// that wait keep the order in which they came and count as of the new rank from
// the next token on.
func (p *Purpose) Raise(to Rank) {
	for {
		rank := p.rank.Load()
		if rank >= int32(to) || p.rank.CompareAndSwap(rank, int32(to)) {
			return
		}
	}
}

// Rank returns the rank that the purpose has now.
func (p *Purpose) Rank() Rank { return Rank(p.rank.Load()) }

// For returns a context whose AWS calls have the rank.
func For(ctx context.Context, rank Rank) context.Context {
	return NewPurpose(rank).Context(ctx)
}

// PurposeOf returns the purpose that ctx carries, or a new one of WaitingReader.
func PurposeOf(ctx context.Context) *Purpose {
	if p, ok := ctx.Value(purposeKey{}).(*Purpose); ok {
		return p
	}
	return NewPurpose(WaitingReader)
}

type purposeKey struct{}
