package policy

import (
	"path"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"lsapi"
)

// Selectors select pools: those that one of them matches.
type Selectors []selector

// selector matches the path of a pool by a pattern, or its tags.
type selector struct {
	pattern string // such as "elb/web-*"; empty: by tags
	tags    []tag  // all of them
}

// tag is a required tag. The value "*" is any.
type tag struct{ key, value string }

// Match reports whether a pool with tags is selected. Nil tags match no tag.
func (s Selectors) Match(pool lsapi.PoolID, tags map[string]string) bool {
	return s.match(pool.Path(), tags)
}

func (s Selectors) match(poolPath string, tags map[string]string) bool {
	for _, one := range s {
		if one.match(poolPath, tags) {
			return true
		}
	}
	return false
}

// ByTag reports whether one of the selectors needs tags.
func (s Selectors) ByTag() bool {
	for _, one := range s {
		if one.pattern == "" {
			return true
		}
	}
	return false
}

func (s selector) match(poolPath string, tags map[string]string) bool {
	if s.pattern != "" {
		matches, _ := path.Match(s.pattern, poolPath) // the pattern is valid
		return matches
	}
	for _, required := range s.tags {
		if value, has := tags[required.key]; !has || required.value != value && required.value != anyValue {
			return false
		}
	}
	return true
}

// anyValue stands for every value of a tag.
const anyValue = "*"

// selectors decodes a list of patterns and tags. The list is not empty.
func (d *decoder) selectors(node ast.Node) Selectors {
	var all Selectors
	items := d.sequence(node, "pools", maxSelectors, func(node ast.Node) {
		if _, isMap := node.(ast.MapNode); isMap {
			all = append(all, selector{tags: d.tags(node)})
			return
		}
		pattern, ok := d.text(node, "a pattern of pools")
		if !ok {
			return
		}
		if problem := checkPattern(pattern); problem != "" {
			d.fail(node, "the pattern %s %s", quote(pattern), problem)
		}
		all = append(all, selector{pattern: pattern})
	})
	if items == 0 {
		d.fail(node, "pools is empty")
	}
	return all
}

// checkPattern returns why a pattern can match no pool; empty if it can.
func checkPattern(pattern string) string {
	kind, name, found := strings.Cut(pattern, "/")
	switch {
	case !found || strings.Contains(name, "/"):
		return `is not of the form KIND/NAME, such as "elb/web-*" or "*/*"`
	case strings.ContainsFunc(name, func(c rune) bool { return !strings.ContainsRune(nameSyntax, c) }):
		return "contains characters that names of pools do not have"
	case name == "":
		return "has no name"
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return "is malformed: a [ without ], or a \\ at its end"
	}
	for _, known := range []lsapi.Kind{lsapi.KindELB, lsapi.KindTG} {
		if matches, _ := path.Match(kind, string(known)); matches {
			return ""
		}
	}
	return "matches no kind of pool; the kinds are elb and tg"
}

// nameSyntax are the characters of names and patterns.
const nameSyntax = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-*?[]^\\"

// tags decodes {tag: {KEY: VALUE, ...}}.
func (d *decoder) tags(node ast.Node) []tag {
	var all []tag
	known := d.mapping(node, "a selector", fields{"tag": func(node ast.Node) {
		keys := d.pairs(node, "tag", func(key string, value ast.Node) {
			if text, ok := d.text(value, "the value of a tag"); ok {
				all = append(all, tag{key, text})
			}
		})
		if keys == 0 {
			d.fail(node, "tag has no tags, such as {env: prod}")
		}
	}})
	if len(known) == 0 {
		d.fail(node, "a selector has no tag, such as {tag: {env: prod}}")
	}
	return all
}
