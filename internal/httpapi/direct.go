package httpapi

import (
	"context"

	"lsapi"
)

// direct asks Membership for every list, as a service without a memory does.
type direct struct {
	membership Membership
	envelope   Envelope
}

func (direct) Remembered(string) (*lsapi.Representation, error) { return nil, nil }

func (d direct) Read(ctx context.Context, loadBalancer string, _ bool) (*lsapi.Representation, error) {
	listing, err := d.membership.List(ctx, loadBalancer)
	if err != nil {
		return nil, err
	}
	list := EncodeList(d.envelope, listing.Members)
	list.AsOf = listing.AsOf
	return &list, nil
}
