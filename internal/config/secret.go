package config

// redacted stands for a Secret wherever one is printed.
const redacted = "[redacted]"

// Secret is text that no log, error or dump may show. Its value is had by the
// conversion string(s), which a reader of the code can look for.
type Secret string

// String returns a placeholder.
func (Secret) String() string { return redacted }

// GoString returns a placeholder, for %#v.
func (Secret) GoString() string { return redacted }

// MarshalText returns a placeholder, for JSON and for slog.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
