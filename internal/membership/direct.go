package membership

import (
	"context"
	"slices"
	"time"

	"lsapi"
)

// Direct makes every request's own calls to AWS, with no lane, no batch and no
// memory, as a service does that puts HTTP in front of the SDK. It is what lanes
// and snapshot are measured against, and keeps none of Service's promises: two
// concurrent attaches of one instance can both succeed.
type Direct struct{ aws AWS }

// NewDirect returns a Direct that asks aws.
func NewDirect(aws AWS) Direct { return Direct{aws} }

// List is Service.List, with one lookup for each instance.
func (d Direct) List(ctx context.Context, loadBalancer string) (lsapi.Listing, error) {
	began := time.Now()
	ids, err := d.aws.Members(ctx, loadBalancer)
	if err != nil {
		return lsapi.Listing{}, err
	}
	listing := lsapi.Listing{AsOf: began}
	for _, id := range ids {
		facts, err := d.aws.Instances(ctx, []string{id})
		if err != nil {
			return lsapi.Listing{}, err
		}
		listing.Members = append(listing.Members, factsOf(facts, id))
	}
	return listing, nil
}

// Change is Service.Change.
func (d Direct) Change(ctx context.Context, r lsapi.Request) (lsapi.Result, error) {
	ids, err := d.aws.Members(ctx, r.LoadBalancer)
	if err != nil {
		return lsapi.Result{}, err
	}
	facts, err := d.aws.Instances(ctx, []string{r.InstanceID})
	if err != nil {
		return lsapi.Result{}, err
	}
	instance := factsOf(facts, r.InstanceID)
	change := d.aws.Deregister
	if r.Action == lsapi.Attach {
		change = d.aws.Register
		if err := unfit(instance); err != nil {
			return lsapi.Result{}, err
		}
	}
	if slices.Contains(ids, r.InstanceID) == (r.Action == lsapi.Attach) {
		return lsapi.Result{}, errConflict(r.Action, r.InstanceID, r.LoadBalancer)
	}
	_, err = change(ctx, r.LoadBalancer, []string{r.InstanceID}, nil)
	return lsapi.Result{Instance: instance}, err
}
