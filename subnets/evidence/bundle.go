package evidence

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/internal/merkle"
	"github.com/plexus-network/plexus/subnets/round"
)

// MaxBundle bounds an uncompressed bundle: the largest evidence_max, which covers
// the rounds, and room for carries, artifacts and what was merged.
const MaxBundle = ledger.MaxEvidence + 16<<20

// ErrBundle is returned for a file that is not a bundle, or not the one asked
// for.
var ErrBundle = errors.New("evidence: not a valid bundle")

// ErrLarge: a bundle would be longer than MaxBundle, and nobody could read it.
var ErrLarge = errors.New("evidence: the bundle is too large")

// Slice is an opened data slice with its proof.
type Slice struct {
	Index uint64
	Data  []byte
	Proof [][32]byte
}

// Response is everything kept of one asked miner. Answer and Receipt are empty
// when there was no answer, Payload when it did not come or did not match.
type Response struct {
	Leaf    Leaf
	Request round.Signed
	Answer  *round.Signed
	Receipt key.Signature
	Payload *round.Payload // for Mismatch, what came instead
}

// Round is one round of a validator's epoch.
type Round struct {
	Round     uint16
	Skipped   bool      // it was not run; everything below is empty
	Proof     key.Proof // π
	Task      [32]byte  // round.TaskHash of the public task
	TaskFuel  uint64
	ScoreFuel uint64
	Slices    []Slice
	Headers   []Header   // one for each height of the inputs, rising
	Inputs    []Input    // in the order of the task
	Responses []Response // in the order drawn
}

// Carried is what the module remembers of one miner.
type Carried struct {
	Hotkey ledger.Hotkey
	Carry  []byte
}

// Bundle is a validator's evidence of one epoch.
type Bundle struct {
	ChainID   string
	NetUID    ledger.NetUID
	Epoch     ledger.Epoch
	Validator ledger.Hotkey
	Rounds    []Round
	CarryIn   []Carried // rising by hotkey
	CarryOut  []Carried // rising by hotkey
	RankFuel  uint64
	Row       ledger.Row
	Artifact  []byte // that the tasks were drawn with, empty for none
	Merge     *Merge // nil when the validator did not vote
}

// CarryHash is how a commitment names carries: zero for none.
func CarryHash(c []Carried) [32]byte {
	if len(c) == 0 {
		return [32]byte{}
	}
	return key.Hash("carries", appendCarried(nil, c))
}

func appendCarried(b []byte, c []Carried) []byte {
	b = cbor.AppendArray(b, len(c))
	for i := range c {
		b = cbor.AppendBytes(cbor.AppendArray(b, 2), c[i].Hotkey[:])
		b = cbor.AppendBytes(b, c[i].Carry)
	}
	return b
}

func decodeCarried(d *cbor.Decoder) []Carried {
	c := make([]Carried, d.ArrayMax(ledger.MaxRoster))
	for i := range c {
		d.Array(2)
		c[i] = Carried{Hotkey: d.Hash(), Carry: d.Bytes(abi.MaxCarry)}
		if i > 0 && d.Err() == nil && string(c[i].Hotkey[:]) <= string(c[i-1].Hotkey[:]) {
			d.Fail(errors.New("carries are not in rising order"))
		}
	}
	return c
}

// appendNode appends what a round node says of itself.
func (r *Round) appendNode(b []byte) []byte {
	b = cbor.AppendBool(cbor.AppendUint(b, uint64(r.Round)), r.Skipped)
	b = cbor.AppendBytes(cbor.AppendBytes(b, r.Proof[:]), r.Task[:])
	return cbor.AppendUint(cbor.AppendUint(b, r.TaskFuel), r.ScoreFuel)
}

// Leaves are the leaves of the responses.
func (r *Round) Leaves() []Leaf {
	leaves := make([]Leaf, len(r.Responses))
	for i := range r.Responses {
		leaves[i] = r.Responses[i].Leaf
	}
	return leaves
}

// hash is the round's node under the root.
func (r *Round) hash() [32]byte {
	return nodeHash(r.nodeHead(), uint64(len(r.Responses)), merkle.Root(r.leafHashes()), r.rest())
}

func nodeHash(head []byte, leaves uint64, top, rest [32]byte) [32]byte {
	return key.Hash("round-node", head, cbor.AppendUint(nil, leaves), top[:], rest[:])
}

func (r *Round) nodeHead() []byte { return r.appendNode(cbor.AppendArray(nil, 6)) }

