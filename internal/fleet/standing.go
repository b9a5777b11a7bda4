package fleet

import (
	"context"

	"lsapi"
)

// standings are what the record knows of the instances of a load balancer.
type standings struct {
	known       map[string]lsapi.Standing
	unavailable bool
}

// of returns what the record knows of one.
func (s standings) of(instanceID string) lsapi.Standing {
	if s.unavailable {
		return lsapi.Standing{Unavailable: true}
	}
	return s.known[instanceID]
}

// standingsOf asks the record for instances, or for all when there are no ids.
func (f *Fleet) standingsOf(ctx, caller context.Context, name string, ids ...string) standings {
	known, err := f.readStandings(ctx, name, ids)
	f.note(caller, f.troubles.record, err)
	return standings{known: known, unavailable: err != nil}
}

func (f *Fleet) readStandings(ctx context.Context, name string, ids []string) (map[string]lsapi.Standing, error) {
	if err := f.reads.Acquire(ctx, 1); err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: err}
	}
	defer f.reads.Release(1)
	return f.o.Record.Standing(ctx, name, ids)
}
