package round

import (
	"errors"
	"strconv"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Protocol is the stream name of the exchange.
const Protocol = "work"

// PeerGroup names the gossip of where a subnet's miners are.
func PeerGroup(n ledger.NetUID) string { return "subnet-" + strconv.Itoa(int(n)) }

// MaxDeadlineMS is the longest deadline that a miner accepts.
const MaxDeadlineMS = 120_000

// MaxFrame bounds one frame of the exchange.
const MaxFrame = abi.MaxPayload + 4096

// Errors of the exchange. Each names whose fault it is.
var (
	ErrRequest = errors.New("round: request is not acceptable")
	ErrAnswer  = errors.New("round: answer does not fit the request")
	ErrOther   = errors.New("it answers another request") // is an ErrAnswer too
	ErrReceipt = errors.New("round: receipt does not fit the answer")
	ErrPayload = errors.New("round: payload is not what was announced")
)

// Request asks one miner for one answer. Its signed body holds the hash of the
// task and not the task, so that evidence need not repeat it for every miner.
type Request struct {
	ChainID    string
	NetUID     ledger.NetUID
	Module     [32]byte
	Epoch      ledger.Epoch
	Round      uint16
	Task       [32]byte // TaskHash of the public task
	Caller     ledger.Hotkey
	Callee     ledger.Hotkey
	DeadlineMS uint32 // counted from the sending by the validator's clock
	ID         [16]byte
	MaxPrice   uint64 // in rao; 0 for a request that pays nothing
}

// TaskHash is the hash of a public task.
func TaskHash(public []byte) [32]byte { return key.Hash("task", public) }

// Append appends the body.
func (r *Request) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 12), 1)
	b = cbor.AppendText(b, r.ChainID)
	b = cbor.AppendBytes(cbor.AppendUint(b, uint64(r.NetUID)), r.Module[:])
	b = cbor.AppendUint(cbor.AppendUint(b, r.Epoch), uint64(r.Round))
	b = cbor.AppendBytes(cbor.AppendBytes(cbor.AppendBytes(b, r.Task[:]), r.Caller[:]), r.Callee[:])
	b = cbor.AppendUint(b, uint64(r.DeadlineMS))
	return cbor.AppendUint(cbor.AppendBytes(b, r.ID[:]), r.MaxPrice)
}

// DecodeRequest reads a body.
func DecodeRequest(b []byte) (r Request, err error) {
	d := cbor.NewDecoder(b)
	d.Version(12, 1)
	r.ChainID = d.Text(ledger.MaxChainID)
	r.NetUID, r.Module = ledger.NetUID(d.UintMax(65535)), d.Hash()
	r.Epoch, r.Round = d.Uint(), uint16(d.UintMax(65535))
	r.Task, r.Caller, r.Callee = d.Hash(), d.Hash(), d.Hash()
	r.DeadlineMS = uint32(d.UintMax(1<<32 - 1))
	d.Fixed(r.ID[:])
	r.MaxPrice = d.Uint()
	return r, d.End()
}

// Signed is a body with its author's signature. Its wire form is
// [1, body, signature].
type Signed struct {
	Body []byte
	Sig  key.Signature
}

// Verifier checks signatures of one hotkey: the hotkey itself, or its
// key.Verifier where many are checked.
type Verifier interface {
	Verify(tag string, msg []byte, sig key.Signature) error
}

// SignRequest signs a request by its caller.
func SignRequest(by key.Signer, r *Request) Signed { return sign(by, "request", r.Append(nil)) }

func sign(by key.Signer, tag string, body []byte) Signed {
	return Signed{Body: body, Sig: by.Sign(tag, body)}
}

// Append appends the wire form.
func (s *Signed) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	return cbor.AppendBytes(cbor.AppendBytes(b, s.Body), s.Sig[:])
}

func (s *Signed) decode(d *cbor.Decoder) {
	d.Version(3, 1)
	s.Body = d.Bytes(4096)
	d.Fixed(s.Sig[:])
}

