package elb

import (
	"encoding/json"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// instanceField is the one field of a body that is read.
const instanceField = "instanceId"

// instanceIDIn returns the instance id in a body. encoding/json alone would accept the
// field's name in any case, the last of several fields, and null.
func instanceIDIn(body []byte) (id string, err error) {
	fields, err := exchange.ParseObject(body)
	if err != nil {
		return "", err
	}
	var found []json.RawMessage
	for _, field := range fields {
		if field.Name == instanceField {
			found = append(found, field.Value)
		}
	}
	switch {
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
