package budget

// Size is the size of a token bucket.
type Size struct {
	// Burst is how many requests may be sent at once; at least 1.
	Burst int
	// PerSecond is the refill rate, above 0.
	PerSecond float64
}

// Sizes are sizes by category.
type Sizes map[Category]Size
