//go:build race

package subnets_test

// slower is how much more time the race detector needs.
const slower = 4
