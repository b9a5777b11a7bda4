package membership_test

import (
	"context"
	"errors"

	"lsapi"

	"lsapi/internal/membership"
	"lsapi/internal/observe"
	"lsapi/internal/overlay"
)

// service is a Service with the parts that it shares with readers.
type service struct {
	*membership.Service
	recent *overlay.Overlay
	found  *observe.Inbox
	record testRecord
}

// testRecord is what all of them need of the record.
type testRecord interface {
	membership.Record
	overlay.Record
}

// newService returns a service on its own record, unless o has one.
func newService(aws membership.AWS, o membership.Options, listeners ...overlay.Listener) *service {
	if o.Record == nil {
		o.Record = newFakeRecord()
	}
	if o.Overlay == nil {
		o.Overlay = overlay.New(overlay.DefaultWindow)
	}
	for _, l := range listeners {
		o.Overlay.Listen(l)
	}
	o.Inbox = observe.New(o.Overlay, o.Record, o.Log)
	return &service{membership.New(aws, o), o.Overlay, o.Inbox, o.Record.(testRecord)}
}

// Start starts the service as package app does.
func (s *service) Start(ctx context.Context) error {
	if err := s.recent.Restore(ctx, s.record); err != nil {
		return err
	}
	s.Service.Start()
	return nil
}

func (s *service) Close(ctx context.Context) error {
	return errors.Join(s.Service.Close(ctx), s.found.Close(ctx))
}

func (s *service) CatchUp(ctx context.Context, pool lsapi.PoolID) error {
	return s.recent.CatchUp(ctx, s.record, pool)
}
