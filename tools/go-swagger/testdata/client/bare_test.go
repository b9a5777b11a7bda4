//go:build bare

package client_test

import (
	"lsapi/generated/client/membership"
	"lsapi/generated/models"
)

func machines(list *membership.ListMachinesElbOK) []*models.MachineInfo { return list.Payload }

func attached(answer *membership.AttachInstanceCreated) *models.MachineInfo {
	return answer.Payload
}

func detached(answer *membership.DetachInstanceCreated) *models.MachineInfo {
	return answer.Payload
}

func text(e *models.Error) *string { return e.Error }
