package worker

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/plugins"
)

// Methods of a worker.
const (
	methodOpen = "open" // settings in, answer out; once, before the others
	methodLoad = "load" // load in, answer out
	methodCall = "call" // request in, answer out
)

// maxMessage holds the largest module, input or reply with its log.
const maxMessage = 32 << 20

const wireVersion = 1

// settings is what a worker is told first.
type settings struct {
	cacheDir    string
	interpreter bool
	limits      plugins.Limits
	memory      uint64
}

func (s settings) append(b []byte) []byte {
	b = cbor.AppendArray(b, 7)
	b = cbor.AppendUint(b, wireVersion)
	b = cbor.AppendText(b, s.cacheDir)
	b = cbor.AppendBool(b, s.interpreter)
	b = cbor.AppendUint(b, s.limits.Fuel)
	b = cbor.AppendUint(b, uint64(s.limits.Pages))
	b = cbor.AppendUint(b, uint64(s.limits.Log))
	return cbor.AppendUint(b, s.memory)
}

func decodeSettings(b []byte) (s settings, err error) {
	d := cbor.NewDecoder(b)
	d.Version(7, wireVersion)
	s.cacheDir = d.Text(4096)
	s.interpreter = d.Bool()
	s.limits = plugins.Limits{Fuel: d.UintMax(plugins.MaxFuel), Pages: uint32(d.UintMax(plugins.MaxPages)), Log: int(d.UintMax(plugins.MaxLog))}
	s.memory = d.Uint()
	return s, d.End()
}

// load hands over a module. Its answer's key, which requests name, is keyOf.
type load struct {
	id     plugins.ID
	limits plugins.Limits
	module []byte // empty where only the key is made
}

func (l load) append(b []byte) []byte {
	b = cbor.AppendArray(b, 6)
	b = cbor.AppendUint(b, wireVersion)
	b = cbor.AppendBytes(b, l.id[:])
	b = cbor.AppendUint(b, l.limits.Fuel)
	b = cbor.AppendUint(b, uint64(l.limits.Pages))
	b = cbor.AppendUint(b, uint64(l.limits.Log))
	return cbor.AppendBytes(b, l.module)
}

func decodeLoad(b []byte) (l load, err error) {
	d := cbor.NewDecoder(b)
	d.Version(6, wireVersion)
	l.id = d.Hash()
	l.limits = plugins.Limits{Fuel: d.UintMax(plugins.MaxFuel), Pages: uint32(d.UintMax(plugins.MaxPages)), Log: int(d.UintMax(plugins.MaxLog))}
	l.module = d.Bytes(maxMessage)
	return l, d.End()
}

// request is one call.
type request struct {
	key   plugins.ID // the module under its limits
	op    abi.Op
	seed  [32]byte
	input []byte
}

func (r request) append(b []byte) []byte {
	b = cbor.AppendArray(b, 5)
	b = cbor.AppendUint(b, wireVersion)
	b = cbor.AppendBytes(b, r.key[:])
	b = cbor.AppendUint(b, uint64(r.op))
	b = cbor.AppendBytes(b, r.seed[:])
	return cbor.AppendBytes(b, r.input)
}

func decodeRequest(b []byte) (r request, err error) {
	d := cbor.NewDecoder(b)
	d.Version(5, wireVersion)
	r.key = d.Hash()
	r.op = abi.Op(d.UintMax(1<<32 - 1))
	r.seed = d.Hash()
	r.input = d.Bytes(abi.MaxMessage)
	return r, d.End()
}

// Outcomes of a request to a worker.
const (
	outcomeOK     = iota // body and log are the reply
	outcomeFault         // body is an encoded fault
	outcomeAbsent        // the worker does not have the module: load it
	outcomeError         // body is text: the worker's own trouble
)

// answer is what a worker returns.
type answer struct {
	outcome uint64
	fuel    uint64
	body    []byte
	log     []byte
}

func (a answer) append(b []byte) []byte {
	b = cbor.AppendArray(b, 5)
	b = cbor.AppendUint(b, wireVersion)
	b = cbor.AppendUint(b, a.outcome)
	b = cbor.AppendUint(b, a.fuel)
	b = cbor.AppendBytes(b, a.body)
	return cbor.AppendBytes(b, a.log)
}

func decodeAnswer(b []byte) (a answer, err error) {
	d := cbor.NewDecoder(b)
	d.Version(5, wireVersion)
	a.outcome = d.UintMax(outcomeError)
	a.fuel = d.Uint()
	a.body = d.Bytes(maxMessage)
	a.log = d.Bytes(plugins.MaxLog)
	return a, d.End()
}

var errAbsent = errors.New("worker: module not loaded")

// result turns an answer into what a Caller returns.
func (a answer) result() (plugins.Reply, error) {
	switch a.outcome {
	case outcomeOK:
		return plugins.Reply{Body: a.body, Fuel: a.fuel, Log: a.log}, nil
	case outcomeFault:
		f, err := plugins.DecodeFault(a.body)
		if err != nil {
			return plugins.Reply{}, fmt.Errorf("worker: fault: %w", err)
		}
		return plugins.Reply{}, f
	case outcomeAbsent:
		return plugins.Reply{}, errAbsent
	}
	return plugins.Reply{}, fmt.Errorf("worker: %.1000s", a.body)
}

// answerOf is the inverse of result.
func answerOf(r plugins.Reply, err error) answer {
	var f *plugins.Fault
	switch {
	case errors.As(err, &f):
		return answer{outcome: outcomeFault, body: f.Append(nil)}
	case err != nil:
		return answer{outcome: outcomeError, body: []byte(err.Error())}
	}
	return answer{outcome: outcomeOK, fuel: r.Fuel, body: r.Body, log: r.Log}
}
