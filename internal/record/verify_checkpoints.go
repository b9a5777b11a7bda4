package record

import (
	"context"
	"fmt"

	"lsapi"
)

// heads compares a log with what was noted of it earlier.
func (v *verifier) heads(ctx context.Context, log LogRow, heads []lsapi.Head) error {
	for _, head := range heads {
		if head.LoadBalancer != log.LoadBalancer || v.found.Breach != nil {
			continue
		}
		if err := v.head(ctx, log, head); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) head(ctx context.Context, log LogRow, head lsapi.Head) error {
	switch {
	case head.Seq > log.Last:
		v.breach(log.LoadBalancer, log.Last+1, "", fmt.Sprintf("the log ends at event %d, but event %d was noted: its tail was cut off", log.Last, head.Seq))
		return nil
	case head.Seq < log.First-1:
		v.found.Pruned = append(v.found.Pruned, head)
		return nil
	}
	rows, err := v.views[0].Events(ctx, log.LoadBalancer, max(head.Seq, log.First), 1)
	if err != nil || len(rows) == 0 {
		return err
	}
	sum := rows[0].Hash
	if head.Seq < log.First {
		sum = rows[0].Prev
	}
	if sum.String() != head.Hash {
		v.breach(log.LoadBalancer, head.Seq, rows[0].ChangeID, fmt.Sprintf("event %d, or one before it, is not what it was when its head was noted", head.Seq))
	}
	return nil
}
