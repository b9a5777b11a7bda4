package v1

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// The content types of answers.
const (
	typeJSON    = "application/json"
	typeLines   = "application/x-ndjson"
	typeProblem = "application/problem+json"
)

// sendJSON answers with a value. What the record says of an open change is true
// only now: nobody may keep it.
func sendJSON(w http.ResponseWriter, value any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // the content type says that it is no HTML
	if err := encoder.Encode(value); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", typeJSON)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(body.Bytes())
	return err
}
