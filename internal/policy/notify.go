package policy

import "github.com/goccy/go-yaml/ast"

// Notify is an entry of the section notify.
type Notify struct {
	// Pools are the pools of the entry. None: all.
	Pools Selectors
}

// notify decodes an entry of the section notify.
func (d *decoder) notify(node ast.Node) Notify {
	var n Notify
	d.mapping(node, "a notification", fields{
		"pools": func(node ast.Node) { n.Pools = d.selectors(node) },
	})
	return n
}