// DecodeSigned reads the wire form.
func DecodeSigned(b []byte) (s Signed, err error) {
	d := cbor.NewDecoder(b)
	s.decode(d)
	return s, d.End()
}

// OpenRequest decodes a request and checks its caller's signature.
func (s *Signed) OpenRequest() (Request, error) {
	r, err := DecodeRequest(s.Body)
	if err != nil {
		return r, errors.Join(ErrRequest, err)
	}
	return r, s.CheckRequest(r.Caller)
}

// CheckRequest checks that a request is signed by its caller: RefusedUnsigned
// or RefusedSignature if it is not, each an ErrRequest too.
func (s *Signed) CheckRequest(caller Verifier) error {
	if s.Sig == (key.Signature{}) {
		return errors.Join(ErrRequest, RefusedUnsigned)
	}
	if err := caller.Verify("request", s.Body, s.Sig); err != nil {
		return errors.Join(ErrRequest, RefusedSignature, err)
	}
	return nil
}

// Ride is the longest task, in bytes, that comes along with its request. With it
// the request still leaves in the first flight of a new connection, so that
// waiting for the miner's word would cost a round trip and save nothing. A longer
// task follows when the miner has said that it takes the request.
const Ride = 16 << 10

// MaxAsk bounds the first frame of an exchange.
const MaxAsk = Ride + 8192

// Ask is the first frame of an exchange: the signed request, the length of the
// public task that it names, and the task itself if that is at most Ride. Its
// wire form is [1, request, length, public or nothing].
type Ask struct {
	Request Signed
	Public  []byte // of a decoded Ask nil when it follows
	Size    int    // of the task, in bytes; Append takes it from Public
}

// Follows reports whether the task comes in a frame of its own, without a form
// around its bytes, once the miner has replied "go".
func (a *Ask) Follows() bool { return max(a.Size, len(a.Public)) > Ride }

// Append appends the wire form, which holds a task that follows by its length
// alone.
func (a *Ask) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 4), 1)
	b = cbor.AppendUint(a.Request.Append(b), uint64(max(a.Size, len(a.Public))))
	if a.Follows() {
		return cbor.AppendBytes(b, nil)
	}
	return cbor.AppendBytes(b, a.Public)
}

// DecodeAsk reads the wire form; Public aliases b.
func DecodeAsk(b []byte) (a Ask, err error) {
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	a.Request.decode(d)
	a.Size = int(d.UintMax(abi.MaxPayload))
	a.Public = d.Bytes(Ride)
	switch {
	case a.Size > Ride && len(a.Public) == 0:
		a.Public = nil
	case a.Size != len(a.Public):
		d.Fail(cbor.ErrRange)
	}
	return a, d.End()
}

// Answer binds a miner to a payload before anyone sees it.
type Answer struct {
	Request [32]byte // RequestHash
	Hash    [32]byte // SaltedHash of the payload
}

// RequestHash names a request by its body.
func RequestHash(body []byte) [32]byte { return key.Hash("request-id", body) }

// SaltedHash is the hash of salt ‖ payload.
func SaltedHash(salt [32]byte, payload []byte) [32]byte { return key.Hash("payload", salt[:], payload) }

func (a *Answer) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	return cbor.AppendBytes(cbor.AppendBytes(b, a.Request[:]), a.Hash[:])
}

// SignAnswer signs an answer by the miner's hotkey.
func SignAnswer(by key.Signer, a Answer) Signed { return sign(by, "answer", a.append(nil)) }

// OpenAnswer decodes an answer and checks that the callee signed it for this
// request.
func (s *Signed) OpenAnswer(request []byte, callee Verifier) (Answer, error) {
	d := cbor.NewDecoder(s.Body)
	d.Version(3, 1)
	a := Answer{Request: d.Hash(), Hash: d.Hash()}
	if err := d.End(); err != nil {
		return a, errors.Join(ErrAnswer, err)
	}
	if a.Request != RequestHash(request) {
		return a, errors.Join(ErrAnswer, ErrOther)
	}
	if err := callee.Verify("answer", s.Body, s.Sig); err != nil {
		return a, errors.Join(ErrAnswer, err)
	}
	return a, nil
}

