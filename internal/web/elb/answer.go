package elb

import "lsapi"

// Envelope is the form of all responses of the contract.
type Envelope string

// The envelopes.
const (
	EnvelopeMessage Envelope = "message" // {"message": VALUE}, also for an error's text
	EnvelopeNone    Envelope = "none"    // VALUE, and {"error": "..."} for an error's text
)

// Wrap returns the body of a value.
func (e Envelope) Wrap(value any) any {
	if e == EnvelopeNone {
		return value
	}
	return struct {
		Message any `json:"message"`
	}{value}
}

// WrapError returns the body of an error's text.
func (e Envelope) WrapError(text string) any {
	if e == EnvelopeNone {
		return struct {
			Error string `json:"error"`
		}{text}
	}
	return e.Wrap(text)
}

// machineInfo is MachineInfo of the contract.
type machineInfo struct {
	InstanceID   string `json:"instanceId"`
	InstanceType string `json:"instanceType"`
	LaunchDate   string `json:"launchDate"`
}

const (
	// launchDateFormat is RFC 3339 in UTC with milliseconds.
	launchDateFormat = "2006-01-02T15:04:05.000Z"
	// unknown replaces what EC2 has forgotten.
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
