package printable_test

import (
	"testing"

	"lsapi/internal/printable"
)

func TestWhatIsNotPrintableIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"deploy 117":          "deploy 117",
		"déploiement 部署 🚀":    "déploiement 部署 🚀",
		"\x1b[2Jgone":         `\x1b[2Jgone`,
		"a\nb\tc\r":           `a\nb\tc\r`,
		"evil\u202etxt":       `evil\u202etxt`,
		"al\u200bice":         `al\u200bice`,
		"line\u2028separator": `line\u2028separator`,
		"no-break\u00a0space": `no-break\u00a0space`,
		"\ufeffmark":          `\ufeffmark`,
		"c1 \u009b31m":        `c1 \u009b31m`,
		"no text \xff":        `no text \xff`,
	} {
		if got := printable.Escape(text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if printable.Is(text) != (text == want) {
			t.Errorf("whether %s is printable: got %t", want, printable.Is(text))
		}
	}
}
