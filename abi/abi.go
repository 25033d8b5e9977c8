package abi

import (
	"errors"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Version is the version of the contract, and of every message in it.
const Version = 1

// One is the highest score: 1.0 in Q32.32.
const One = uint64(1) << 32

// Names of a module's exports and of its manifest's section.
const (
	ExportMemory  = "memory"
	ExportMarker  = "plexus_abi_v1"
	ExportAlloc   = "plexus_alloc"
	ExportCall    = "plexus_call"
	ExportInit    = "_initialize"
	ManifestName  = "plexus.manifest"
	MaxMessage    = 16 << 20 // bytes of any input or reply
	MaxPayload    = 4 << 20  // bytes of one answer, public task or slice
	MaxPayloads   = 4096     // answers scored in one call
	MaxRows       = 4096     // miners ranked in one call
	MaxScores     = 4096     // rounds of one epoch
	MaxCarry      = 1 << 10  // bytes remembered of one miner
	MaxSlices     = 1 << 12  // data slices opened for one task
	MaxInputs     = 64       // chain values used by one task
	MaxArtifact   = 1 << 20  // bytes of a subnet's shared artifact
	MaxStatusText = 1 << 10  // bytes of a refusal's explanation that are kept
)

// Op is an operation of a module.
type Op uint32

// The operations. Task, Score and Rank are required of a module that a subnet
// runs; the rest are optional and named in the manifest.
const (
	OpDescribe Op = 1 // nothing in, Description out
	OpTask     Op = 2 // TaskRequest in, Task out
	OpScore    Op = 3 // ScoreRequest in, Scores out
	OpRank     Op = 4 // RankRequest in, Ranks out
	OpCheck    Op = 5 // CheckRequest in, Verdict out
	OpSolve    Op = 6 // SolveRequest in, Payload out
	OpRender   Op = 7 // bytes of a payload in, UTF-8 for a person out
	OpParse    Op = 8 // UTF-8 from a person in, public task bytes out
	OpMerge    Op = 9 // MergeRequest in, Merged out; naming it gives the subnet an artifact
)

var opNames = [...]string{OpDescribe: "describe", OpTask: "task", OpScore: "score", OpRank: "rank",
	OpCheck: "check", OpSolve: "solve", OpRender: "render", OpParse: "parse", OpMerge: "merge"}

// String returns the operation's name.
func (o Op) String() string {
	if o == 0 || int(o) >= len(opNames) {
		return "unknown"
	}
	return opNames[o]
}

// ParseOp finds the operation of that name, as String gives it.
func ParseOp(name string) (Op, bool) {
	for o := OpDescribe; int(o) < len(opNames); o++ {
		if opNames[o] == name {
			return o, true
		}
	}
	return 0, false
}

// Errors of messages that decode but break a rule of the contract.
var (
	ErrScoreRange = errors.New("abi: score above one")
	ErrScoreCount = errors.New("abi: not one score per payload")
	ErrRankCount  = errors.New("abi: not one rank per row")
)

// TaskRequest asks for the task of one round.
type TaskRequest struct {
	Beta     [32]byte // the round's randomness: the hash of the validator's VRF output
	Params   []byte   // the subnet's parameters, as they stand on chain
	Slices   [][]byte // data slices opened for this round, in the order drawn
	Artifact []byte   // the subnet's shared artifact, empty when there is none
	Height   uint64   // the block at which the round begins: the least height of an input
	Last     uint64   // the greatest height that ScoreAt may name
}

// Append appends the canonical encoding.
func (m *TaskRequest) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 7)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendBytes(b, m.Beta[:])
	b = cbor.AppendBytes(b, m.Params)
	b = appendList(b, m.Slices)
	b = cbor.AppendBytes(b, m.Artifact)
	return cbor.AppendUint(cbor.AppendUint(b, m.Height), m.Last)
}

// DecodeTaskRequest reads a TaskRequest, whose slices alias b.
func DecodeTaskRequest(b []byte) (m TaskRequest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(7, Version)
	m.Beta = d.Hash()
	m.Params = d.Bytes(MaxMessage)
	m.Slices = list(d, MaxSlices, MaxPayload)
	m.Artifact = d.Bytes(MaxArtifact)
	m.Height, m.Last = d.Uint(), d.Uint()
	return m, d.End()
}

