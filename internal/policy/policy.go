// Package policy has the guards of pools: rules from a policy file, which is reloaded when
// it changes, and from the tags of the pools.
//
// Dependencies point one way: Guards (the rules of a pool, cached), File (reloads), Policy
// (a parsed file), its sections, the decoder.
package policy

import (
	"slices"

	"github.com/goccy/go-yaml/ast"

	"lsapi"
	"lsapi/internal/guard"
)

// Policy is the content of a policy file. It is immutable. The zero Policy has no rules,
// and everyone may override.
type Policy struct {
	keepLast  []guard.Rule // the default of pools whose entries do not set it; at most one
	entries   []entry
	byTag     bool            // an entry selects by tags
	overrides map[string]bool // the users who may override; nil: everyone
	notify    []Notify
}

// Parse parses a policy file. The name is that of the sources of its rules. The error is a
// *Error with all problems; with malformed YAML, with the first.
func Parse(name string, text []byte) (*Policy, error) {
	d := &decoder{name: name}
	body := d.document(text)
	if body == nil {
		return nil, d.err()
	}
	p := d.policy(body)
	if err := d.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// policy decodes the top of a file.
func (d *decoder) policy(body ast.Node) *Policy {
	keepLast, source := true, d.name+", by default"
	p := &Policy{}
	d.mapping(body, "a policy", fields{
		"defaults": func(node ast.Node) {
			d.mapping(node, "defaults", fields{"keepLast": func(node ast.Node) {
				keepLast, source = d.boolean(node, "keepLast"), d.source(node)
			}})
		},
		"guards": func(node ast.Node) {
			d.sequence(node, "guards", maxEntries, func(node ast.Node) { p.entries = append(p.entries, d.entry(node)) })
		},
		"mayOverride": func(node ast.Node) { p.overrides = d.users(node) },
		"notify": func(node ast.Node) {
			d.sequence(node, "notify", maxEntries, func(node ast.Node) { p.notify = append(p.notify, d.notify(node)) })
			d.checkNotify(node, p.notify)
		},
	})
	if keepLast {
		p.keepLast = []guard.Rule{{Kind: guard.KeepLast, Source: source}}
	}
	for _, e := range p.entries {
		p.byTag = p.byTag || e.pools.ByTag()
	}
	return p
}

// users decodes the users who may override.
func (d *decoder) users(node ast.Node) map[string]bool {
	users := make(map[string]bool)
	d.sequence(node, "mayOverride", maxUsers, func(node ast.Node) {
		switch user, ok := d.text(node, "a user"); {
		case !ok:
		case user == "":
			d.fail(node, "the name of the user is empty")
		case users[user]:
			d.fail(node, "the user %s is in the list already", quote(user))
		default:
			users[user] = true
		}
	})
	return users
}

// MayOverride reports whether a user may override guards.
func (p *Policy) MayOverride(user string) bool { return p.overrides == nil || p.overrides[user] }

// ByTag reports whether guards of the policy select pools by their tags.
func (p *Policy) ByTag() bool { return p.byTag }

// Size returns the number of entries in the section guards.
func (p *Policy) Size() int { return len(p.entries) }

// Notify returns the entries of the section notify. The caller must not change them.
func (p *Policy) Notify() []Notify { return p.notify }

// Rules returns the rules of the policy for a pool with tags. With nil tags it returns those
// of the entries that select the pool by its name.
func (p *Policy) Rules(pool lsapi.PoolID, tags map[string]string) []guard.Rule {
	var rules []guard.Rule
	set := false // whether an entry sets keepLast
	path := pool.Path()
	for _, e := range p.entries {
		if e.pools.match(path, tags) {
			rules = append(rules, e.rules...)
			set = set || e.setsKeepLast
		}
	}
	if !set {
		rules = append(rules, p.keepLast...)
	}
	return rules
}

// Selects reports whether an entry selects a pool by its name.
func (p *Policy) Selects(pool lsapi.PoolID) bool {
	path := pool.Path()
	return slices.ContainsFunc(p.entries, func(e entry) bool { return e.pools.match(path, nil) })
}

// TagEntries returns the sources of the entries that select some pools by their tags, such
// as "policy.yaml:4".
func (p *Policy) TagEntries() []string {
	var sources []string
	for _, e := range p.entries {
		if e.pools.ByTag() {
			sources = append(sources, e.source)
		}
	}
	return sources
}
