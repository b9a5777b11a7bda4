package sqlite

import (
	"time"

	"github.com/google/uuid"

	"lsapi/internal/record"
)

type machine struct {
	// now reads the wall clock, which may be wrong and may jump, with the monotonic clock.
	now func() time.Time
	// since is the time since the boot with the id boot. Those of different boots cannot be
	// compared.
	boot  string
	since func() time.Duration
}

// thisMachine returns this process's machine. On systems without a clock that processes
// share, each process has a boot of its own, which begins now.
func thisMachine() machine {
	boot, since, err := systemBoot()
	if err != nil {
		boot, since = "process "+uuid.NewString(), 0
	}
	began := time.Now()
	return machine{now: time.Now, boot: boot, since: func() time.Duration { return since + time.Since(began) }}
}

// anchor is the reading of a record's clock at the boot of the machine. All processes of
// that boot share the clock, which stamps and measures ages, whatever the wall clock does.
type anchor struct {
	boot     string
	bootedAt time.Time
}

// anchored returns the anchor for a new owner of a file with a last stamp: the former
// owner's if it ran on the same boot. Otherwise the clock continues at the wall clock, or
// at the last stamp if that is later: no stamp is in the future.
func (m machine) anchored(before anchor, last time.Time) anchor {
	since := m.since()
	if before.boot == m.boot && !before.bootedAt.Add(since).Before(last) {
		return before
	}
	now := record.Latest(m.now(), last).Add(time.Microsecond) // storing truncates
	return anchor{boot: m.boot, bootedAt: record.Exact(now.Add(-since))}
}

// clock reads the clock of a record: the wall clock before the first owner on this boot.
func (m machine) clock(a anchor) record.Clock {
	before := m.now()
	now := before
	if a.boot == m.boot {
		now = a.bootedAt.Add(m.since())
	}
	return record.Clock{Now: record.Exact(now), Labels: before, Before: before, After: m.now()}
}
