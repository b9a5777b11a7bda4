package policy

const (
	// maxFileSize is room for some thousand guards.
	maxFileSize = 512 << 10

	// maxLine and maxDepth bound the nesting, because the parser's time grows with its square.
	maxLine  = 16 << 10
	maxDepth = 32

	// maxEntries bounds the guards of a file, and its notifications, maxSelectors the pools of
	// an entry.
	maxEntries   = 5000
	maxSelectors = 5000
	maxUsers     = 5000

	// maxCount is far more members than a pool can have.
	maxCount = 100_000

	// maxProblems is how many problems an error holds, and maxQuoted how many bytes of a value
	// one of them shows.
	maxProblems = 50
	maxQuoted   = 60
)

// maxCached bounds the pools whose rules are cached.
const maxCached = 20_000
