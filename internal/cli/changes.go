package cli

import (
	"github.com/spf13/cobra"
)

func newChanges(p Process) *cobra.Command {
	return newGroup("changes", newChangesList(p), newChangesVerify(p), newChangesCheckpoint(p), newChangesUndo(p))
}
