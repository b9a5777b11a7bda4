package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Problem is an error in a policy file. Line and Column begin with 1.
type Problem struct {
	Line, Column int
	Text         string
}

// Error lists the problems of a policy file, in their order in the file.
type Error struct {
	// Name is that of the file.
	Name     string
	Problems []Problem
	// More is the number of problems beyond the first 50, which Problems has.
	More int
}

// Error returns the problems, separated by "; ".
func (e *Error) Error() string { return strings.Join(e.Lines(), "; ") }

// Lines returns a line for each problem, such as "policy.yaml:4:9: pools is empty".
func (e *Error) Lines() []string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", e.Name, p.Line, p.Column, p.Text))
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", e.More))
	}
	return lines
}

// decoder decodes a file and collects its problems. The values of what has a problem are
// arbitrary.
type decoder struct {
	name     string
	problems []Problem
}

func (d *decoder) fail(node ast.Node, format string, args ...any) {
	line, column := position(node)
	d.failAt(line, column, format, args...)
}

func (d *decoder) failAt(line, column int, format string, args ...any) {
	d.problems = append(d.problems, Problem{line, column, fmt.Sprintf(format, args...)})
}

func (d *decoder) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	shown := d.problems[:min(maxProblems, len(d.problems))]
	return &Error{Name: d.name, Problems: shown, More: len(d.problems) - len(shown)}
}

// position returns the line and the column at which a node begins.
func position(node ast.Node) (line, column int) {
	switch n := node.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			node = n.Values[0].Key // the mapping's own token is a colon
		}
	case *ast.MappingValueNode:
		node = n.Key
	}
	if token := node.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line, token.Position.Column
	}
	return 1, 1
}

// document parses YAML and returns the body of its only document, nil if there is a problem.
func (d *decoder) document(text []byte) ast.Node {
	if !d.checkShape(text) {
		return nil
	}
	tokens := lexer.Tokenize(string(text))
	if !d.checkDepth(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // mapping reports duplicates
	if coded, ok := errors.AsType[yaml.Error](err); ok && coded.GetToken() != nil {
		at := coded.GetToken().Position
		d.failAt(at.Line, at.Column, "not YAML: %s", coded.GetMessage())
		return nil
	} else if err != nil {
		d.failAt(1, 1, "not YAML: %v", err)
		return nil
	}
	var bodies []ast.Node
	for _, document := range file.Docs {
		if document.Body != nil {
			bodies = append(bodies, document.Body)
		}
	}
	switch len(bodies) {
	case 0:
		d.failAt(1, 1, "the policy is empty; {} has the defaults and no guards")
		return nil
	case 1:
		return bodies[0]
	}
	d.fail(bodies[1], "a second document; a policy is one")
	return nil
}

// checkShape reports whether a text is within the bounds in which the parser is fast.
func (d *decoder) checkShape(text []byte) bool {
	if len(text) > maxFileSize {
		d.failAt(1, 1, "larger than %d bytes", maxFileSize)
		return false
	}
	if !utf8.Valid(text) {
		d.failAt(1, 1, "not UTF-8")
		return false
	}
	number := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		number++
		indent := len(line) - len(bytes.TrimLeft(line, " \t-?"))
		if len(line) > maxLine || indent > maxLine/8 {
			d.failAt(number, 1, tooDeep)
			return false
		}
	}
	return true
}

const tooDeep = "the line is too long, or nested too deeply"

// checkDepth reports whether brackets are nested within the bounds. Those in comments and
// texts are no tokens.
func (d *decoder) checkDepth(tokens token.Tokens) bool {
	depth := 0
	for _, t := range tokens {
		switch t.Type { //nolint:exhaustive // no other opens or closes
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth = max(0, depth-1)
		}
		if depth > maxDepth {
			d.failAt(t.Position.Line, 1, tooDeep)
			return false
		}
	}
	return true
}

// fields decode the values of a mapping, by key.
type fields map[string]func(value ast.Node)

// mapping decodes a mapping with some of the fields. It returns the keys; nil if the node is
// no mapping.
func (d *decoder) mapping(node ast.Node, what string, known fields) map[string]bool {
	keys := make(map[string]bool)
	isMap := d.each(node, what, func(key string, keyNode, value ast.Node) {
		decode, ok := known[key]
		if !ok {
			d.fail(keyNode, "%s has no field %s; the fields are %s", what, quote(key), strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			return
		}
		keys[key] = true
		decode(value)
	})
	if !isMap {
		return nil
	}
	return keys
}

// pairs decodes a mapping with any keys, and returns their number; -1 if the node is no
// mapping.
func (d *decoder) pairs(node ast.Node, what string, decode func(key string, value ast.Node)) int {
	n := 0
	if !d.each(node, what, func(key string, _, value ast.Node) { n++; decode(key, value) }) {
		return -1
	}
	return n
}

// each calls decode for each pair of a mapping whose key is a text and has a value. It
// reports whether the node is a mapping.
func (d *decoder) each(node ast.Node, what string, decode func(key string, keyNode, value ast.Node)) bool {
	m, ok := node.(ast.MapNode)
	if !ok {
		d.fail(node, "%s is not a mapping but %s", what, nameOf(node))
		return false
	}
	lines := make(map[string]int)
	for pairs := m.MapRange(); pairs.Next(); {
		keyNode, value := pairs.Key(), pairs.Value()
		key, ok := d.text(keyNode, "a key")
		if !ok {
			continue
		}
		line, _ := position(keyNode)
		if lines[key] > 0 {
			d.fail(keyNode, "the field %s is on line %d already", quote(key), lines[key])
			continue
		}
		lines[key] = line
		if isNull(value) {
			d.fail(keyNode, "%s has no value", quote(key))
			continue
		}
		decode(key, keyNode, value)
	}
	return true
}

// sequence calls decode for each item of a list, and returns their number; -1 if the node is
// no list.
func (d *decoder) sequence(node ast.Node, what string, most int, decode func(ast.Node)) int {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		d.fail(node, "%s is not a list but %s", what, nameOf(node))
		return -1
	}
	if len(list.Values) > most {
		d.fail(node, "%s has more than %d items", what, most)
		return len(list.Values)
	}
	for _, item := range list.Values {
		if isNull(item) {
			d.fail(node, "%s has an item without a value", what)
			continue
		}
		decode(item)
	}
	return len(list.Values)
}

// text returns a plain or quoted scalar as it is in the file.
func (d *decoder) text(node ast.Node, what string) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	d.fail(node, "%s is not a text but %s", what, nameOf(node))
	return "", false
}

func (d *decoder) boolean(node ast.Node, what string) bool {
	n, ok := node.(*ast.BoolNode)
	if !ok {
		d.fail(node, "%s is neither true nor false", what)
		return false
	}
	return n.Value
}

func isNull(node ast.Node) bool {
	_, null := node.(*ast.NullNode)
	return null || node == nil
}

// nameOf returns what a node is, in YAML's words.
func nameOf(node ast.Node) string {
	switch node.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or an alias, which policies do not have"
	case *ast.TagNode:
		return "a tagged value, which policies do not have"
	case *ast.LiteralNode:
		return "a block of text"
	}
	return "a scalar"
}

// source returns where a rule is from.
func (d *decoder) source(node ast.Node) string {
	line, _ := position(node)
	return fmt.Sprintf("%s:%d", d.name, line)
}
