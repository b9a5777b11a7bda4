package elb

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// instanceField is the one field of a body that is read.
const instanceField = "instanceId"

// instanceIDIn returns the instance id in a body. The content type is ignored: curl -d
// declares every body a form. encoding/json alone would accept the field's name in any
// case, the last of several fields, and null.
func instanceIDIn(body []byte) (id string, err error) {
	object, err := objectIn(body)
	if err != nil {
		return "", err
	}
	found, err := fieldsNamed(object, instanceField)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", exchange.Invalid(instanceField + " is missing")
	case len(found) > 1:
		return "", exchange.Invalid(instanceField + " is there more than once")
	case found[0][0] != '"':
		return "", exchange.Invalid(instanceField + " is not a string")
	}
	if err := json.Unmarshal(found[0], &id); err != nil {
		return "", err
	}
	if !lsapi.ValidInstanceID(id) {
		return "", exchange.Invalid(instanceField + " must be i- and 8 or 17 lower-case hexadecimal digits, such as i-5203422c")
	}
	return id, nil
}

// objectIn returns the JSON object that a body is.
func objectIn(body []byte) (json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, exchange.Invalid("the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	var document json.RawMessage
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, exchange.Invalid("the body is empty; it must be a JSON object")
	} else if err != nil {
		return nil, exchange.Invalid("the body is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, exchange.Invalid("there is something after the JSON object in the body")
	}
	if document[0] != '{' {
		return nil, exchange.Invalid("the body is not a JSON object")
	}
	return document, nil
}

// fieldsNamed returns the values under a name of a valid JSON object.
func fieldsNamed(object []byte, name string) (found []json.RawMessage, err error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil { // the opening brace
		return nil, err
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		if key == name {
			found = append(found, value)
		}
	}
	return found, nil
}