// Task is what a module draws for a round.
type Task struct {
	Public  []byte  // sent to the miners
	Private []byte  // kept by the validator until the evidence appears
	Inputs  []Input // chain values given to score, of heights from TaskRequest.Height to ScoreAt
	ScoreAt uint64  // height from which the inputs are known, at most TaskRequest.Last; 0 for at once
}

// Append appends the canonical encoding.
func (m *Task) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 5)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendBytes(b, m.Public)
	b = cbor.AppendBytes(b, m.Private)
	b = cbor.AppendArray(b, len(m.Inputs))
	for _, in := range m.Inputs {
		b = cbor.AppendArray(b, 2)
		b = cbor.AppendUint(b, in.Height)
		b = cbor.AppendText(b, in.Key)
	}
	return cbor.AppendUint(b, m.ScoreAt)
}

// DecodeTask reads a Task, whose byte strings alias b.
func DecodeTask(b []byte) (m Task, err error) {
	d := cbor.NewDecoder(b)
	d.Version(5, Version)
	m.Public = d.Bytes(MaxPayload)
	m.Private = d.Bytes(MaxMessage)
	for range d.ArrayMax(MaxInputs) {
		d.Array(2)
		m.Inputs = append(m.Inputs, Input{Height: d.Uint(), Key: d.Text(64)})
	}
	m.ScoreAt = d.Uint()
	return m, d.End()
}

// ScoreRequest asks for the scores of a round. The payloads stand in the order
// of their hashes; nothing tells who sent them.
type ScoreRequest struct {
	Params   []byte
	Public   []byte
	Private  []byte
	Inputs   [][]byte // values of the task's Inputs, in their order
	Payloads [][]byte
}

// Append appends the canonical encoding.
func (m *ScoreRequest) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 6)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendBytes(b, m.Params)
	b = cbor.AppendBytes(b, m.Public)
	b = cbor.AppendBytes(b, m.Private)
	b = appendList(b, m.Inputs)
	return appendList(b, m.Payloads)
}

// DecodeScoreRequest reads a ScoreRequest, whose byte strings alias b.
func DecodeScoreRequest(b []byte) (m ScoreRequest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(6, Version)
	m.Params = d.Bytes(MaxMessage)
	m.Public = d.Bytes(MaxPayload)
	m.Private = d.Bytes(MaxMessage)
	m.Inputs = list(d, MaxInputs, 1<<10)
	m.Payloads = list(d, MaxPayloads, MaxPayload)
	return m, d.End()
}

// Scores holds one score per payload, each at most One.
type Scores []uint64

// Append appends the canonical encoding.
func (m Scores) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendArray(b, len(m))
	for _, s := range m {
		b = cbor.AppendUint(b, s)
	}
	return b
}

// DecodeScores reads the scores of n payloads. It returns ErrScoreCount or
// ErrScoreRange when the module broke the contract.
func DecodeScores(b []byte, n int) (Scores, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, Version)
	k := d.ArrayMax(MaxPayloads)
	if d.Err() == nil && k != n {
		return nil, ErrScoreCount
	}
	m := make(Scores, k)
	for i := range m {
		m[i] = d.Uint()
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	for _, s := range m {
		if s > One {
			return nil, ErrScoreRange
		}
	}
	return m, nil
}

// Row is what ranking sees of one miner: what the module remembered of it from
// earlier epochs, and its scores of this one in the order of the rounds it was
// asked in. A miner that did not answer scored 0.
type Row struct {
	Carry  []byte
	Scores []uint64
}

// RankRequest asks for the weights of an epoch. The rows are shuffled and carry
// no key.
type RankRequest struct {
	Params []byte
	Rows   []Row
}

// Append appends the canonical encoding.
func (m *RankRequest) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendBytes(b, m.Params)
	b = cbor.AppendArray(b, len(m.Rows))
	for _, r := range m.Rows {
		b = cbor.AppendArray(b, 2)
		b = cbor.AppendBytes(b, r.Carry)
		b = cbor.AppendArray(b, len(r.Scores))
		for _, s := range r.Scores {
			b = cbor.AppendUint(b, s)
		}
	}
	return b
}

// DecodeRankRequest reads a RankRequest, whose byte strings alias b.
func DecodeRankRequest(b []byte) (m RankRequest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, Version)
	m.Params = d.Bytes(MaxMessage)
	m.Rows = make([]Row, d.ArrayMax(MaxRows))
	for i := range m.Rows {
		d.Array(2)
		m.Rows[i].Carry = d.Bytes(MaxCarry)
		m.Rows[i].Scores = make([]uint64, d.ArrayMax(MaxScores))
		for j := range m.Rows[i].Scores {
			m.Rows[i].Scores[j] = d.UintMax(One)
		}
	}
	return m, d.End()
}

