//go:build race

package engine_test

// raceEnabled says that sync.Pool forgets on purpose and allocations cannot be
// counted.
const raceEnabled = true
