package emulator

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

func readFleetFile(name string) (Fleet, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return Fleet{}, fmt.Errorf("fleet file: %w", err)
	}
	return decodeFleet(name, data)
}

// decodeFleet reads a fleet file. Fields that it does not know are errors, and
// each error begins with the file's name and the line.
func decodeFleet(name string, data []byte) (Fleet, error) {
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
	var told []error
	for _, p := range fleet.problems() {
		told = append(told, fmt.Errorf("%s:%d: %s", name, lineOf(file, p.path), p.reason))
	}
	if len(told) > 0 {
		return Fleet{}, errors.Join(told...)
	}
	return fleet, nil
}

// located puts the name and the line before what the decoder says.
func located(name string, err error) error {
	if coded, ok := errors.AsType[yaml.Error](err); ok && coded.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", name, coded.GetToken().Position.Line, coded.GetMessage())
	}
	return fmt.Errorf("%s: %w", name, err)
}

// lineOf returns the line of what a path leads to, or of the nearest thing
// around it when the file leaves that out.
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
