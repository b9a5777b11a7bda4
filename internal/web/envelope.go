package web

import (
	"bytes"
	"encoding/json"
)

// Envelope is how a response's value is wrapped.
type Envelope string

// The envelopes.
const (
	EnvelopeMessage Envelope = "message" // {"message": VALUE}, also for an error's text
	EnvelopeNone    Envelope = "none"    // VALUE, and {"error": "..."} for an error's text
)

// enveloped is every response of EnvelopeMessage.
type enveloped struct {
	Message any `json:"message"`
}

// bareError is an error in EnvelopeNone.
type bareError struct {
	Error string `json:"error"`
}

// value wraps what an operation returns.
func (e Envelope) value(v any) any {
	if e == EnvelopeNone {
		return v
	}
	return enveloped{v}
}

// failure wraps the text of an error.
func (e Envelope) failure(text string) any {
	if e == EnvelopeNone {
		return bareError{text}
	}
	return enveloped{text}
}

// encode returns the value in JSON, with a newline after it for the sake of
// terminals.
func encode(value any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // the content type says that it is no HTML
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}
