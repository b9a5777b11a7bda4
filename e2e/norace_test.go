//go:build !race

package e2e

// raceEnabled is whether the tests run under the race detector.
const raceEnabled = false
