package membership

import (
	"slices"
	"time"

	"lsapi"
)

// openChanges are the changes of a lane whose calls may have taken effect although they
// failed. Until they are settled, nothing else is done with their members.
type openChanges struct {
	changes  []*change
	pause    time.Duration // before the next look at them
	nextLook time.Time
	nextTry  time.Time // withdrawn requests alone are not recorded before
}

func (o *openChanges) isEmpty() bool { return len(o.changes) == 0 }

// add adds a change that is looked at soon.
func (o *openChanges) add(c *change) {
	o.changes = append(o.changes, c)
	o.pause = firstSettlingPause
	o.nextLook = time.Now().Add(o.pause)
}

// lookLater puts off the next look.
func (o *openChanges) lookLater() {
	o.pause = min(max(firstSettlingPause, 2*o.pause), maxSettlingPause)
	o.nextLook = time.Now().Add(o.pause)
	o.nextTry = o.nextLook
}

// drop drops the changes of requests that are on record as withdrawn: their intents were
// kept because it was not known whether they are on record.
func (o *openChanges) drop(withdrawn []withdrawal) {
	ended := make(map[string]bool)
	for _, r := range slices.Concat(withdrawn...) {
		ended[r.changeID] = true
	}
	o.changes = slices.DeleteFunc(o.changes, func(c *change) bool { return ended[c.recorded.ID] })
}

// reconcile makes the open changes those of the record. orphan makes one whose sender is
// another process, or crashed. It returns the changes that another process has settled.
func (o *openChanges) reconcile(recorded []lsapi.Change, orphan func(lsapi.Change) *change) (settled []*change) {
	mine := make(map[string]*change, len(o.changes))
	for _, c := range o.changes {
		mine[c.recorded.ID] = c
	}
	o.changes = nil
	for _, r := range recorded {
		c := mine[r.ID]
		if c == nil {
			c = orphan(r)
		}
		o.changes = append(o.changes, c)
		delete(mine, r.ID)
	}
	for _, c := range mine {
		settled = append(settled, c)
	}
	return settled
}
