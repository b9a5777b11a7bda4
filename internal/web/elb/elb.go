// Package elb is the service's first API, /elb/{elbName}: it lists the instances of a
// Classic load balancer, and attaches and detaches one.
package elb

import (
	"context"

	"lsapi"
	"lsapi/internal/web/change"
	"lsapi/internal/web/exchange"
)

// Lists are the lists of the members of load balancers.
type Lists interface {
	// Remembered returns the list if it is in memory, else nil. CodeNotFound: it is in
	// memory that there is no such load balancer.
	Remembered(pool lsapi.PoolID) (*lsapi.EncodedList, error)
	// Read returns the list. A fresh one is read from AWS after the call. CodeNotFound:
	// there is no such load balancer.
	Read(ctx context.Context, pool lsapi.PoolID, fresh bool) (*lsapi.EncodedList, error)
}

// Options configure an API. All are required.
type Options struct {
	Changes  *change.Changer
	Lists    Lists
	Envelope Envelope
}

// API is the API.
type API struct{ Options }

// nameParameter is the load balancer's name in the path.
const nameParameter = "elbName"

// loadBalancer returns the load balancer in the request's path.
func loadBalancer(x *exchange.Exchange) lsapi.PoolID {
	return lsapi.ELB(x.Request.PathValue(nameParameter))
}
