package membership

// Metrics counts what the lanes do.
type Metrics interface {
	// Batch counts a register or deregister call of so many members.
	Batch(action string, size int)
	// Change counts an outcome on record, also of a change that was not sent.
	Change(action, outcome string)
	// Guard counts a request that a rule of a kind refused, or a change that overrode it.
	Guard(kind string, overridden bool)
}

// noMetrics counts nothing.
type noMetrics struct{}

func (noMetrics) Batch(string, int) {}

func (noMetrics) Change(string, string) {}

func (noMetrics) Guard(string, bool) {}
