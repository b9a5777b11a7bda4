package record

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lsapi"
)

// DeliveryRow is a stored delivery. Holder is the process that sends, until ExpiresAt by the
// record's clock.
type DeliveryRow struct {
	Receiver string
	lsapi.Delivery
	Holder    string
	ExpiresAt time.Time
}

// OutRow is the recorded health of a member that is out of service.
type OutRow struct {
	Pool lsapi.PoolID
	HealthRow
}

// heldByAnother reports whether a process other than holder sends. A claim that would last
// longer than a new one is of a clock that was set back since.
func (r *DeliveryRow) heldByAnother(holder string, now time.Time, lease time.Duration) bool {
	return r.Holder != "" && r.Holder != holder && r.ExpiresAt.After(now) && r.ExpiresAt.Sub(now) <= lease
}

// Claim implements ClaimDelivery with claims that last for lease.
func (r Record) Claim(ctx context.Context, receiver, holder string, lease time.Duration) (lsapi.Delivery, bool, error) {
	var row DeliveryRow
	claimed := false
	err := r.Update(ctx, func(ctx context.Context, t Tables) error {
		found, err := deliveryTo(ctx, t, receiver)
		if err != nil {
			return err
		}
		now, _, _, err := t.Times(ctx) // after the wait for the row
		if err != nil || found.heldByAnother(holder, now, lease) {
			return err
		}
		row, claimed = *found, true
		if row.Holder == holder && row.ExpiresAt.Sub(now) > lease/2 {
			return nil
		}
		row.Holder, row.ExpiresAt = holder, Exact(now.Add(lease))
		return t.PutDelivery(ctx, row)
	})
	if err != nil {
		return lsapi.Delivery{}, false, err // the update may still be running
	}
	return row.Delivery, claimed, nil
}

// deliveryTo returns the delivery of a receiver. A new one begins at the end of the record.
func deliveryTo(ctx context.Context, t Tables, receiver string) (*DeliveryRow, error) {
	found, err := t.Delivery(ctx, receiver)
	if err != nil || found != nil {
		return found, err
	}
	end, err := endOf(ctx, t)
	if err != nil {
		return nil, err
	}
	_, _, labels, err := t.Times(ctx)
	if err != nil {
		return nil, err
	}
	now := Exact(labels)
	if err := t.AddDelivery(ctx, DeliveryRow{Receiver: receiver, Delivery: lsapi.Delivery{Position: end, At: now, OutUntil: now}}); err != nil {
		return nil, err
	}
	found, err = t.Delivery(ctx, receiver) // that of another process, if that was first
	if err == nil && found == nil {
		err = Contradiction("the delivery to a receiver was removed while it was made")
	}
	return found, err
}

// SaveDelivery implements Store.
func (r Record) SaveDelivery(ctx context.Context, receiver, holder string, d lsapi.Delivery) error {
	return r.putDelivery(ctx, receiver, holder, func(row *DeliveryRow) { row.Delivery = d })
}

// ReleaseDelivery implements Store.
func (r Record) ReleaseDelivery(ctx context.Context, receiver, holder string) error {
	return r.putDelivery(ctx, receiver, holder, func(row *DeliveryRow) { row.Holder = "" })
}

func (r Record) putDelivery(ctx context.Context, receiver, holder string, change func(*DeliveryRow)) error {
	return r.Update(ctx, func(ctx context.Context, t Tables) error {
		row, err := t.Delivery(ctx, receiver)
		if err != nil {
			return err
		}
		if row == nil || row.Holder != holder {
			return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "another process sends the notifications", Err: lsapi.ErrLeaseLost}
		}
		change(row)
		return t.PutDelivery(ctx, *row)
	})
}

// Kept implements Store.
func (r Record) Kept(ctx context.Context) (lsapi.Position, error) {
	return Read(ctx, r, func(t Tables) (lsapi.Position, error) { return t.Dropped(ctx) })
}

// OutSince implements Store.
func (r Record) OutSince(ctx context.Context, from, to time.Time) ([]lsapi.OutMember, error) {
	return Read(ctx, r, func(t Tables) ([]lsapi.OutMember, error) {
		rows, err := t.OutOfService(ctx, from, to)
		if err != nil {
			return nil, err
		}
		all, err := detachedBetween(ctx, t, from, to)
		for i := range rows {
			row := &rows[i]
			all = append(all, lsapi.OutMember{Pool: row.Pool, Member: row.Member, Since: row.Since, Health: &row.MemberHealth})
		}
		slices.SortFunc(all, func(a, b lsapi.OutMember) int {
			return cmp.Or(a.Since.Compare(b.Since), a.Pool.Compare(b.Pool), a.Member.Compare(b.Member))
		})
		return all, err
	})
}

// detachedBetween returns the former members whose last change is a detach by lsapi that was
// requested in an interval.
func detachedBetween(ctx context.Context, t Tables, from, to time.Time) ([]lsapi.OutMember, error) {
	filter := lsapi.ChangeFilter{Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, From: from, To: to, Limit: page}
	detached := make(map[lsapi.PoolID][]ChangeRow)
	for {
		rows, err := t.Find(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.Source == lsapi.SourceLSAPI {
				detached[row.Pool] = append(detached[row.Pool], row)
			}
		}
		if len(rows) < filter.Limit {
			break
		}
		filter.Before = rows[len(rows)-1].ID
	}
	var all []lsapi.OutMember
	for pool, changes := range detached {
		out, err := notBack(ctx, t, pool, changes)
		if err != nil {
			return nil, err
		}
		all = append(all, out...)
	}
	return all, nil
}

// notBack returns the members of a pool that are still as detaches left them.
func notBack(ctx context.Context, t Tables, pool lsapi.PoolID, detaches []ChangeRow) ([]lsapi.OutMember, error) {
	ids := make([]lsapi.MemberID, len(detaches))
	for i := range detaches {
		ids[i] = detaches[i].Member
	}
	slices.SortFunc(ids, lsapi.MemberID.Compare)
	ids = slices.Compact(ids)
	members, err := t.Members(ctx, pool, ids)
	if err != nil {
		return nil, err
	}
	last, err := t.LastChanges(ctx, pool, ids)
	if err != nil {
		return nil, err
	}
	isLast := make(map[string]bool, len(last))
	for i := range last {
		isLast[last[i].ID] = true
	}
	var out []lsapi.OutMember
	for i := range detaches {
		c := &detaches[i].Change
		if _, back := members[c.Member]; !back && isLast[c.ID] {
			out = append(out, lsapi.OutMember{Pool: pool, Member: c.Member, Since: c.IntendedAt, Detach: c})
		}
	}
	return out, nil
}

// pruneDeliveries drops those that no process has claimed for long.
func (r Record) pruneDeliveries(ctx context.Context) error {
	return r.Update(ctx, func(ctx context.Context, t Tables) error {
		now, _, _, err := t.Times(ctx)
		if err != nil {
			return err
		}
		return t.DropDeliveries(ctx, now.Add(-deliveryLifetime))
	})
}