// Reply is a miner's word on a request: a signed answer, that it is busy, that
// the task may come, or that it refuses. Its wire form is [1, 0, answer],
// [1, 1, milliseconds after which to try again], [1, 2, 0] or [1, 3, refusal].
// Busy and refusal come before the task does if that is longer than Ride.
type Reply struct {
	Answer  *Signed
	Busy    uint32  // milliseconds; for a busy miner, with none of the others
	Go      bool    // the task may come; another reply follows it
	Refused Refusal // 0 for none
}

// Append appends the wire form.
func (r *Reply) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	switch {
	case r.Answer != nil:
		return r.Answer.Append(cbor.AppendUint(b, 0))
	case r.Go:
		return cbor.AppendUint(cbor.AppendUint(b, 2), 0)
	case r.Refused != 0:
		return cbor.AppendUint(cbor.AppendUint(b, 3), uint64(r.Refused))
	}
	return cbor.AppendUint(cbor.AppendUint(b, 1), uint64(r.Busy))
}

// DecodeReply reads the wire form. A refusal may have a number that this program
// does not know.
func DecodeReply(b []byte) (r Reply, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	switch d.UintMax(3) {
	case 0:
		r.Answer = &Signed{}
		r.Answer.decode(d)
	case 1:
		r.Busy = uint32(d.UintMax(MaxDeadlineMS))
	case 2:
		r.Go = true
		d.UintMax(0)
	case 3:
		if r.Refused = Refusal(d.UintMax(255)); r.Refused == 0 {
			d.Fail(cbor.ErrRange)
		}
	}
	return r, d.End()
}

// SignReceipt is the validator's word that it holds the answer: a signature
// over the answer's body.
func SignReceipt(by key.Signer, answer Signed) key.Signature {
	return by.Sign("receipt", answer.Body)
}

// CheckReceipt checks a receipt against the answer it is for.
func CheckReceipt(caller Verifier, answer Signed, receipt key.Signature) error {
	if err := caller.Verify("receipt", answer.Body, receipt); err != nil {
		return errors.Join(ErrReceipt, err)
	}
	return nil
}

// AppendReceipt and DecodeReceipt give a receipt its wire form, [1, signature].
func AppendReceipt(b []byte, r key.Signature) []byte {
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 2), 1), r[:])
}

// DecodeReceipt reads a receipt.
func DecodeReceipt(b []byte) (r key.Signature, err error) {
	d := cbor.NewDecoder(b)
	d.Version(2, 1)
	d.Fixed(r[:])
	return r, d.End()
}

// Payload is the last frame: what the miner's signed hash was of. Its wire form
// is [1, salt, payload].
type Payload struct {
	Salt [32]byte
	Data []byte
}

// Append appends the wire form.
func (p *Payload) Append(b []byte) []byte { return append(p.appendHead(b), p.Data...) }

func (p *Payload) appendHead(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	return cbor.AppendBytesHead(cbor.AppendBytes(b, p.Salt[:]), len(p.Data))
}

// Parts are the wire form in two parts, without a copy of Data.
func (p *Payload) Parts() (head, data []byte) { return p.appendHead(nil), p.Data }

// DecodePayload reads the wire form; Data aliases b.
func DecodePayload(b []byte) (p Payload, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	p.Salt, p.Data = d.Hash(), d.Bytes(abi.MaxPayload)
	return p, d.End()
}

// Matches reports ErrPayload unless the payload is what the answer announced.
func (p *Payload) Matches(a Answer) error {
	if SaltedHash(p.Salt, p.Data) != a.Hash {
		return ErrPayload
	}
	return nil
}
