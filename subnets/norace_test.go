//go:build !race

package subnets_test

// slower is how much more time the race detector would need.
const slower = 1
