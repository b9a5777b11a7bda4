package membership

import (
	"slices"
	"strings"
	"time"

	"lsapi"
)

// checkUndo returns CodeSuperseded if the caller undoes a change that is no longer the last of
// its member, on record or in the events that the round has yet to record.
func (r *round) checkUndo(c *caller, unrecorded []lsapi.Event) error {
	if c.undoes == "" {
		return nil
	}
	member := c.Items[0].Member
	ctx, cancel := r.recording(0)
	defer cancel()
	later, err := r.record.Later(ctx, lsapi.Change{ID: c.undoes, Pool: r.pool, Member: member})
	if lsapi.ErrorCode(err) == lsapi.CodeSuperseded {
		return err
	}
	if err != nil {
		return errUnrecorded(err)
	}
	for _, e := range unrecorded {
		if e.Kind == lsapi.EventObserved {
			later = append(later, observedOf(e, member)...)
		}
	}
	if len(later) == 0 {
		return nil
	}
	return errSuperseded(c.undoes, member, later)
}

// observedOf returns the external changes of a member in an observed event, without ids.
func observedOf(e lsapi.Event, member lsapi.MemberID) []lsapi.Change {
	var changes []lsapi.Change
	for action, members := range map[lsapi.Action][]lsapi.MemberID{lsapi.Attach: e.Added, lsapi.Detach: e.Removed} {
		if slices.Contains(members, member) {
			changes = append(changes, lsapi.Change{Action: action, Member: member, Source: lsapi.SourceExternal, IntendedAt: e.At})
		}
	}
	return changes
}

// errSuperseded is the answer to an undo after which other changes came.
func errSuperseded(undone string, member lsapi.MemberID, later []lsapi.Change) *lsapi.Error {
	names := make([]string, len(later))
	for i, c := range later {
		names[i] = nameOf(c)
	}
	return lsapi.Errorf(lsapi.CodeSuperseded, "later changes of %s came after %s: %s; nothing was changed", member, undone, strings.Join(names, ", "))
}

// nameOf returns a change in words: what, by whom, when, and its id.
func nameOf(c lsapi.Change) string {
	by := "by " + c.Actor
	if c.Source == lsapi.SourceExternal {
		by = "outside of lsapi"
	}
	name := string(c.Action) + " " + by + " at " + c.IntendedAt.UTC().Format(time.RFC3339)
	if c.ID != "" {
		name += " (" + c.ID + ")"
	}
	return name
}
