package notify

import apiv1 "lsapi/api/v1"

// Kind is a kind of notification, as a configuration names it.
type Kind string

// The kinds.
const (
	Drift      Kind = "drift"
	Refused    Kind = "refused"
	Overridden Kind = "overridden"
	Unknown    Kind = "unknown"
	Out        Kind = "out"
	// gap and test go to every receiver.
	gap  Kind = "gap"
	test Kind = "test"
)

// Kinds returns the kinds that a receiver can select.
func Kinds() []Kind { return []Kind{Drift, Refused, Overridden, Unknown, Out} }

// Type returns the type of its CloudEvents.
func (k Kind) Type() string {
	return map[Kind]string{
		Drift: apiv1.NotifyDrift, Refused: apiv1.NotifyRefused, Overridden: apiv1.NotifyOverridden,
		Unknown: apiv1.NotifyUnknown, Out: apiv1.NotifyOut, gap: apiv1.NotifyGap, test: apiv1.NotifyTest,
	}[k]
}
