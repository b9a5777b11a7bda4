package term

import (
	"bytes"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"pgregory.net/rapid"
)

func TestWrapKeepsWordsWhole(t *testing.T) {
	got := strings.Join(Wrap("every 30s, for at most a-very-long-word then", 10), "|")
	if want := "every 30s,|for at|most|a-very-long-word|then"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFitCutsTextsBeforeItRemovesColumns(t *testing.T) {
	columns := []Column{{Head: "A"}, {Head: "B", Least: 4, Rank: 1}, {Head: "C", Rank: 2}, {Head: "D", Least: 3, Rank: 3}}
	natural := []int{10, 8, 6, 9}
	for room, want := range map[int][]int{
		0: {10, 8, 6, 9}, 39: {10, 8, 6, 9}, 37: {10, 8, 6, 7}, 29: {10, 4, 6, 3}, 28: {10, 8, 6, 0}, 24: {10, 4, 6, 0}, 23: {10, 8, 0, 0},
		16: {10, 4, 0, 0}, 15: {10, 0, 0, 0}, 4: {4, 0, 0, 0},
	} {
		got := fit(columns, natural, room)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("room of %d: %v, want %v", room, got, want)
				break
			}
		}
	}
}

func TestCellsEndWithEllipsisWhenCut(t *testing.T) {
	for _, test := range []struct {
		text string
		room int
		want string
	}{
		{"release 7", 9, "release 7"}, {"release 7", 7, "releas…"}, {"release 7", 1, "…"}, {"部署部署", 6, "部署…"}, {"部署部署", 4, "部…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		var out bytes.Buffer
		cut := Table{Columns: []Column{{Least: 1}}}
		cut.Add(Row{test.text}, Cell{})
		if err := cut.Write(Screen{Writer: &out, Room: func() int { return test.room }}); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != test.want+"\n" {
			t.Errorf("%q in %d is %q, want %q", test.text, test.room, got, test.want)
		}
	}
}

func TestTableRowsFitTheTerminal(t *testing.T) {
	text := rapid.StringMatching(`[a-z部é ]{0,40}`)
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Column {
			return Column{
				Head: rapid.StringMatching(`[A-Z]{1,12}`).Draw(t, "head"), Rank: rapid.IntRange(0, 3).Draw(t, "rank"),
				Least: rapid.IntRange(0, 9).Draw(t, "least"), Width: rapid.IntRange(0, 20).Draw(t, "width"),
			}
		}), 1, 8).Draw(t, "columns")
		room := rapid.IntRange(30, 120).Draw(t, "room")
		var out bytes.Buffer
		screen := Screen{Writer: &out, Heads: true, Room: func() int { return room }}
		all, stream := &Table{Columns: columns}, &Stream{Columns: columns}
		for range 3 {
			row := make(Row, len(columns))
			for i := range row {
				row[i] = text.Draw(t, "text")
			}
			all.Add(row, Text(text.Draw(t, "note")))
			if err := stream.Write(screen, row); err != nil {
				t.Fatal(err)
			}
		}
		if err := all.Write(screen); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if got := lipgloss.Width(strings.TrimSuffix(line, "\n")); got > room {
				t.Fatalf("%q takes %d of %d", line, got, room)
			}
		}
	})
}
