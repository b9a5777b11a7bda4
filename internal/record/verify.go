package record

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"lsapi"
)

// Verify implements Store. Two connections with the same state share the work: pages of
// events are hashed and decoded in parallel, and then added up in order.
func (r Record) Verify(ctx context.Context, checkpoints []lsapi.ChainEnd) (Verification, error) {
	v := &verifier{digests: newDigests(), tallies: make(map[lsapi.PoolID]tally)}
	err := r.Views(ctx, verifiers, func(views []Tables) error {
		v.views = views
		return v.run(ctx, checkpoints)
	})
	if err != nil {
		return Verification{}, err // v may still be in use
	}
	return v.found, nil
}

type verifier struct {
	views    []Tables
	digests  digests
	found    Verification
	logs     []LogRow
	tallies  map[lsapi.PoolID]tally // of the rows of changes, by pool
	members  int64                  // that the events add up to
	detached int64                  // that the events add up to
	healths  int64                  // rows of pools with a log
}

func (v *verifier) run(ctx context.Context, checkpoints []lsapi.ChainEnd) error {
	var err error
	if v.logs, err = v.views[0].Logs(ctx); err != nil {
		return err
	}
	v.found.Pools = len(v.logs)
	folded, err := v.read(ctx)
	if err != nil {
		return err
	}
	for i, log := range v.logs {
		if err := v.log(ctx, log, folded[i]); err != nil || v.found.Breach != nil {
			return err
		}
		if err := v.checkpoints(ctx, log, checkpoints); err != nil || v.found.Breach != nil {
			return err
		}
	}
	return v.orphans(ctx, checkpoints)
}

type result struct {
	fold   *fold
	tally  tally // of the complete changes
	breach *Breach
}

