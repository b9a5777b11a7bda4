package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"lsapi"
	"lsapi/internal/cli/term"
)

// Reasons and names are untrusted: none may forge another row, or hide one.
func TestTableRowIsOneLineOfPrintableText(t *testing.T) {
	var out bytes.Buffer
	show := changePrinter(&view{screen: term.Screen{Writer: &out, Heads: true, Room: unlimited}, format: formatTable})
	odd := "\u202eodd\u2028\u200b\x1b[2J"
	change := lsapi.Change{Actor: "a" + odd, Pool: lsapi.ELB("b" + odd), Member: lsapi.InstanceMember("c" + odd), Reason: "d" + odd}
	if err := show(change); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.Count(text, "\n") != 2 || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("the table is %q", text)
	}
	for _, field := range []string{"a", "b", "c", "d"} {
		if want := field + `\u202eodd\u2028\u200b\x1b[2J`; !strings.Contains(text, want) {
			t.Errorf("the table is %s, want %s in it", text, want)
		}
	}
}

func TestChangeRowHasItsGuardAndUndo(t *testing.T) {
	const undone, bulk = "01a20ee8-6140-7a11-8000-000000000103", "01a20ee8-6140-7a11-8000-0123456789aa"
	for _, test := range []struct {
		change lsapi.Change
		want   string
	}{
		{lsapi.Change{Reason: "deploy"}, "deploy"},
		{lsapi.Change{Reason: "deploy", Guard: &lsapi.GuardVerdict{Rule: "minInService 3"}}, "refused by minInService 3; deploy"},
		{lsapi.Change{Guard: &lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "the machine burns"}}, "overrides keepLast (the machine burns)"},
		{lsapi.Change{Undoes: undone, Reason: "back"}, "undoes " + undone + "; back"},
	} {
		var out bytes.Buffer
		test.change.Bulk = bulk
		show := changePrinter(&view{screen: term.Screen{Writer: &out, Wide: true, Room: unlimited}, format: formatTable})
		if err := show(test.change); err != nil {
			t.Fatal(err)
		}
		if text := strings.TrimSpace(out.String()); !strings.Contains(text, bulk+"  "+test.want) || !strings.HasSuffix(text, test.want) {
			t.Errorf("the row is %q, want %q", text, test.want)
		}
	}
}
