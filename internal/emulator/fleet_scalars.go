package emulator

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// scalarForms are the fields of a fleet file whose text has a form of its own.
// They are looked at before the file is decoded, because the decoder tells a
// malformed duration without its line and takes a malformed time for none.
var scalarForms = map[string]func(string) error{
	"interval":          durationForm,
	"timeout":           durationForm,
	"lasts":             durationForm,
	"registrationDelay": durationForm,
	"startDelay":        durationForm,
	"launched":          timeForm,
}

func durationForm(text string) error {
	if _, err := time.ParseDuration(text); err != nil {
		return fmt.Errorf("%q is no duration, such as 90s or 5m", text)
	}
	return nil
}

func timeForm(text string) error {
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		return fmt.Errorf("%q is no time, such as 2019-10-01T18:54:00Z", text)
	}
	return nil
}

// scalarCheck walks a fleet file and keeps the first scalar that is malformed.
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
	if key == "tags" {
		return nil // whose keys are the user's own
	}
	text, isText := pair.Value.(*ast.StringNode)
	form, hasForm := scalarForms[key]
	if !isText || !hasForm || c.err != nil {
		return c
	}
	if err := form(text.Value); err != nil {
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