func (v *verifier) read(ctx context.Context) ([]result, error) {
	pages := pagesOf(v.logs)
	ahead := make(chan struct{}, readAhead) // holds one for each page that is not folded
	next := make(chan *eventPage)
	workers, ctx := errgroup.WithContext(ctx)
	workers.Go(func() error {
		defer close(next)
		for _, p := range pages {
			select {
			case ahead <- struct{}{}:
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
				if err := v.countChanges(ctx, view); err != nil {
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
		results, err = v.fold(ctx, pages, ahead)
		return err
	})
	return results, workers.Wait()
}

func (v *verifier) fold(ctx context.Context, pages []*eventPage, ahead <-chan struct{}) ([]result, error) {
	results := make([]result, len(v.logs))
	for i, log := range v.logs {
		r := &results[i]
		r.fold = newFold(log.Pool, func(c ChangeRow) { r.tally.add(v.digests.of(&c)) })
	}
	for _, p := range pages {
		select {
		case <-p.checked:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		<-ahead
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

func (v *verifier) countChanges(ctx context.Context, view Tables) error {
	return eachChange(ctx, view, lsapi.PoolID{}, func(c *ChangeRow) {
		sum := v.tallies[c.Pool]
		sum.add(v.digests.of(c))
		v.tallies[c.Pool] = sum
		v.found.Changes++
	})
}

// log compares the sum of a log's events with the projections.
func (v *verifier) log(ctx context.Context, log LogRow, r result) error {
	if r.breach != nil {
		v.found.Breach = r.breach
		return nil
	}
	more, err := v.views[0].Events(ctx, log.Pool, log.Last+1, 1)
	if err != nil {
		return err
	}
	why := r.fold.finished(log)
	if len(more) > 0 {
		why = fmt.Sprintf("there are events behind the end of the log, from %d on", more[0].Seq)
	}
	if why != "" {
		v.breach(log.Pool, min(r.fold.log.Last+1, log.Last), "", why)
		return nil
	}
	for _, c := range r.fold.open {
		r.tally.add(v.digests.of(&c))
	}
	if v.tallies[log.Pool] != r.tally {
		return v.findChange(ctx, log)
	}
	delete(v.tallies, log.Pool)
	if err := v.compareMembers(ctx, log, r.fold); err != nil || v.found.Breach != nil {
		return err
	}
	if err := v.compareDetached(ctx, log, r.fold); err != nil || v.found.Breach != nil {
		return err
	}
	return v.compareHealth(ctx, log, r.fold)
}

func (v *verifier) compareMembers(ctx context.Context, log LogRow, f *fold) error {
	kept, err := v.views[0].Members(ctx, log.Pool, nil)
	v.members += int64(len(f.members))
	if member, isKept, ok := difference(kept, f.members); err == nil && !ok {
		seq, why := f.members[member], "%s is a member by the events, but not kept as one"
		if isKept {
			seq, why = kept[member], "%s is kept as a member, and is none by the events"
		}
		v.breach(log.Pool, seq, "", fmt.Sprintf(why, member))
	}
	return err
}

func (v *verifier) compareDetached(ctx context.Context, log LogRow, f *fold) error {
	kept, err := v.views[0].Detached(ctx, log.Pool, time.Time{})
	v.detached += int64(len(f.detached))
	for member, row := range kept {
		kept[member] = DetachedRow{Seq: row.Seq}
	}
	if member, isKept, ok := difference(kept, f.detached); err == nil && !ok {
		seq, why := f.detached[member].Seq, "lsapi detached %s by the events, but it is not kept as detached"
		if isKept {
			seq, why = kept[member].Seq, "%s is kept as detached by lsapi, and is not by the events"
		}
		v.breach(log.Pool, seq, "", fmt.Sprintf(why, member))
	}
	return err
}

// compareHealth compares the health if the kept events reach back to all of it.
func (v *verifier) compareHealth(ctx context.Context, log LogRow, f *fold) error {
	kept, err := v.views[0].Health(ctx, log.Pool, nil)
	v.healths += int64(len(kept))
	if err != nil || f.healths == nil {
		return err
	}
	if member, isKept, ok := difference(kept, f.healths); !ok {
		seq, why := f.healths[member].Seq, "events have the health of %s, but it is not kept"
		if isKept {
			seq, why = kept[member].Seq, "the health of %s differs from that in its events"
		}
		v.breach(log.Pool, seq, "", fmt.Sprintf(why, member))
	}
	return nil
}

// difference returns the first key of kept whose value differs in summed, else the first
// key that only summed has; ok when there is none.
func difference[V comparable](kept, summed map[lsapi.MemberID]V) (key lsapi.MemberID, isKept, ok bool) {
	for _, key := range slices.SortedFunc(maps.Keys(kept), lsapi.MemberID.Compare) {
		if value, both := summed[key]; !both || value != kept[key] {
			return key, true, false
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(summed), lsapi.MemberID.Compare) {
		if _, both := kept[key]; !both {
			return key, false, false
		}
	}
	return lsapi.MemberID{}, false, true
}

func (v *verifier) checkpoints(ctx context.Context, log LogRow, checkpoints []lsapi.ChainEnd) error {
	for _, noted := range checkpoints {
		if noted.Pool != log.Pool || v.found.Breach != nil {
			continue
		}
		if err := v.checkpoint(ctx, log, noted); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) checkpoint(ctx context.Context, log LogRow, noted lsapi.ChainEnd) error {
	switch {
	case noted.Seq > log.Last:
		v.breach(log.Pool, log.Last+1, "", fmt.Sprintf("the log ends at event %d, but event %d was noted: its tail was cut off", log.Last, noted.Seq))
		return nil
	case noted.Seq < log.First-1:
		v.found.Pruned = append(v.found.Pruned, noted)
		return nil
	}
	rows, err := v.views[0].Events(ctx, log.Pool, max(noted.Seq, log.First), 1)
	if err != nil || len(rows) == 0 {
		return err
	}
	sum := rows[0].Hash
	if noted.Seq < log.First {
		sum = rows[0].Prev
	}
	if sum.String() != noted.Hash {
		v.breach(log.Pool, noted.Seq, rows[0].ChangeID, fmt.Sprintf("event %d, or one before it, is not what it was when its checkpoint was noted", noted.Seq))
	}
	return nil
}

// orphans finds rows that belong to no log.
func (v *verifier) orphans(ctx context.Context, checkpoints []lsapi.ChainEnd) error {
	logged := make(map[lsapi.PoolID]bool, len(v.logs))
	for _, log := range v.logs {
		logged[log.Pool] = true
	}
	for pool := (lsapi.PoolID{}); ; {
		var err error
		if pool, err = v.views[0].NextLogged(ctx, pool); err != nil {
			return err
		}
		if pool.IsZero() {
			break
		}
		if !logged[pool] {
			v.breach(pool, 1, "", "there are events of this pool, but it has no log")
			return nil
		}
	}
	for _, pool := range slices.SortedFunc(maps.Keys(v.tallies), lsapi.PoolID.Compare) {
		v.breach(pool, 0, "", "there are changes of this pool without events")
		return nil
	}
	for _, noted := range checkpoints {
		if !logged[noted.Pool] {
			v.breach(noted.Pool, noted.Seq, "", "a checkpoint of this pool's log was noted, but the log is gone")
			return nil
		}
	}
	members, healths, detached, err := v.views[0].Count(ctx)
	switch {
	case err != nil:
		return err
	case members != v.members:
		v.breach(lsapi.PoolID{}, 0, "", "there are members of a pool that has no log")
	case healths != v.healths:
		v.breach(lsapi.PoolID{}, 0, "", "there is health of a pool that has no log")
	case detached != v.detached:
		v.breach(lsapi.PoolID{}, 0, "", "there are detached members of a pool that has no log")
	}
	return nil
}

func (v *verifier) breach(pool lsapi.PoolID, seq int64, changeID, why string) {
	v.found.Breach = &Breach{Pool: pool, Seq: seq, ChangeID: changeID, Why: why}
}
