package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// Field is a field of a JSON object.
type Field struct {
	Name  string
	Value json.RawMessage
}

// ParseObject returns the fields of the JSON object that a body is, in their order. A name
// can be there more than once. The content type is ignored: curl -d declares every body a form.
func ParseObject(body []byte) ([]Field, error) {
	if !utf8.Valid(body) {
		return nil, Invalid("the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	var document json.RawMessage
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, Invalid("the body is empty; it must be a JSON object")
	} else if err != nil {
		return nil, Invalid("the body is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, Invalid("there is something after the JSON object in the body")
	}
	if document[0] != '{' {
		return nil, Invalid("the body is not a JSON object")
	}
	return fieldsOf(document)
}

// fieldsOf returns the fields of a valid object.
func fieldsOf(object json.RawMessage) (fields []Field, err error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil { // the opening brace
		return nil, err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		field := Field{Name: name.(string)} //nolint:forcetypeassert,errcheck // in a valid object
		if err := decoder.Decode(&field.Value); err != nil {
			return nil, err
		}
		fields = append(fields, field)
	}
	return fields, nil
}
