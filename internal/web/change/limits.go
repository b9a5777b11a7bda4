package change

const (
	// maxAwaited is the number of members that all requests wait for: each takes a goroutine
	// of some 8 KB.
	maxAwaited = 20_000
	// recordPage is the number of changes of a bulk that are read at once.
	recordPage = 1000
)
