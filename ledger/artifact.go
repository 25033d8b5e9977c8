package ledger

import (
	"bytes"
	"math/bits"
	"slices"

	"github.com/plexus-network/plexus/abi/cbor"
)

// A subnet whose miners build one thing together has an artifact: bytes that the
// chain knows by their hash. With the weights of an epoch each validator reveals
// the artifact that the epoch's answers make of the one in force, or none for no
// change. What more than half of the revealed stake names is the subnet's for the
// epochs that begin after the step. Another module starts without one, since only
// the module that made an artifact knows how to read it.

// Artifact is what a subnet's validators last agreed on.
type Artifact struct {
	Hash   [32]byte
	Module [32]byte // that made it
	Epoch  Epoch    // whose answers it was made of
}

func (a *Artifact) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 4), 1)
	return cbor.AppendUint(cbor.AppendBytes(cbor.AppendBytes(b, a.Hash[:]), a.Module[:]), a.Epoch)
}

func (a *Artifact) decode(d *cbor.Decoder) {
	d.Version(4, 1)
	a.Hash, a.Module, a.Epoch = d.Hash(), d.Hash(), d.Uint()
}

// LoadArtifact reads a subnet's artifact, nil when it has none. Of a running
// epoch the one that counts stands in its record.
func LoadArtifact(v View, n NetUID) (*Artifact, error) { return ptr[Artifact](v, artifactKey(n)) }

// stake128 is a sum of stakes, which need not fit 64 bits.
type stake128 struct{ hi, lo uint64 }

func (x *stake128) add(stake uint64) {
	var carry uint64
	x.lo, carry = bits.Add64(x.lo, stake, 0)
	x.hi += carry // at most MaxRoster stakes are added
}

// majority reports whether x is more than half of all.
func (x stake128) majority(all stake128) bool {
	twice := stake128{x.hi<<1 | x.lo>>63, x.lo << 1}
	return twice.hi > all.hi || twice.hi == all.hi && twice.lo > all.lo
}

// agree makes the artifact that more than half of the revealed stake names for
// epoch e the subnet's. Stakes are those of the epoch's roster; who revealed no
// artifact counts among the revealed.
func agree(s *state, n NetUID, e Epoch) error {
	roster, err := LoadRoster(s, n, e)
	if err != nil {
		return err
	}
	type vote struct {
		artifact [32]byte
		stake    uint64
	}
	var all stake128
	var votes []vote
	for i := range roster {
		open, err := LoadReveal(s, n, e, roster[i].Hotkey)
		if err != nil {
			return err
		}
		if open == nil {
			continue
		}
		all.add(roster[i].Stake)
		if open.Artifact != ([32]byte{}) {
			votes = append(votes, vote{open.Artifact, roster[i].Stake})
		}
	}
	slices.SortStableFunc(votes, func(a, b vote) int { return bytes.Compare(a.artifact[:], b.artifact[:]) })
	for i := 0; i < len(votes); {
		var sum stake128
		of := votes[i].artifact
		for ; i < len(votes) && votes[i].artifact == of; i++ {
			sum.add(votes[i].stake)
		}
		if sum.majority(all) { // no other can be
			rec := need[EpochRecord](s, recordKey(n, e))
			store(s, artifactKey(n), Artifact{Hash: of, Module: rec.Module, Epoch: e})
			s.emit(Event{Kind: "artifact", NetUID: n, Epoch: e})
			break
		}
	}
	return s.err
}

// artifactOf is the artifact of an epoch that begins with a module: none, for
// good, when another module made the last one.
func artifactOf(s *state, n NetUID, module [32]byte) [32]byte {
	a, ok := fetch[Artifact](s, artifactKey(n))
	if ok && a.Module != module {
		s.delete(artifactKey(n))
		return [32]byte{}
	}
	return a.Hash
}