// Rank is a module's judgement of one row: a weight in any unit, of which only
// the proportions count, and the carry to remember.
type Rank struct {
	Weight uint64 // at most One
	Carry  []byte
}

// Ranks holds one Rank per row of the request.
type Ranks []Rank

// Append appends the canonical encoding.
func (m Ranks) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendArray(b, len(m))
	for _, r := range m {
		b = cbor.AppendArray(b, 2)
		b = cbor.AppendUint(b, r.Weight)
		b = cbor.AppendBytes(b, r.Carry)
	}
	return b
}

// DecodeRanks reads the ranks of n rows; their carries alias b.
func DecodeRanks(b []byte, n int) (Ranks, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, Version)
	k := d.ArrayMax(MaxRows)
	if d.Err() == nil && k != n {
		return nil, ErrRankCount
	}
	m := make(Ranks, k)
	for i := range m {
		d.Array(2)
		m[i] = Rank{Weight: d.UintMax(One), Carry: d.Bytes(MaxCarry)}
	}
	return m, d.End()
}

// CheckRequest asks whether a payload is a well-formed answer worth paying for.
type CheckRequest struct {
	Params  []byte
	Public  []byte
	Payload []byte
}

// Append appends the canonical encoding.
func (m *CheckRequest) Append(b []byte) []byte { return appendThree(b, m.Params, m.Public, m.Payload) }

// DecodeCheckRequest reads a CheckRequest, whose byte strings alias b.
func DecodeCheckRequest(b []byte) (m CheckRequest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(4, Version)
	m.Params, m.Public, m.Payload = d.Bytes(MaxMessage), d.Bytes(MaxPayload), d.Bytes(MaxPayload)
	return m, d.End()
}

// Verdict is the reply to a CheckRequest.
type Verdict struct {
	OK     bool
	Reason string // why not, at most 256 bytes
}

// Append appends the canonical encoding.
func (m *Verdict) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendBool(b, m.OK)
	return cbor.AppendText(b, m.Reason)
}

// DecodeVerdict reads a Verdict.
func DecodeVerdict(b []byte) (m Verdict, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, Version)
	m.OK, m.Reason = d.Bool(), d.Text(256)
	return m, d.End()
}

// SolveRequest asks a solver module for an answer.
type SolveRequest struct {
	Params []byte
	Public []byte
	Seed   [32]byte
}

// Append appends the canonical encoding.
func (m *SolveRequest) Append(b []byte) []byte {
	return appendThree(b, m.Params, m.Public, m.Seed[:])
}

// DecodeSolveRequest reads a SolveRequest, whose byte strings alias b.
func DecodeSolveRequest(b []byte) (m SolveRequest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(4, Version)
	m.Params, m.Public = d.Bytes(MaxMessage), d.Bytes(MaxPayload)
	m.Seed = d.Hash()
	return m, d.End()
}

// Description says in words what a subnet asks for, for people.
type Description struct {
	Title  string
	Task   string
	Answer string
	Score  string
}

// Append appends the canonical encoding.
func (m *Description) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 5)
	b = cbor.AppendUint(b, Version)
	for _, s := range []string{m.Title, m.Task, m.Answer, m.Score} {
		b = cbor.AppendText(b, s)
	}
	return b
}

// DecodeDescription reads a Description.
func DecodeDescription(b []byte) (m Description, err error) {
	d := cbor.NewDecoder(b)
	d.Version(5, Version)
	for _, s := range []*string{&m.Title, &m.Task, &m.Answer, &m.Score} {
		*s = d.Text(4 << 10)
	}
	return m, d.End()
}

func appendList(b []byte, l [][]byte) []byte {
	b = cbor.AppendArray(b, len(l))
	for _, v := range l {
		b = cbor.AppendBytes(b, v)
	}
	return b
}

func list(d *cbor.Decoder, count, size int) [][]byte {
	l := make([][]byte, d.ArrayMax(count))
	for i := range l {
		l[i] = d.Bytes(size)
	}
	return l
}

func appendThree(b, x, y, z []byte) []byte {
	b = cbor.AppendArray(b, 4)
	b = cbor.AppendUint(b, Version)
	return cbor.AppendBytes(cbor.AppendBytes(cbor.AppendBytes(b, x), y), z)
}
