package record

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"lsapi"
)

// Verify implements Store. Two connections that see the same state share the work:
// the hashes and the JSON of the events are checked by whichever processor is
// free, page by page, and then added up in order.
func (r Record) Verify(ctx context.Context, heads []lsapi.Head) (Verification, error) {
	v := &verifier{digests: newDigests(), tallies: make(map[string]tally)}
	err := r.Views(ctx, verifiers, func(views []Tables) error {
		v.views = views
		return v.run(ctx, heads)
	})
	if err != nil {
		return Verification{}, err // v may still be at work
	}
	return v.found, nil
}

// verifier looks through one state of a record.
type verifier struct {
	views   []Tables
	digests digests
	found   Verification
	logs    []LogRow
	tallies map[string]tally // of the rows of changes, by load balancer
	members int              // that the events add up to
	healths int              // that are kept of load balancers with a log
}

func (v *verifier) run(ctx context.Context, heads []lsapi.Head) error {
	var err error
	if v.logs, err = v.views[0].Logs(ctx); err != nil {
		return err
	}
	v.found.LoadBalancers = len(v.logs)
	folded, err := v.read(ctx)
	if err != nil {
		return err
	}
	for i, log := range v.logs {
		if v.found.Breach != nil {
			return nil
		}
		if err := v.log(ctx, log, folded[i]); err != nil {
			return err
		}
		if v.found.Breach == nil {
			if err := v.heads(ctx, log, heads); err != nil {
				return err
			}
		}
	}
	return v.strays(ctx, heads)
}

// result is what became of a log's events when they were added up.
type result struct {
	fold   *fold
	tally  tally // of the changes that they add up to
	breach *Breach
}

