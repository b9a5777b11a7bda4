package record

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
)

// digests compares many changes in little memory: equal sums of digests mean equal
// changes, in any order. Each comparison has a new seed: crafted changes cannot have equal
// sums.
type digests struct{ seed maphash.Seed }

func newDigests() digests { return digests{maphash.MakeSeed()} }

func (d digests) of(c *ChangeRow) uint64 {
	buffer, guard := make([]byte, 0, 512), newGuardPayload(c.Guard)
	for _, text := range []string{
		c.ID, c.Pool.Name, c.Member.String(), c.Actor, string(c.Action), c.Reason, c.RequestID, string(c.Source),
		string(c.Outcome), c.Code, string(c.Resolution), c.AWSRequestID, c.Instance.Type, string(c.Instance.State),
		c.Bulk, c.Undoes, c.IfMatch, guard.Rule, guard.Reason,
	} {
		buffer = binary.AppendUvarint(buffer, uint64(len(text)))
		buffer = append(buffer, text...)
	}
	for _, number := range []int64{
		c.NotBefore.UnixMicro(), c.Deadline.UnixMicro(), c.CompletedAt.UnixMicro(), c.Instance.LaunchTime.UnixMicro(),
		c.Begun, c.Done, count(c.MembersBefore), count(c.MembersAfter),
	} {
		buffer = binary.AppendVarint(buffer, number)
	}
	if guard.Overridden {
		buffer = append(buffer, 1)
	}
	return maphash.Bytes(d.seed, buffer)
}

func count(n *int) int64 {
	if n == nil {
		return -1
	}
	return int64(*n)
}

type tally struct {
	sum uint64
	n   int
}

func (t *tally) add(digest uint64) {
	t.sum += digest
	t.n++
}

// findChange finds the first change that differs from its events, in a log whose sums
// differ.
func (v *verifier) findChange(ctx context.Context, log LogRow) error {
	kept := make(map[string]uint64)
	if err := eachChange(ctx, v.views[0], log.Pool, func(c *ChangeRow) { kept[c.ID] = v.digests.of(c) }); err != nil {
		return err
	}
	var wrong []ChangeRow
	compare := func(c ChangeRow) {
		if digest, ok := kept[c.ID]; !ok || digest != v.digests.of(&c) {
			wrong = append(wrong, c)
		}
		delete(kept, c.ID)
	}
	f := newFold(log.Pool, compare)
	err := eachEvent(ctx, v.views[0], log.Pool, log.First, func(row EventRow) (bool, error) {
		p, err := decode(row.Payload)
		if err == nil {
			f.add(row, p)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	for _, c := range f.open {
		compare(c)
	}
	if len(wrong) > 0 {
		c := slices.MinFunc(wrong, func(a, b ChangeRow) int { return cmp.Compare(a.Begun, b.Begun) })
		v.breach(log.Pool, max(c.Begun, c.Done), c.ID, fmt.Sprintf("change %s differs from its events", c.ID))
		return nil
	}
	for id := range kept {
		v.breach(log.Pool, 0, id, fmt.Sprintf("change %s is kept, but has no event", id))
		return nil
	}
	return nil
}
