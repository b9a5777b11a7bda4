package membership

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/guard"
)

// lookUpBatch reads the rules of the pool, and looks up the instances of the batch. It waits for
// the rules only if the batch detaches: then it looks up what these need, too.
func (r *round) lookUpBatch(ctx context.Context, batch []*caller, v *view) error {
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(func() {
		bounded, cancel := context.WithTimeout(ctx, rulesTimeout)
		defer cancel()
		v.rules, v.noRules = r.guards.Rules(bounded, r.pool)
	})
	members := namedMembers(batch)
	if slices.ContainsFunc(batch, (*caller).mayDetach) {
		reading.Wait()
		members = append(members, r.guardedMembers(len(members), v.rules)...)
	}
	return r.lookUp(ctx, v, members)
}

// guardedMembers returns the members of which the rules need EC2's description, besides those
// that a batch names: one lookup has them all. Former members are left out if they make it
// larger than a filter: they are looked up only if their number decides.
func (r *round) guardedMembers(named int, rules []guard.Rule) []lsapi.MemberID {
	var members []lsapi.MemberID
	if guard.NeedsZones(rules) {
		members = slices.Collect(maps.Keys(r.journal.recorded.members))
	}
	former := r.former(time.Now())
	if guard.NeedsFormer(rules) && named+len(members)+len(former) <= maxBatch {
		members = append(members, former...)
	}
	return members
}

// lookUp adds EC2's descriptions of the members' instances to the view, without a call if it
// has them.
func (r *round) lookUp(ctx context.Context, v *view, members []lsapi.MemberID) error {
	missing := slices.DeleteFunc(instanceIDs(members), func(id string) bool { return v.lookedUp[id] })
	if len(missing) == 0 {
		return nil
	}
	found, err := r.aws.Instances(ctx, missing)
	if err != nil {
		return err
	}
	maps.Copy(v.facts, found)
	for _, id := range missing {
		v.lookedUp[id] = true
	}
	return nil
}
