package evidence

import (
	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// Status says how an asked miner responded.
type Status uint8

// The statuses. Only Answered can have a score above 0.
const (
	Answered Status = 0 // the payload came and is what was announced
	None     Status = 1 // no answer in time, or none that was signed for the request
	Busy     Status = 2 // the miner said that it is busy
	Withheld Status = 3 // a receipted hash, but no payload in time
	Mismatch Status = 4 // a payload that is not what the hash announced
)

var statusNames = [...]string{"answered", "none", "busy", "withheld", "mismatch"}

// String returns the status's name.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unknown"
}

// Leaf is one asked miner's response.
type Leaf struct {
	Round  uint16
	Index  uint16   // in the epoch's roster
	Hash   [32]byte // salted hash of the payload, zero when there is no answer
	Score  uint64   // Q32.32
	Status Status
}

// Append appends [1, round, index, hash, score, status].
func (l *Leaf) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 6), 1)
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(l.Round)), uint64(l.Index))
	b = cbor.AppendUint(cbor.AppendBytes(b, l.Hash[:]), l.Score)
	return cbor.AppendUint(b, uint64(l.Status))
}

func (l *Leaf) decode(d *cbor.Decoder) {
	d.Version(6, 1)
	l.Round, l.Index, l.Hash = uint16(d.UintMax(65535)), uint16(d.UintMax(65535)), d.Hash()
	l.Score, l.Status = d.UintMax(abi.One), Status(d.UintMax(uint64(Mismatch)))
}

func (l *Leaf) hash() [32]byte { return key.Hash("leaf", l.Append(nil)) }
