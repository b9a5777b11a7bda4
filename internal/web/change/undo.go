package change

import "lsapi"

// Undo returns the request for the opposite of a change. CodeNotUndoable: the change is not
// known to have changed anything.
func Undo(of *lsapi.Change, t Terms) (Request, error) {
	opposite := map[lsapi.Action]lsapi.Action{lsapi.Attach: lsapi.Detach, lsapi.Detach: lsapi.Attach}
	switch of.Outcome {
	case lsapi.OutcomeApplied:
	case "":
		return Request{}, lsapi.Errorf(lsapi.CodeNotUndoable, "the change has no outcome yet")
	case lsapi.OutcomeUnknown:
		return Request{}, lsapi.Errorf(lsapi.CodeNotUndoable, "the outcome of the change is unknown: it may have changed nothing")
	default:
		return Request{}, lsapi.Errorf(lsapi.CodeNotUndoable, "the change has changed nothing: its outcome is %s", of.Outcome)
	}
	return Request{Action: opposite[of.Action], Pool: of.Pool, Member: of.Member, Undoes: of.ID, Terms: t}, nil
}
