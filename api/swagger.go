// Package api holds the service's HTTP contract: the Swagger 2.0 document, and
// the page that shows it without a network.
package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml"
)

//go:embed swagger.yaml
var swagger []byte

// Document is a Swagger 2.0 or OpenAPI 3.1 document in both of its notations.
type Document struct {
	YAML []byte
	JSON []byte
}

// Swagger returns the document of a service of that version that answers with the
// envelope {"message": VALUE}. An error is a defect of the embedded document.
func Swagger(version string) (Document, error) { return inBothNotations(versioned(version)) }

// BareSwagger returns the document of a service of that version that answers with bare
// values. An error is a defect of the embedded document.
func BareSwagger(version string) (Document, error) {
	bare, err := unwrapped(versioned(version))
	if err != nil {
		return Document{}, fmt.Errorf("swagger.yaml: %w", err)
	}
	return inBothNotations(bare)
}

// versioned returns the embedded document with the version in place of its own.
func versioned(version string) []byte {
	return bytes.Replace(swagger, []byte("\n  version: devel\n"), []byte("\n  version: "+strconv.Quote(version)+"\n"), 1)
}

func inBothNotations(text []byte) (Document, error) {
	compact, err := yaml.YAMLToJSON(text)
	if err != nil {
		return Document{}, fmt.Errorf("swagger.yaml: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		return Document{}, fmt.Errorf("swagger.yaml: %w", err)
	}
	return Document{YAML: text, JSON: indented.Bytes()}, nil
}
