// Package api holds the service's HTTP contract: the Swagger 2.0 document, and
// the page that shows it without a network.
package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"
)

//go:embed swagger.yaml
var swagger []byte

// Document is a Swagger 2.0 document in both of its notations.
type Document struct {
	YAML []byte
	JSON []byte
}

// Swagger returns the document of a service that answers with the envelope
// {"message": VALUE}. An error is a defect of the embedded document.
func Swagger() (Document, error) { return inBothNotations(swagger) }

// BareSwagger returns the document of a service that answers with bare values.
// An error is a defect of the embedded document.
func BareSwagger() (Document, error) {
	bare, err := unwrapped(swagger)
	if err != nil {
		return Document{}, fmt.Errorf("swagger.yaml: %w", err)
	}
	return inBothNotations(bare)
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
