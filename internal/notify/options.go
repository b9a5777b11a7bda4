package notify

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// Record is what notifications need of the record.
type Record interface {
	// Events returns events behind a position in order. CodeNotFound: some were pruned.
	Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error)
	// End returns the position of the last event.
	End(ctx context.Context) (lsapi.Position, error)
	// News waits for events behind a position. CodeTimeout: ctx ended first.
	News(ctx context.Context, after lsapi.Position) error
	// Kept returns the last position that was pruned.
	Kept(ctx context.Context) (lsapi.Position, error)
	// OutSince returns the members that went out in [from, to) and still are, by that time.
	OutSince(ctx context.Context, from, to time.Time) ([]lsapi.OutMember, error)
	// ClaimDelivery acquires or keeps the right to send to a receiver.
	ClaimDelivery(ctx context.Context, receiver, holder string) (d lsapi.Delivery, claimed bool, err error)
	// SaveDelivery stores how far a receiver has been sent to. lsapi.ErrLeaseLost: another
	// process has the right to send.
	SaveDelivery(ctx context.Context, receiver, holder string, d lsapi.Delivery) error
	// ReleaseDelivery gives the right up.
	ReleaseDelivery(ctx context.Context, receiver, holder string) error
}

// Instances returns EC2's description of instances, by id, without unknown ids.
type Instances interface {
	Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)
}

// Options configure a Notifier. All fields without a default are required.
type Options struct {
	Record Record
	// Instances tells former members that are terminated, and so cannot come back, from
	// others.
	Instances Instances
	// Change converts a change for the data of a notification.
	Change func(*lsapi.Change) apiv1.Change
	// Source is the source of the CloudEvents, such as "/lsapi/us-east-1".
	Source  string
	Version string
	// Allow are addresses to send to that are otherwise refused.
	Allow []netip.Prefix
	// Touch keeps lists fresh. It is called while this process sends drift, which only a read
	// finds. Default: nothing.
	Touch func()
	// Watch polls the health of all pools until end is called, which is while this process
	// sends members that are out. Default: nothing.
	Watch func() (end func())
	// Log receives failures. Default: none.
	Log *slog.Logger

	// Resolver resolves the names of receivers. Default: the system's.
	Resolver *net.Resolver
	// Timeout bounds an attempt. Default: 10 s.
	Timeout time.Duration
	// Backoff is the first pause before a retry. Default: 1 s.
	Backoff time.Duration
	// OutEvery is the interval of looks for members that are out. Default: 15 s.
	OutEvery time.Duration
}