// read goes through all events, and all rows of changes beside that.
func (v *verifier) read(ctx context.Context) ([]result, error) {
	pages := pagesOf(v.logs)
	turns := make(chan struct{}, readAhead) // holds one for each page that is ahead
	next := make(chan *eventPage)
	workers, ctx := errgroup.WithContext(ctx)
	workers.Go(func() error {
		defer close(next)
		for _, p := range pages {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case next <- p:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for i, view := range v.views {
		workers.Go(func() error {
			if i == len(v.views)-1 {
				if err := v.count(ctx, view); err != nil {
					return err
				}
			}
			for p := range next {
				if err := p.check(ctx, view); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var results []result
	workers.Go(func() (err error) {
		results, err = v.fold(ctx, pages, turns)
		return err
	})
	return results, workers.Wait()
}

// fold adds the events up, in order.
func (v *verifier) fold(ctx context.Context, pages []*eventPage, turns <-chan struct{}) ([]result, error) {
	results := make([]result, len(v.logs))
	for i, log := range v.logs {
		r := &results[i]
		r.fold = newFold(log.LoadBalancer, func(c ChangeRow) { r.tally.add(v.digests.of(&c)) })
	}
	for _, p := range pages {
		select {
		case <-p.checked:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		<-turns
		r := &results[p.log]
		v.found.Events += len(p.rows)
		for i := range p.rows {
			if r.breach == nil {
				r.breach = p.add(r.fold, i)
			}
		}
		p.rows, p.payloads = nil, nil
	}
	return results, nil
}

// count adds up the rows of changes.
func (v *verifier) count(ctx context.Context, view Tables) error {
	for last := ""; ; {
		rows, err := view.ChangesAfter(ctx, "", last, page)
		if err != nil {
			return err
		}
		for i := range rows {
			sum := v.tallies[rows[i].LoadBalancer]
			sum.add(v.digests.of(&rows[i]))
			v.tallies[rows[i].LoadBalancer] = sum
			last = rows[i].ID
		}
		v.found.Changes += len(rows)
		if len(rows) < page {
			return nil
		}
	}
}

// log compares what the events of a log add up to with what is kept beside them.
func (v *verifier) log(ctx context.Context, log LogRow, r result) error {
	if r.breach != nil {
		v.found.Breach = r.breach
		return nil
	}
	more, err := v.views[0].Events(ctx, log.LoadBalancer, log.Last+1, 1)
	if err != nil {
		return err
	}
	why := r.fold.finished(log)
	if len(more) > 0 {
		why = fmt.Sprintf("there are events behind the end of the log, from %d on", more[0].Seq)
	}
	if why != "" {
		v.breach(log.LoadBalancer, min(r.fold.log.Last+1, log.Last), "", why)
		return nil
	}
	for _, c := range r.fold.open {
		r.tally.add(v.digests.of(&c))
	}
	if v.tallies[log.LoadBalancer] != r.tally {
		return v.findChange(ctx, log)
	}
	delete(v.tallies, log.LoadBalancer)
	if err := v.roster(ctx, log, r.fold); err != nil || v.found.Breach != nil {
		return err
	}
	return v.health(ctx, log, r.fold)
}

// roster compares the members with what the events add up to.
func (v *verifier) roster(ctx context.Context, log LogRow, f *fold) error {
	kept, err := v.views[0].Members(ctx, log.LoadBalancer)
	if err != nil {
		return err
	}
	v.members += len(f.members)
	for _, instance := range slices.Sorted(maps.Keys(kept)) {
		if seq, ok := f.members[instance]; !ok || seq != kept[instance] {
			v.breach(log.LoadBalancer, kept[instance], "", fmt.Sprintf("%s is kept as a member, and is none by the events", instance))
			return nil
		}
	}
	for _, instance := range slices.Sorted(maps.Keys(f.members)) {
		if _, ok := kept[instance]; !ok {
			v.breach(log.LoadBalancer, f.members[instance], "", fmt.Sprintf("%s is a member by the events, but not kept as one", instance))
			return nil
		}
	}
	return nil
}

// health compares what is kept of the members' health with what the events add up
// to, as far as they reach back.
func (v *verifier) health(ctx context.Context, log LogRow, f *fold) error {
	kept, err := v.views[0].Health(ctx, log.LoadBalancer)
	v.healths += len(kept)
	if err != nil || f.healths == nil {
		return err
	}
	for _, instance := range slices.Sorted(maps.Keys(kept)) {
		if told, ok := f.healths[instance]; !ok || told != kept[instance] {
			v.breach(log.LoadBalancer, kept[instance].Seq, "", fmt.Sprintf("the health of %s is not kept as the events tell it", instance))
			return nil
		}
	}
	for _, instance := range slices.Sorted(maps.Keys(f.healths)) {
		if _, ok := kept[instance]; !ok {
			v.breach(log.LoadBalancer, f.healths[instance].Seq, "", fmt.Sprintf("events tell the health of %s, but it is not kept", instance))
			return nil
		}
	}
	return nil
}

// strays looks for what belongs to no log.
func (v *verifier) strays(ctx context.Context, heads []lsapi.Head) error {
	if v.found.Breach != nil {
		return nil
	}
	logged := make(map[string]bool, len(v.logs))
	for _, log := range v.logs {
		logged[log.LoadBalancer] = true
	}
	for name := ""; ; {
		var err error
		if name, err = v.views[0].NextLogged(ctx, name); err != nil {
			return err
		}
		if name == "" {
			break
		}
		if !logged[name] {
			v.breach(name, 1, "", "there are events of this load balancer, but it has no log")
			return nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.tallies)) {
		v.breach(name, 0, "", "there are changes of this load balancer that no event tells of")
		return nil
	}
	for _, head := range heads {
		if !logged[head.LoadBalancer] {
			v.breach(head.LoadBalancer, head.Seq, "", "a head of this load balancer's log was noted, but the log is gone")
			return nil
		}
	}
	kept, err := v.views[0].CountMembers(ctx)
	if err != nil {
		return err
	}
	if kept != v.members {
		v.breach("", 0, "", "there are members of a load balancer that has no log")
		return nil
	}
	healths, err := v.views[0].CountHealth(ctx)
	if err == nil && healths != v.healths {
		v.breach("", 0, "", "there is health of a load balancer that has no log")
	}
	return err
}

func (v *verifier) breach(loadBalancer string, seq int64, changeID, why string) {
	v.found.Breach = &Breach{LoadBalancer: loadBalancer, Seq: seq, ChangeID: changeID, Why: why}
}
