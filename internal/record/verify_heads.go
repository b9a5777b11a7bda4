package record

import (
	"context"
	"fmt"

	"lsapi"
)

// heads compares a log with what was noted of it earlier.
func (v *verifier) heads(ctx context.Context, log logRow, heads []lsapi.Head) error {
	for _, head := range heads {
		if head.LoadBalancer != log.loadBalancer || v.found.Breach != nil {
			continue
		}
		if err := v.head(ctx, log, head); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) head(ctx context.Context, log logRow, head lsapi.Head) error {
	switch {
	case head.Seq > log.last:
		v.breach(log.loadBalancer, log.last+1, "", fmt.Sprintf("the log ends at event %d, but event %d was noted: its tail was cut off", log.last, head.Seq))
		return nil
	case head.Seq < log.first-1:
		v.found.Pruned = append(v.found.Pruned, head)
		return nil
	}
	rows, err := v.views[0].events(ctx, log.loadBalancer, max(head.Seq, log.first), 1)
	if err != nil || len(rows) == 0 {
		return err
	}
	sum := rows[0].hash
	if head.Seq < log.first {
		sum = rows[0].prev
	}
	if sum.String() != head.Hash {
		v.breach(log.loadBalancer, head.Seq, rows[0].changeID, fmt.Sprintf("event %d, or one before it, is not what it was when its head was noted", head.Seq))
	}
	return nil
}
