package text

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/examples/subnets/text"
)

const (
	// EvidenceSuffix ends the name of each file that Copier reads.
	EvidenceSuffix = ".answer"
	maxEvidence    = 4096     // files looked at, the last by name
	maxPayload     = 64 << 10 // bytes of an answer worth reading
)

// WriteAnswer puts an answer found in published evidence into a Copier's
// directory, as the canonical array [1, score, payload] in a file of that name
// with EvidenceSuffix. The file appears whole or not at all.
func WriteAnswer(dir, name string, score uint64, payload []byte) error {
	if len(payload) > maxPayload {
		return fmt.Errorf("write answer %s: %d bytes, want at most %d", name, len(payload), maxPayload)
	}
	b := cbor.AppendArray(nil, 3)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendUint(b, score)
	b = cbor.AppendBytes(b, payload)
	f, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name+EvidenceSuffix))
	}
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

var errEvidence = errors.New("file is too long for an answer")

func readAnswer(path string) (score uint64, payload []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPayload+64))
	if err != nil {
		return 0, nil, err
	}
	if len(b) == maxPayload+64 {
		return 0, nil, errEvidence
	}
	return decodeEvidence(b)
}

func decodeEvidence(b []byte) (score uint64, payload []byte, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	score, payload = d.UintMax(abi.One), d.Bytes(maxPayload)
	return score, payload, d.End()
}

// Copier repeats the best-scored answer in Dir, whoever gave it, to whatever it
// is asked now. It knows that it knows nothing of the question, so it gives the
// copy only a part of the mass and spreads the rest. While it has found nothing
// it leans a little towards the space and spreads the rest.
//
// Files that are not answers to a task of this shape are passed over.
type Copier struct{ Dir string }

// Answer reads the directory anew each time.
func (c Copier) Answer(contexts [][]byte) text.Answer {
	best := c.best(len(contexts))
	a := make(text.Answer, len(contexts))
	for i := range a {
		if best == nil {
			a[i] = text.Distribution{Escape: text.Total * 7 / 8, Symbols: []byte(" "), Masses: []uint16{text.Total / 8}}
			continue
		}
		a[i] = hedge(best[i])
	}
	return a
}

// best returns the answer with the highest score, and of equal ones the first
// by its bytes, so that the order of the files does not matter.
func (c Copier) best(n int) text.Answer {
	entries, _ := os.ReadDir(c.Dir) // without a directory there is no evidence yet
	var best text.Answer
	var top uint64
	var bytesOfBest []byte
	for _, e := range entries[max(0, len(entries)-maxEvidence):] {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), EvidenceSuffix) {
			continue
		}
		score, payload, err := readAnswer(filepath.Join(c.Dir, e.Name()))
		if err != nil || best != nil && (score < top || score == top && bytes.Compare(payload, bytesOfBest) >= 0) {
			continue
		}
		if a, err := text.DecodeAnswer(payload, n); err == nil {
			best, top, bytesOfBest = a, score, payload
		}
	}
	return best
}

// hedge mixes a distribution with the flat one, three parts of four flat: a
// copy names bytes that have nothing to do with the new question, and must not
// pay for those it thought unlikely.
func hedge(d text.Distribution) text.Distribution {
	const flat = text.Total * 3 / 4 / 256
	out := text.Distribution{Escape: text.Total, Symbols: d.Symbols}
	for _, m := range d.Masses {
		m = m/4 + flat
		out.Masses = append(out.Masses, m)
		out.Escape -= uint32(m)
	}
	return out
}

var _ Model = Copier{}
