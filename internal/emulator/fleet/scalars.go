package fleet

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// scalarChecks are the checks of durations and times, by field. They run before the
// decoder, which reports a malformed duration without its line and ignores a malformed
// time.
var scalarChecks = map[string]func(string) error{
	"interval":          checkDuration,
	"timeout":           checkDuration,
	"lasts":             checkDuration,
	"registrationDelay": checkDuration,
	"startDelay":        checkDuration,
	"launched":          checkTime,
}

func checkDuration(text string) error {
	if _, err := time.ParseDuration(text); err != nil {
		return fmt.Errorf("%q is no duration, such as 90s or 5m", text)
	}
	return nil
}

func checkTime(text string) error {
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		return fmt.Errorf("%q is no time, such as 2019-10-01T18:54:00Z", text)
	}
	return nil
}

// scalarCheck is an ast.Visitor that keeps the first malformed scalar.
type scalarCheck struct {
	err error
}

// Visit implements ast.Visitor.
func (c *scalarCheck) Visit(node ast.Node) ast.Visitor {
	pair, ok := node.(*ast.MappingValueNode)
	if !ok {
		return c
	}
	key := pair.Key.String()
	if key == "tags" || key == "attributes" {
		return nil // any key is allowed
	}
	text, isText := pair.Value.(*ast.StringNode)
	check, checked := scalarChecks[key]
	if !isText || !checked || c.err != nil {
		return c
	}
	if err := check(text.Value); err != nil {
		c.err = &yaml.SyntaxError{Message: err.Error(), Token: text.GetToken()}
	}
	return c
}

// checkScalars returns the error of the first malformed scalar.
func checkScalars(file *ast.File) error {
	var check scalarCheck
	for _, document := range file.Docs {
		ast.Walk(&check, document)
	}
	return check.err
}
