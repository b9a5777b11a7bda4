package cli

import (
	"runtime/debug"
	"testing"
)

func TestRevisionMarksUncommittedChanges(t *testing.T) {
	for modified, want := range map[string]string{"false": "0123abc", "true": "0123abc+"} {
		info := &debug.BuildInfo{Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123abc"},
			{Key: "vcs.modified", Value: modified},
		}}
		if got := revision(info); got != want {
			t.Errorf("modified %s: got %s, want %s", modified, got, want)
		}
	}
}