func (r *Round) leafHashes() [][32]byte {
	leaves := make([][32]byte, len(r.Responses))
	for i := range r.Responses {
		leaves[i] = r.Responses[i].Leaf.hash()
	}
	return leaves
}

// rest binds what the leaves do not hold: slices, signatures, salts, payloads.
// Otherwise whoever passes a bundle on could break a signature in it and make an
// honest validator's replay differ.
func (r *Round) rest() [32]byte { return key.Hash("round-data", r.append(nil)) }

// appendTop appends what the root says beside rounds and opening. merge is
// mergeHash.
func (b *Bundle) appendTop(out []byte, merge [32]byte) []byte {
	out = cbor.AppendText(cbor.AppendArray(out, 6), b.ChainID)
	out = cbor.AppendUint(cbor.AppendUint(out, uint64(b.NetUID)), b.Epoch)
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendBytes(out, b.Validator[:]), b.RankFuel), merge[:])
}

// opening is the row with its carries as the root has them; the reveal adds a
// salt.
func (b *Bundle) opening() *ledger.Opening {
	return &ledger.Opening{Row: b.Row, CarryIn: CarryHash(b.CarryIn), CarryOut: CarryHash(b.CarryOut), Artifact: b.vote()}
}

// Decode reads a compressed bundle whose root must be root.
func Decode(file []byte, root [32]byte) (*Bundle, error) {
	b, err := Unpack(file)
	if err != nil {
		return nil, err
	}
	if got := b.Root(); got != root {
		return nil, fmt.Errorf("%w: its root is %x, not %x", ErrBundle, got[:6], root[:6])
	}
	return b, nil
}

// Unpack reads a compressed bundle whatever its root. At most MaxBundle bytes
// are unpacked.
func Unpack(file []byte) (*Bundle, error) {
	raw, err := unzip(file, MaxBundle)
	if err != nil {
		return nil, err
	}
	b, err := decodeBundle(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBundle, err)
	}
	return b, nil
}

func (b *Bundle) append(out []byte) []byte {
	out = b.appendHead(out, len(b.Rounds))
	for i := range b.Rounds {
		out = b.Rounds[i].append(out)
	}
	return b.appendTail(out)
}

// appendHead appends what stands before the rounds, and their number.
func (b *Bundle) appendHead(out []byte, rounds int) []byte {
	out = cbor.AppendUint(cbor.AppendArray(out, 12), 1)
	out = cbor.AppendText(out, b.ChainID)
	out = cbor.AppendUint(cbor.AppendUint(out, uint64(b.NetUID)), b.Epoch)
	return cbor.AppendArray(cbor.AppendBytes(out, b.Validator[:]), rounds)
}

// appendTail appends what stands after the rounds.
func (b *Bundle) appendTail(out []byte) []byte {
	out = appendCarried(appendCarried(out, b.CarryIn), b.CarryOut)
	out = cbor.AppendUint(out, b.RankFuel)
	o := ledger.Opening{Row: b.Row}
	return b.appendMerge(cbor.AppendBytes(out, o.Append(nil)))
}

func decodeBundle(raw []byte) (*Bundle, error) {
	d := cbor.NewDecoder(raw)
	d.Version(12, 1)
	b := &Bundle{ChainID: d.Text(ledger.MaxChainID), NetUID: ledger.NetUID(d.UintMax(65535)), Epoch: d.Uint(), Validator: d.Hash()}
	b.Rounds = make([]Round, d.ArrayMax(1024))
	for i := range b.Rounds {
		b.Rounds[i].decode(d)
	}
	b.CarryIn, b.CarryOut, b.RankFuel = decodeCarried(d), decodeCarried(d), d.Uint()
	opening := d.Bytes(ledger.MaxTx)
	b.readMerge(d)
	if err := d.End(); err != nil {
		return nil, err
	}
	o, err := ledger.DecodeOpening(opening)
	if err != nil {
		return nil, err
	}
	if o.CarryIn != ([32]byte{}) || o.CarryOut != ([32]byte{}) || o.Artifact != ([32]byte{}) || o.Salt != ([32]byte{}) {
		return nil, errors.New("the row's other fields are not empty")
	}
	b.Row = o.Row
	return b, nil
}

func (r *Round) append(b []byte) []byte {
	b = r.appendNode(cbor.AppendArray(b, 10))
	b = appendInputs(appendSlices(b, r.Slices), r.Headers, r.Inputs)
	b = cbor.AppendArray(b, len(r.Responses))
	for i := range r.Responses {
		b = r.Responses[i].append(b)
	}
	return b
}

