package record

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// findChange finds, in a log whose rows of changes are not what its events add up
// to, the first that is not.
func (v *verifier) findChange(ctx context.Context, log LogRow) error {
	kept, err := v.digestsOf(ctx, log.LoadBalancer)
	if err != nil {
		return err
	}
	var wrong []ChangeRow
	compare := func(c ChangeRow) {
		if digest, ok := kept[c.ID]; !ok || digest != v.digests.of(&c) {
			wrong = append(wrong, c)
		}
		delete(kept, c.ID)
	}
	f, err := v.again(ctx, log, compare)
	if err != nil {
		return err
	}
	for _, c := range f.open {
		compare(c)
	}
	if len(wrong) > 0 {
		c := slices.MinFunc(wrong, func(a, b ChangeRow) int { return cmp.Compare(a.Begun, b.Begun) })
		v.breach(log.LoadBalancer, max(c.Begun, c.Done), c.ID, fmt.Sprintf("change %s is not kept as its events tell it", c.ID))
		return nil
	}
	for id := range kept {
		v.breach(log.LoadBalancer, 0, id, fmt.Sprintf("change %s is kept, but no event tells of it", id))
		return nil
	}
	return nil
}

// digestsOf returns the digests of a load balancer's rows of changes, by id.
func (v *verifier) digestsOf(ctx context.Context, loadBalancer string) (map[string]uint64, error) {
	kept := make(map[string]uint64)
	for last := ""; ; {
		rows, err := v.views[0].ChangesAfter(ctx, loadBalancer, last, page)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			kept[rows[i].ID] = v.digests.of(&rows[i])
			last = rows[i].ID
		}
		if len(rows) < page {
			return kept, nil
		}
	}
}

// again adds up the events of a log that has been found to be whole.
func (v *verifier) again(ctx context.Context, log LogRow, done func(ChangeRow)) (*fold, error) {
	f := newFold(log.LoadBalancer, done)
	for from := log.First; from <= log.Last; from += page {
		rows, err := v.views[0].Events(ctx, log.LoadBalancer, from, page)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			p, err := decode(row.Payload)
			if err != nil {
				return nil, err
			}
			f.add(row, p)
		}
	}
	return f, nil
}
