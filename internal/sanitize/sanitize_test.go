package sanitize_test

import (
	"testing"

	"lsapi/internal/sanitize"
)

func TestEscapeNonPrintableRunes(t *testing.T) {
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
		"not UTF-8 \xff":      `not UTF-8 \xff`,
	} {
		if got := sanitize.Escape(text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if sanitize.IsPrintable(text) != (text == want) {
			t.Errorf("whether %s is printable: got %t", want, sanitize.IsPrintable(text))
		}
	}
}
