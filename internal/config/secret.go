package config

// redacted is printed in place of a Secret.
const redacted = "[redacted]"

// Secret is text that no log, error or dump shows. The conversion string(s) returns
// its value, and is easy to find in the code.
type Secret string

// String returns a placeholder.
func (Secret) String() string { return redacted }

// GoString returns a placeholder, for %#v.
func (Secret) GoString() string { return redacted }

// MarshalText returns a placeholder, for JSON and for slog.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
