package ec2

import "testing"

func TestWildcardMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want           bool
	}{
		{"web-*", "web-1", true}, {"web-*", "we", false}, {"*", "", true}, {"?", "", false}, {"a?c", "abc", true},
		{"*b*d", "abcd", true}, {"*b*e", "abcd", false}, {`\*`, "*", true}, {`\*`, "a", false}, {`\?x`, "?x", true}, {"a**", "a", true},
	} {
		if got := wildcardMatch(c.pattern, c.value); got != c.want {
			t.Errorf("%q matches %q: %v, want %v", c.pattern, c.value, got, c.want)
		}
	}
}
