package abi

import (
	"errors"
	"strconv"
	"strings"
)

// Input names a chain value that a task's scoring needs: the value under Key in
// the state after block Height. The registered keys are KeyRandomness and those
// that PriceKey makes.
type Input struct {
	Height uint64
	Key    string // at most 64 bytes
}

// KeyRandomness is the key of the chain's randomness after a block, 32 bytes.
const KeyRandomness = "R"

const priceKey = "price/"

// PriceKey is the key of the price of a subnet's alpha in its pool, in TAO: 8
// bytes, big-endian, Q32.32.
func PriceKey(netuid uint16) string { return priceKey + strconv.Itoa(int(netuid)) }

// PriceOf is the subnet whose price a key names, in the one way of writing it.
func PriceOf(key string) (netuid uint16, ok bool) {
	digits, ok := strings.CutPrefix(key, priceKey)
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || PriceKey(uint16(n)) != key {
		return 0, false
	}
	return uint16(n), true
}

// ValueSize is how many bytes the value of a key has, 0 for one that is not
// registered.
func ValueSize(key string) int {
	if key == KeyRandomness {
		return 32
	}
	if _, ok := PriceOf(key); ok {
		return 8
	}
	return 0
}

// ErrInput marks a task whose inputs or height of scoring no node can serve.
var ErrInput = errors.New("abi: inputs of a task break a rule")

type inputError struct{ rule string }

func (e *inputError) Error() string { return ErrInput.Error() + ": " + e.rule }
func (e *inputError) Unwrap() error { return ErrInput }

// CheckInputs reports an error that wraps ErrInput when the task, drawn for a
// request of that Height and Last, is scored after Last or before Height, or
// names an input of another height or of a key that is not registered.
func (m *Task) CheckInputs(height, last uint64) error {
	decimal := func(n uint64) string { return strconv.FormatUint(n, 10) }
	switch {
	case m.ScoreAt == 0 && len(m.Inputs) > 0:
		return &inputError{"inputs, but no height of scoring"}
	case m.ScoreAt > 0 && (m.ScoreAt < height || m.ScoreAt > last):
		return &inputError{"scored at " + decimal(m.ScoreAt) + ": must be " + decimal(height) + " to " + decimal(last)}
	}
	for _, in := range m.Inputs {
		if in.Height < height || in.Height > m.ScoreAt {
			return &inputError{in.Key + " at " + decimal(in.Height) + ": must be " + decimal(height) + " to " + decimal(m.ScoreAt)}
		}
		if ValueSize(in.Key) == 0 {
			return &inputError{strconv.Quote(in.Key) + ": must be R or price/NETUID"}
		}
	}
	return nil
}
