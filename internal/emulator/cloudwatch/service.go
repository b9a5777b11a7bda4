package cloudwatch

import (
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/wire"
)

// Service answers from the data plane's measurements; nil: there are none. It is not
// safe for concurrent use.
type Service struct{ Plane *dataplane.Plane }

func errMissing(parameter string) error {
	return wire.BadRequest("MissingParameter", "The parameter %s is required.", parameter)
}
