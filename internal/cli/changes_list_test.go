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
