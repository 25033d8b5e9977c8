package study

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
)

const (
	// Suffix ends the name of each answer's file.
	Suffix = ".answer"
	// MaxPayload is the longest answer that is worth keeping, in bytes.
	MaxPayload = 1 << 20

	maxHead = 1 + 1 + 9 + 5 // bytes before the payload at most
)

// Errors of Write and of a file that is not what Write wrote.
var (
	ErrTooLong = errors.New("answer is too long to be kept")
	ErrScore   = errors.New("score is above one")
)

// Write puts an answer into a folder that exists, under a name of the caller's
// without the suffix. Score is in Q32.32, at most one. The file appears whole or
// not at all; one of the same name is replaced.
func Write(dir, name string, score uint64, payload []byte) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("write answer %s: %d bytes, want at most %d: %w", name, len(payload), MaxPayload, ErrTooLong)
	}
	if score > abi.One {
		return fmt.Errorf("write answer %s: %w", name, ErrScore)
	}
	f, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(appendAnswer(nil, score, payload))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name+Suffix))
	}
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// Read reads an answer's file: its score in Q32.32 and its payload of at most
// MaxPayload bytes.
func Read(path string) (score uint64, payload []byte, err error) {
	b, err := head(path, maxHead+MaxPayload+1)
	if err != nil {
		return 0, nil, err
	}
	if len(b) > maxHead+MaxPayload {
		return 0, nil, fmt.Errorf("%s: %w", path, ErrTooLong)
	}
	if score, payload, err = decodeAnswer(b); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return score, payload, err
}

// head reads at most n bytes from the beginning of a file.
func head(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, n))
}

func appendAnswer(b []byte, score uint64, payload []byte) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendUint(b, score)
	return cbor.AppendBytes(b, payload)
}

// decodeAnswer reads what appendAnswer wrote; the payload aliases b.
func decodeAnswer(b []byte) (score uint64, payload []byte, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	score, payload = d.UintMax(abi.One), d.Bytes(MaxPayload)
	return score, payload, d.End()
}

// decodeScore reads the score from the beginning of an answer.
func decodeScore(b []byte) (uint64, error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	score := d.UintMax(abi.One)
	return score, d.Err()
}
