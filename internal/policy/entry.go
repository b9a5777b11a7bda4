package policy

import (
	"github.com/goccy/go-yaml/ast"

	"lsapi/internal/guard"
)

// entry is an entry of the section guards: rules for the pools that it selects.
type entry struct {
	pools        Selectors
	rules        []guard.Rule
	setsKeepLast bool // in place of the default
	source       string
}

func (d *decoder) entry(node ast.Node) entry {
	e := entry{source: d.source(node)}
	before := len(d.problems)
	add := func(node ast.Node, r guard.Rule) {
		r.Source = d.source(node)
		e.rules = append(e.rules, r)
	}
	amount := func(kind guard.Kind, parse func(string) (guard.Amount, error)) func(ast.Node) {
		return func(node ast.Node) {
			text, ok := d.text(node, string(kind))
			if !ok {
				return
			}
			if a, err := parse(text); err != nil {
				d.fail(node, "%s: %v", kind, err)
			} else {
				add(node, guard.Rule{Kind: kind, Amount: a})
			}
		}
	}
	keys := d.mapping(node, "a guard", fields{
		"pools":                           func(node ast.Node) { e.pools = d.selectors(node) },
		string(guard.MinInService):        amount(guard.MinInService, parseAmount),
		string(guard.MinInServicePerZone): amount(guard.MinInServicePerZone, parseCount),
		string(guard.MaxOut):              amount(guard.MaxOut, parseAmount),
		string(guard.KeepLast): func(node ast.Node) {
			e.setsKeepLast = true
			if d.boolean(node, "keepLast") {
				add(node, guard.Rule{Kind: guard.KeepLast})
			}
		},
		string(guard.Freeze): func(node ast.Node) { add(node, d.freeze(node)) },
	})
	switch {
	case keys == nil || len(d.problems) > before:
	case !keys["pools"]:
		d.fail(node, `the guard has no pools; pools: ["*/*"] selects all`)
	case len(keys) == 1:
		d.fail(node, "the guard has no rule, such as minInService: 1")
	}
	return e
}

func (d *decoder) freeze(node ast.Node) guard.Rule {
	r := guard.Rule{Kind: guard.Freeze}
	before := len(d.problems)
	bound := func(name string, set func(text string) error) func(ast.Node) {
		return func(node ast.Node) {
			if text, ok := d.text(node, name); ok {
				if err := set(text); err != nil {
					d.fail(node, "%s: %v", name, err)
				}
			}
		}
	}
	d.mapping(node, "freeze", fields{
		"from":  bound("from", func(text string) (err error) { r.From, err = parseTime(text); return err }),
		"until": bound("until", func(text string) (err error) { r.Until, err = parseTime(text); return err }),
	})
	if len(d.problems) > before {
		return r
	}
	if err := checkPeriod(r); err != nil {
		d.fail(node, "freeze: %v", err)
	}
	return r
}
