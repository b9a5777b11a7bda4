package cli

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// The linker sets version and commit (-X) for a release. Other builds use the build info
// of the Go toolchain.
var version, commit string

// noVersion is the version in the build info of a program that was built without one.
const noVersion = "(devel)"

func newVersion(p Process) *cobra.Command {
	command := newCommand("version")
	command.RunE = func(*cobra.Command, []string) error {
		_, err := io.WriteString(p.Stdout, versionLine())
		return err
	}
	return command
}

func versionLine() string {
	return fmt.Sprintf("lsapi %s, %s %s/%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionText returns the version and the commit, if known.
func versionText() string {
	v, c := version, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		v, c = cmp.Or(v, info.Main.Version), cmp.Or(c, revision(info))
	}
	return fmt.Sprintf("%s (commit %s)", cmp.Or(v, noVersion), cmp.Or(c, "unknown"))
}

// revision returns the commit from the build info, with a + for uncommitted changes.
func revision(info *debug.BuildInfo) string {
	var commit, changed string
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				changed = "+"
			}
		}
	}
	return commit + changed
}
