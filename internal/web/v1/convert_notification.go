package v1

import (
	"lsapi"
	apiv1 "lsapi/api/v1"
)

// ChangeOf returns a change as the API answers it.
func ChangeOf(c *lsapi.Change) apiv1.Change { return newChange(c) }
