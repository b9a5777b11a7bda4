package record

import (
	"encoding/binary"
	"hash/maphash"
)

// digests compares many changes with as many others in little memory: the sums of
// their digests are equal when they are, whatever the order. The seed is made anew
// for each comparison, so that nobody can make changes up that add up to the same.
type digests struct{ seed maphash.Seed }

func newDigests() digests { return digests{maphash.MakeSeed()} }

// of is the digest of all that a change's row says.
func (d digests) of(c *ChangeRow) uint64 {
	buffer := make([]byte, 0, 512)
	for _, text := range []string{
		c.ID, c.LoadBalancer, c.InstanceID, c.Actor, string(c.Action), c.Reason, c.RequestID, string(c.Source),
		string(c.Outcome), c.Code, string(c.Resolution), c.AWSRequestID, c.Instance.Type, string(c.Instance.State),
	} {
		buffer = binary.AppendUvarint(buffer, uint64(len(text)))
		buffer = append(buffer, text...)
	}
	for _, number := range []int64{
		c.NotBefore.UnixMicro(), c.Deadline.UnixMicro(), c.CompletedAt.UnixMicro(), c.Instance.LaunchTime.UnixMicro(), c.Begun, c.Done,
		count(c.MembersBefore), count(c.MembersAfter),
	} {
		buffer = binary.AppendVarint(buffer, number)
	}
	return maphash.Bytes(d.seed, buffer)
}

func count(n *int) int64 {
	if n == nil {
		return -1
	}
	return int64(*n)
}

// tally is the sum of digests, and how many there are.
type tally struct {
	sum uint64
	n   int
}

func (t *tally) add(digest uint64) {
	t.sum += digest
	t.n++
}
