package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lsapi/internal/guard"
)

// tagPrefix begins the keys of the tags that are guards.
const tagPrefix = "lsapi:"

// tagKinds are the kinds of rules, by the keys of tags without tagPrefix.
var tagKinds = map[string]guard.Kind{
	"min-in-service":          guard.MinInService,
	"min-in-service-per-zone": guard.MinInServicePerZone,
	"max-out":                 guard.MaxOut,
	"keep-last":               guard.KeepLast,
	"freeze":                  guard.Freeze,
}

// TagRules returns the rules in the tags of a pool, sorted by key.
//
// A tag with the prefix "lsapi:" that is not valid is a Malformed rule. Its author wanted a
// guard, so a typing error must not be the same as none.
func TagRules(tags map[string]string) []guard.Rule {
	var rules []guard.Rule
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		name, ours := strings.CutPrefix(key, tagPrefix)
		if !ours {
			continue
		}
		r, err := tagRule(tagKinds[name], strings.TrimSpace(tags[key]))
		if errors.Is(err, errNoRule) {
			continue
		}
		if err != nil {
			r = guard.Rule{Kind: guard.Malformed, Of: tagKinds[name], Text: tags[key]}
			if r.Of == "" {
				r.Of = guard.Kind(key)
			}
		}
		r.Source = "tag " + key
		rules = append(rules, r)
	}
	return rules
}

// errNoRule is the result for a valid tag without effect.
var errNoRule = errors.New("no rule")

// tagRule returns the rule of a kind with a value.
func tagRule(kind guard.Kind, value string) (r guard.Rule, err error) {
	r.Kind = kind
	switch kind {
	case guard.MinInService, guard.MaxOut:
		r.Amount, err = parseAmount(value)
	case guard.MinInServicePerZone:
		r.Amount, err = parseCount(value)
	case guard.KeepLast:
		switch value {
		case "true":
		case "false":
			err = errNoRule // a tag does not weaken the policy
		default:
			err = fmt.Errorf("%s is neither true nor false", quote(value))
		}
	case guard.Freeze:
		err = parseTagPeriod(value, &r)
	case guard.Malformed:
	default:
		err = errors.New("there is no such guard")
	}
	return r, err
}

// parseTagPeriod parses "from A until B", or one of both.
func parseTagPeriod(text string, r *guard.Rule) (err error) {
	words := strings.Fields(text)
	for len(words) >= 2 {
		switch {
		case words[0] == "from" && r.From.IsZero() && r.Until.IsZero():
			r.From, err = parseTime(words[1])
		case words[0] == "until" && r.Until.IsZero():
			r.Until, err = parseTime(words[1])
		default:
			err = fmt.Errorf("%s is not of the form from 2026-12-24 until 2026-12-27", quote(text))
		}
		if err != nil {
			return err
		}
		words = words[2:]
	}
	if len(words) > 0 {
		return fmt.Errorf("%s is not of the form from 2026-12-24 until 2026-12-27", quote(text))
	}
	return checkPeriod(*r)
}
