package sqlite

import (
	"time"

	"github.com/google/uuid"

	"lsapi/internal/record"
)

// machine is where a process has its times from.
type machine struct {
	// now reads the wall clock, which may be wrong and may jump, with this process's
	// monotonic reading.
	now func() time.Time
	// since is the time since the boot whose id is boot. Those of different boots
	// cannot be compared.
	boot  string
	since func() time.Duration
}

// thisMachine returns the machine that this process runs on.
func thisMachine() machine {
	boot, since, err := systemBoot()
	if err != nil {
		return lonelyMachine()
	}
	return machineOf(boot, since)
}

// lonelyMachine is for systems whose processes share no clock but the wall clock: for
// each process, the machine was booted when the process opened the record.
func lonelyMachine() machine { return machineOf("process "+uuid.NewString(), 0) }

func machineOf(boot string, since time.Duration) machine {
	began := time.Now()
	return machine{now: time.Now, boot: boot, since: func() time.Duration { return since + time.Since(began) }}
}

// anchor ties the clock of a record in a file to a boot: it says what the clock read when
// the machine was booted. All processes of that boot read the same clock, by which they
// stamp and measure ages; what happens to the wall clock meanwhile does not matter.
type anchor struct {
	boot     string
	bootedAt time.Time
}

// anchored returns the anchor for a new owner of a file, whose last stamp is given. It
// keeps the anchor of the owner before, if that ran on the same boot. Otherwise the clock
// goes on from the wall clock, or from the last stamp if the wall clock is behind it: what
// was recorded is never of a time to come.
func (m machine) anchored(before anchor, last time.Time) anchor {
	since := m.since()
	if before.boot == m.boot && !before.bootedAt.Add(since).Before(last) {
		return before
	}
	now := record.Latest(m.now(), last).Add(time.Microsecond) // which storing it may cut off
	return anchor{boot: m.boot, bootedAt: record.Exact(now.Add(-since))}
}

// clock reads the clock of a record. A record that no owner on this boot has had yet is
// read by the wall clock.
func (m machine) clock(a anchor) record.Clock {
	before := m.now()
	now := before
	if a.boot == m.boot {
		now = a.bootedAt.Add(m.since())
	}
	return record.Clock{Now: record.Exact(now), Labels: before, Before: before, After: m.now()}
}
