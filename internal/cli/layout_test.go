package cli

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCellWidthCountsTerminalCells(t *testing.T) {
	for text, want := range map[string]int{"": 0, "web": 3, "déjà": 4, "de\u0301ja\u0300": 4, "部署": 4, "🚀": 2, "…": 1, "ｗ": 2} {
		if got := cellWidth(text); got != want {
			t.Errorf("%q takes %d cells, want %d", text, got, want)
		}
	}
}

func TestCutTextEndsWithEllipsis(t *testing.T) {
	for _, test := range []struct {
		text string
		room int
		want string
	}{
		{"release 7", 9, "release 7"}, {"release 7", 8, "release…"}, {"release 7", 1, "…"}, {"部署部署", 6, "部署…"}, {"部署部署", 4, "部…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		if got := cutTo(test.text, test.room); got != test.want || cellWidth(got) > test.room {
			t.Errorf("%q in %d is %q, want %q", test.text, test.room, got, test.want)
		}
	}
}

func TestWrappedKeepsWordsWhole(t *testing.T) {
	got := strings.Join(wrapped("every 30s, for at most a-very-long-word then", 10), "|")
	if want := "every 30s,|for at|most|a-very-long-word|then"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFitCutsTextsBeforeItRemovesColumns(t *testing.T) {
	columns := []column{{head: "A"}, {head: "B", least: 4, rank: 1}, {head: "C", rank: 2}, {head: "D", least: 3, rank: 3}}
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

func TestTableRowsFitTheTerminal(t *testing.T) {
	text := rapid.StringMatching(`[a-z部é ]{0,40}`)
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) column {
			return column{
				head: rapid.StringMatching(`[A-Z]{1,12}`).Draw(t, "head"), rank: rapid.IntRange(0, 3).Draw(t, "rank"),
				least: rapid.IntRange(0, 9).Draw(t, "least"), width: rapid.IntRange(0, 20).Draw(t, "width"),
			}
		}), 1, 8).Draw(t, "columns")
		room := rapid.IntRange(30, 120).Draw(t, "room")
		var out bytes.Buffer
		v := &view{out: &out, format: formatTable, heads: true, room: func() int { return room }}
		all, stream := &table{columns: columns}, &rowWriter{columns: columns, view: v}
		for range 3 {
			row := make([]cell, len(columns))
			for i := range row {
				row[i] = cellOf(text.Draw(t, "text"))
			}
			all.add(cellOf(text.Draw(t, "note")), row...)
			if err := stream.write(row...); err != nil {
				t.Fatal(err)
			}
		}
		if err := all.write(v); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if got := cellWidth(strings.TrimSuffix(line, "\n")); got > room {
				t.Fatalf("%q takes %d of %d", line, got, room)
			}
		}
	})
}
