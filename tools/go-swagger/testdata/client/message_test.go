//go:build !bare

package client_test

import (
	"lsapi/generated/client/membership"
	"lsapi/generated/models"
)

func machines(list *membership.ListMachinesElbOK) []*models.MachineInfo { return list.Payload.Message }

func attached(answer *membership.AttachInstanceCreated) *models.MachineInfo {
	return answer.Payload.Message
}

func detached(answer *membership.DetachInstanceCreated) *models.MachineInfo {
	return answer.Payload.Message
}

func text(e *models.Error) *string { return e.Message }