func (r *Round) decode(d *cbor.Decoder) {
	d.Array(10)
	r.Round, r.Skipped = uint16(d.UintMax(65535)), d.Bool()
	d.Fixed(r.Proof[:])
	r.Task, r.TaskFuel, r.ScoreFuel = d.Hash(), d.Uint(), d.Uint()
	r.Slices = readSlices(d)
	r.Headers, r.Inputs = readInputs(d)
	r.Responses = make([]Response, d.ArrayMax(ledger.MaxRoster))
	for i := range r.Responses {
		r.Responses[i].decode(d)
	}
	if r.Skipped && !r.empty() {
		d.Fail(errSkipped)
	}
}

func appendSlices(b []byte, slices []Slice) []byte {
	b = cbor.AppendArray(b, len(slices))
	for i := range slices {
		s := &slices[i]
		b = cbor.AppendUint(cbor.AppendArray(b, 3), s.Index)
		b = appendPath(cbor.AppendBytes(b, s.Data), s.Proof)
	}
	return b
}

func readSlices(d *cbor.Decoder) []Slice {
	slices := make([]Slice, d.ArrayMax(abi.MaxSlices))
	for i := range slices {
		d.Array(3)
		slices[i] = Slice{Index: d.Uint(), Data: d.Bytes(abi.MaxPayload), Proof: decodePath(d)}
	}
	return slices
}

var errSkipped = errors.New("a skipped round is not empty")

// empty reports whether a round holds nothing but its number. A skipped one that
// held more would bring in scores that nothing checks.
func (r *Round) empty() bool {
	return r.Proof == (key.Proof{}) && r.Task == ([32]byte{}) && r.TaskFuel == 0 && r.ScoreFuel == 0 && len(r.Slices) == 0 && len(r.Responses) == 0 &&
		len(r.Headers) == 0 && len(r.Inputs) == 0
}

// A response is [leaf, request, answer or empty, receipt or empty, payload or
// empty]: the empty byte string stands for what is not there.
func (r *Response) append(b []byte) []byte {
	b = r.Leaf.Append(cbor.AppendArray(b, 5))
	b = cbor.AppendBytes(b, r.Request.Append(nil))
	var answer, receipt, payload []byte
	if r.Answer != nil {
		answer = r.Answer.Append(nil)
		receipt = round.AppendReceipt(nil, r.Receipt)
	}
	if r.Payload != nil {
		payload = r.Payload.Append(nil)
	}
	return cbor.AppendBytes(cbor.AppendBytes(cbor.AppendBytes(b, answer), receipt), payload)
}

func (r *Response) decode(d *cbor.Decoder) {
	d.Array(5)
	r.Leaf.decode(d)
	request, answer, receipt, payload := d.Bytes(8192), d.Bytes(8192), d.Bytes(256), d.Bytes(round.MaxFrame)
	if d.Err() != nil {
		return
	}
	var err error
	if r.Request, err = round.DecodeSigned(request); err != nil {
		d.Fail(err)
	}
	if (len(answer) == 0) != (len(receipt) == 0) {
		d.Fail(errors.New("an answer without a receipt, or a receipt without an answer"))
	}
	if len(answer) > 0 {
		a, err := round.DecodeSigned(answer)
		if err != nil {
			d.Fail(err)
		}
		r.Answer = &a
		if r.Receipt, err = round.DecodeReceipt(receipt); err != nil {
			d.Fail(err)
		}
	}
	if len(payload) > 0 {
		p, err := round.DecodePayload(payload)
		if err != nil {
			d.Fail(err)
		}
		r.Payload = &p
	}
}

// EncodeRound returns the encoding of one round, for a validator's own keeping
// until the epoch is closed.
func EncodeRound(r *Round) []byte { return r.append(nil) }

// DecodeRound reads what EncodeRound wrote.
func DecodeRound(b []byte) (*Round, error) {
	d := cbor.NewDecoder(b)
	r := &Round{}
	r.decode(d)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: round: %v", ErrBundle, err)
	}
	return r, nil
}

// EncodeCarried returns the encoding of carries, for a validator's own keeping.
func EncodeCarried(c []Carried) []byte { return appendCarried(nil, c) }

// DecodeCarried reads what EncodeCarried wrote.
func DecodeCarried(b []byte) ([]Carried, error) {
	d := cbor.NewDecoder(b)
	c := decodeCarried(d)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: carries: %v", ErrBundle, err)
	}
	return c, nil
}
