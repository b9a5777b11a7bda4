package api

import (
	"errors"
	"slices"

	"github.com/goccy/go-yaml"
)

const (
	definitionPrefix = "#/definitions/"
	// envelopeMark is the extension that marks the definition of an envelope.
	envelopeMark = "x-envelope"
	// envelopeField is the property of an envelope that holds the value.
	envelopeField = "message"
	// errorField is the property that holds the text of a bare error.
	errorField = "error"
)

// unwrapped derives the document of bare responses: each reference to an
// envelope becomes the schema of its value, and an Error's text changes its
// name. The order of everything is kept.
func unwrapped(text []byte) ([]byte, error) {
	var document yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(text, &document, yaml.UseOrderedMap()); err != nil {
		return nil, err
	}
	definitions, ok := field(document, "definitions")
	if !ok {
		return nil, errors.New("there are no definitions")
	}
	kept, values := splitEnvelopes(definitions)
	if failure, ok := field(kept, "Error"); ok {
		renameText(failure)
	}
	for i, item := range document {
		if item.Key == "definitions" {
			document[i].Value = kept
		}
	}
	return yaml.MarshalWithOptions(unwrap(document, values),
		yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
}

// splitEnvelopes returns the definitions that are no envelopes, and the value's
// schema of those that are, by reference.
func splitEnvelopes(definitions yaml.MapSlice) (kept yaml.MapSlice, values map[string]any) {
	values = make(map[string]any)
	for _, item := range definitions {
		definition, _ := item.Value.(yaml.MapSlice)
		if _, envelope := definition.ToMap()[envelopeMark]; !envelope {
			kept = append(kept, item)
			continue
		}
		name, named := item.Key.(string)
		if properties, ok := field(definition, "properties"); ok && named {
			values[definitionPrefix+name] = properties.ToMap()[envelopeField]
		}
	}
	return kept, values
}

// unwrap replaces each reference that values has an answer for.
func unwrap(node any, values map[string]any) any {
	switch node := node.(type) {
	case yaml.MapSlice:
		if reference, ok := node.ToMap()["$ref"].(string); ok {
			if value, envelope := values[reference]; envelope {
				return value
			}
		}
		for i := range node {
			node[i].Value = unwrap(node[i].Value, values)
		}
	case []any:
		for i := range node {
			node[i] = unwrap(node[i], values)
		}
	}
	return node
}

// renameText makes the definition of an enveloped error that of a bare one.
func renameText(definition yaml.MapSlice) {
	if properties, ok := field(definition, "properties"); ok {
		if i := slices.IndexFunc(properties, func(item yaml.MapItem) bool { return item.Key == envelopeField }); i >= 0 {
			properties[i].Key = errorField
		}
	}
	if required, ok := definition.ToMap()["required"].([]any); ok {
		if i := slices.Index(required, any(envelopeField)); i >= 0 {
			required[i] = errorField
		}
	}
}

// field returns the mapping that stands under a key.
func field(mapping yaml.MapSlice, key string) (yaml.MapSlice, bool) {
	value, ok := mapping.ToMap()[key].(yaml.MapSlice)
	return value, ok
}
