package fleet

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// decode reads a fleet file. Each error begins with the file's name and the line.
// Unknown fields are errors.
func decode(name string, data []byte) (Fleet, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return Fleet{}, located(name, err)
	}
	if err := checkScalars(file); err != nil {
		return Fleet{}, located(name, err)
	}
	var fleet Fleet
	if err := yaml.UnmarshalWithOptions(data, &fleet, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) { // EOF: an empty file
		return Fleet{}, located(name, err)
	}
	var all []error
	for _, p := range fleet.problems() {
		all = append(all, fmt.Errorf("%s:%d: %s", name, lineOf(file, p.path), p.reason))
	}
	if len(all) > 0 {
		return Fleet{}, errors.Join(all...)
	}
	return fleet, nil
}

// located adds the file's name and the line to an error of the decoder.
func located(name string, err error) error {
	if coded, ok := errors.AsType[yaml.Error](err); ok && coded.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", name, coded.GetToken().Position.Line, coded.GetMessage())
	}
	return fmt.Errorf("%s: %w", name, err)
}

// lineOf returns the line of a path, or of the closest parent in the file.
func lineOf(file *ast.File, path string) int {
	for path != "" {
		if line, ok := lineAt(file, path); ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 1
}

func lineAt(file *ast.File, path string) (int, bool) {
	compiled, err := yaml.PathString(path)
	if err != nil {
		return 0, false
	}
	node, err := compiled.FilterFile(file)
	if err != nil {
		return 0, false
	}
	if pairs, ok := node.(*ast.MappingNode); ok && len(pairs.Values) > 0 {
		node = pairs.Values[0].Key // the mapping's own token is a colon
	}
	return node.GetToken().Position.Line, true
}
