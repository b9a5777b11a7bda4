package web

import "lsapi"

// machineInfo is MachineInfo of the contract.
type machineInfo struct {
	InstanceID   string `json:"instanceId"`
	InstanceType string `json:"instanceType"`
	LaunchDate   string `json:"launchDate"`
}

const (
	// launchDateFormat is RFC 3339 in UTC, with milliseconds even when they are 0.
	launchDateFormat = "2006-01-02T15:04:05.000Z"
	// unknown stands for what EC2 no longer knows.
	unknown = "unknown"
)

func newMachineInfo(instance lsapi.Instance) machineInfo {
	info := machineInfo{InstanceID: instance.ID, InstanceType: unknown, LaunchDate: unknown}
	if instance.Exists() {
		info.InstanceType = instance.Type
		info.LaunchDate = instance.LaunchTime.UTC().Format(launchDateFormat)
	}
	return info
}
