package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"

	"lsapi"
)

// maxBody is how large a request's body may be. A sane one has some 40 bytes.
const maxBody = 64 << 10

// instanceField is the one field of a body that is looked at, by its exact name.
const instanceField = "instanceId"

// instanceIDIn returns the instance id in a request's body, whatever its content
// type says: curl -d calls everything a form.
func instanceIDIn(body []byte) (string, error) {
	id, err := decodeInstanceID(body)
	if err != nil {
		return "", err
	}
	if !lsapi.ValidInstanceID(id) {
		return "", invalidBody(instanceField + " must be i- and 8 or 17 lower-case hexadecimal digits, such as i-5203422c")
	}
	return id, nil
}

func readBody(x *exchange) ([]byte, error) {
	tooLarge := lsapi.Errorf(lsapi.CodeTooLarge, "the body is larger than 64 KiB")
	if x.request.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.ResponseWriter, x.request.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeInvalid, Message: "the body could not be read to its end", Err: err}
	}
	return body, nil
}

// decodeInstanceID is stricter than encoding/json, which takes any case of a
// name, the last of several equal names, and null for an absent string.
func decodeInstanceID(body []byte) (string, error) {
	if !utf8.Valid(body) {
		return "", invalidBody("the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	var document json.RawMessage
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return "", invalidBody("the body is empty; it must be a JSON object")
	} else if err != nil {
		return "", invalidBody("the body is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", invalidBody("there is something after the JSON object in the body")
	}
	if document[0] != '{' {
		return "", invalidBody("the body is not a JSON object")
	}
	return stringField(document, instanceField)
}

// stringField returns the string that stands in a valid JSON object under a
// name, which must be there once.
func stringField(object []byte, name string) (string, error) {
	found, err := fieldsNamed(object, name)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", invalidBody(name + " is missing")
	case len(found) > 1:
		return "", invalidBody(name + " is there more than once")
	case found[0][0] != '"':
		return "", invalidBody(name + " is not a string")
	}
	var text string
	err = json.Unmarshal(found[0], &text)
	return text, err
}

// fieldsNamed returns the values that stand in a valid JSON object under a name.
func fieldsNamed(object []byte, name string) ([]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil { // the opening brace
		return nil, err
	}
	var found []json.RawMessage
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

func invalidBody(why string) error { return &lsapi.Error{Code: lsapi.CodeInvalid, Message: why} }
