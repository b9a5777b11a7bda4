package notify

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi"
)

// outNotifications returns the notifications of members that have been out for a duration.
// Those of a pool that went out together are one.
func outNotifications(out []lsapi.OutMember, outFor time.Duration) []notification {
	var all []notification
	for len(out) > 0 {
		first := &out[0]
		together, rest := partition(out, func(m *lsapi.OutMember) bool { return wentTogether(first, m) })
		begin := strings.ReplaceAll(first.Pool.String(), "/", "-") + "-" + strconv.FormatInt(first.Since.UnixMicro(), 10)
		if first.Detach != nil {
			begin = first.Detach.ID
		}
		n := notification{
			kind: Out, id: idOf(begin, Out, len(together)), pool: first.Pool, at: first.Since.Add(outFor),
			out: together, text: outText(together, outFor),
		}
		for i := range together {
			if c := together[i].Detach; c != nil {
				n.changes = append(n.changes, *c)
			}
		}
		all = append(all, n)
		out = rest
	}
	return all
}

// wentTogether reports whether one event, or one bulk, took two members out.
func wentTogether(a, b *lsapi.OutMember) bool {
	switch {
	case a.Pool != b.Pool || (a.Detach == nil) != (b.Detach == nil):
		return false
	case a.Detach == nil:
		return a.Since.Equal(b.Since)
	}
	return a.Detach.ID == b.Detach.ID || a.Detach.Bulk != "" && a.Detach.Bulk == b.Detach.Bulk
}

// partition returns the members for which in is true, and the others.
func partition(all []lsapi.OutMember, in func(*lsapi.OutMember) bool) (those, rest []lsapi.OutMember) {
	for i := range all {
		if in(&all[i]) {
			those = append(those, all[i])
		} else {
			rest = append(rest, all[i])
		}
	}
	return those, rest
}

// withoutTerminated returns the members without detached instances that EC2 has terminated or
// no longer has. While EC2 cannot be read, all are returned.
func withoutTerminated(ctx context.Context, instances Instances, out []lsapi.OutMember) []lsapi.OutMember {
	isDetached := func(m *lsapi.OutMember) bool { return m.Detach != nil && m.Member.IsInstance() }
	var ids []string
	for i := range out {
		if isDetached(&out[i]) {
			ids = append(ids, out[i].Member.Instance)
		}
	}
	if len(ids) == 0 {
		return out
	}
	slices.Sort(ids)
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := instances.Instances(ctx, slices.Compact(ids))
	if err != nil {
		return out
	}
	return slices.DeleteFunc(out, func(m lsapi.OutMember) bool {
		return isDetached(&m) && found[m.Member.Instance].IsTerminated()
	})
}
