package snapshot

import "time"

// Readers who find an answer too old, and bearable, wait for a newer one, all of
// them together for maxPatience and no longer. Were each as patient as the first,
// a client whose connections all wait would never catch up while AWS is slow.
//
// Nobody's patience is spent while nobody reads: AWS is not asked then, and who
// reads next must not take its silence for a failure.

// patience returns until when a reader waits who finds an entry too old.
func (s *Snapshot) patience(e *entry, now time.Time) (until time.Time) {
	if since := e.wanted.Load(); since < s.resumed.Load() {
		e.wanted.CompareAndSwap(since, now.UnixNano()) // or somebody else came first
	}
	return time.Unix(0, e.wanted.Load()).Add(maxPatience)
}

// isInVain reports whether readers have waited for an entry newer than this one
// for as long as they do.
func (s *Snapshot) isInVain(e *entry, now time.Time) bool {
	since := e.wanted.Load()
	return since >= s.resumed.Load() && now.UnixNano()-since >= int64(maxPatience)
}
