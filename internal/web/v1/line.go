package v1

import (
	"encoding/json"
	"io"

	"lsapi"
)

// WriteLine writes a change as a line of application/x-ndjson, in the form in
// which the API answers it.
func WriteLine(w io.Writer, c *lsapi.Change) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(newChange(c))
}
