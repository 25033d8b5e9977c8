package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
	"github.com/plexus-network/plexus/ledger/store"
)

// MaxTape bounds an encoded tape, in bytes.
const MaxTape = 32 << 20

// maxTaped bounds the headers, and the values, on a tape.
const maxTaped = 1 << 16

// ErrLacks is returned for what is not on a tape; its text names it.
var ErrLacks = errors.New("chain: the proofs lack")

// Tape keeps what nodes proved to a light client: the genesis, the headers with
// their votes, and values of the state after one height with their proofs. It
// answers a light client as a node does, which then verifies the same again
// where there is no network. It is not trusted. It is safe for concurrent use.
type Tape struct {
	mu      sync.Mutex
	genesis []byte
	height  uint64 // of the state
	headers map[uint64][]byte
	values  map[string]wire.Proved
	size    int // bytes, about
}

// RecordTape has fn read a view of the newest state, and returns what proves all that
// it read. The light client is one of its own that starts from the anchor or the
// genesis, as everybody does who verifies the tape: from c.Saved only when both
// are too old, and then the tape has no more than its last block to be trusted by.
func RecordTape(ctx context.Context, c LightConfig, fn func(*LightView) error) (*Tape, error) {
	t := &Tape{genesis: c.Genesis.Encode()}
	saved, ask, others := c.Saved, c.Ask, c.Witnesses
	c.Saved, c.Save, c.Ask = nil, nil, t.record(ask)
	if others != nil {
		// When the node that is asked lacks a header, a witness's is taken.
		c.Witnesses = func() (out []Ask) {
			for _, w := range others() {
				out = append(out, t.record(w))
			}
			return out
		}
	}
	l, err := OpenLight(ctx, c)
	if errors.Is(err, ErrTrust) && saved != nil {
		c.Saved = saved
		l, err = OpenLight(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	v, err := l.View(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := t.Anchor(); errors.Is(err, ErrLacks) { // it was the one to start from
		if _, err := l.header(ctx, int64(v.Height())+1); err != nil {
			return nil, err
		}
	}
	if err := fn(v); err != nil {
		return nil, err
	}
	var own *Anchor // nil to verify it as those will who know the join string
	if c.Saved != nil {
		a, err := t.Anchor()
		if err != nil {
			return nil, err
		}
		own = &a
	}
	_, err = t.View(ctx, l.genesis, c.Anchor, own)
	return t, err
}

// record returns an Ask that keeps what is answered on the tape.
func (t *Tape) record(via Ask) Ask {
	return func(ctx context.Context, req []byte) ([]byte, error) {
		out, err := via(ctx, req)
		if err == nil {
			err = t.keep(req, out)
		}
		return out, err
	}
}

// keep keeps an answer if it is one.
func (t *Tape) keep(req, answer []byte) error {
	r, err := wire.DecodeRequest(req)
	if err != nil {
		return err
	}
	payload, err := decodeAnswer(answer)
	if err != nil {
		return nil // for the client to judge
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.headers == nil {
		t.headers, t.values = map[uint64][]byte{}, map[string]wire.Proved{}
	}
	switch r.Kind {
	case wire.AskStatus:
		if s, err := wire.DecodeStatus(payload); err == nil {
			t.height = s.Height
		}
	case wire.AskHeader:
		if _, ok := t.headers[r.Height]; ok {
			return nil // a witness says it again
		}
		t.headers[r.Height] = bytes.Clone(payload)
	case wire.AskProofs:
		all, err := wire.DecodeProofs(payload)
		if err != nil || len(all) != len(r.Keys) {
			return nil
		}
		for i, k := range r.Keys {
			t.values[string(k)] = all[i]
		}
	}
	if t.size += len(payload); t.size > MaxTape/2 {
		return fmt.Errorf("%w: more than %d bytes of proofs", ErrTooLarge, MaxTape/2)
	}
	return nil
}

// Anchor names the block whose header has the root of the tape's state. Whoever
// knows its hash needs to trust nothing else.
func (t *Tape) Anchor() (a Anchor, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	chainID, err := t.chainID()
	if err != nil {
		return a, err
	}
	a.Height = t.height + 1
	raw, ok := t.headers[a.Height]
	if !ok {
		return a, fmt.Errorf("%w header %d", ErrLacks, a.Height)
	}
	lb, err := decodeHeader(raw, chainID)
	if err != nil {
		return a, err
	}
	a.Hash = [32]byte(lb.Hash())
	return a, nil
}

func (t *Tape) chainID() (string, error) {
	if len(t.genesis) == 0 {
		return "", fmt.Errorf("%w the genesis", ErrLacks)
	}
	g, err := t.readGenesis()
	if err != nil {
		return "", err
	}
	return g.ChainID, nil
}

// readGenesis reads the genesis on the tape, whatever its hash.
func (t *Tape) readGenesis() (*ledger.Genesis, error) {
	g, err := ledger.DecodeGenesis(t.genesis)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	return g, nil
}

// View verifies the tape and returns the state that it proves; keys that are not
// on it give ErrLacks. The root of trust is block, when it is Anchor's: then the
// tape may be of any age. Otherwise block is nil, and the root is as for
// OpenLight the join string's anchor or the genesis with this hash, within the
// trusting period.
func (t *Tape) View(ctx context.Context, genesis [32]byte, anchor, block *Anchor) (*LightView, error) {
	own, err := t.Anchor()
	if err != nil {
		return nil, err
	}
	c := LightConfig{Anchor: anchor, Ask: t.answer}
	switch {
	case block == nil:
		if c.Genesis, err = FetchGenesis(ctx, t.answer, genesis); err != nil {
			return nil, fmt.Errorf("the proofs are of another network than the join string's: %w", err)
		}
		// An anchor that is the tape's own is as good.
		c.named = anchor != nil && *anchor == own
	case *block != own:
		return nil, fmt.Errorf("%w: the proofs end in block %d:%x, and %d:%x is trusted", ErrTrust, own.Height, own.Hash, block.Height, block.Hash)
	default:
		if c.Genesis, err = t.readGenesis(); err != nil {
			return nil, err
		}
		c.Anchor, c.named = block, true
	}
	l, err := OpenLight(ctx, c)
	if err == nil {
		var v *LightView
		if v, err = l.View(ctx); err == nil {
			return v, nil
		}
	}
	if errors.Is(err, ErrTrust) || errors.Is(err, ErrLacks) {
		err = fmt.Errorf("%w; or trust the block that the proofs end in, %d:%x, if you know its hash from elsewhere", err, own.Height, own.Hash)
	}
	return nil, err
}

// answer answers a light client.
func (t *Tape) answer(_ context.Context, req []byte) ([]byte, error) {
	r, err := wire.DecodeRequest(req)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var payload []byte
	switch r.Kind {
	case wire.AskStatus:
		g, err := t.readGenesis()
		if err != nil {
			return nil, err
		}
		payload = wire.Status{Height: t.height, Genesis: g.Hash()}.Encode()
	case wire.AskGenesis:
		payload = t.genesis
	case wire.AskHeader:
		var ok bool
		if payload, ok = t.headers[r.Height]; !ok {
			return nil, fmt.Errorf("%w header %d", ErrLacks, r.Height)
		}
	case wire.AskProofs:
		all := make([]wire.Proved, len(r.Keys))
		for i, k := range r.Keys {
			v, ok := t.values[string(k)]
			if !ok {
				return nil, fmt.Errorf("%w the state's %q", ErrLacks, k)
			}
			all[i] = v
		}
		payload = wire.EncodeProofs(all)
	default:
		return nil, fmt.Errorf("%w an answer to requests of kind %d", ErrLacks, r.Kind)
	}
	return encodeAnswer(payload, nil), nil
}

// Append appends [1, genesis, height, [[height, header], …], [[key, [proved]], …]],
// rising by height and by key.
func (t *Tape) Append(b []byte) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	b = cbor.AppendUint(cbor.AppendArray(b, 5), 1)
	b = cbor.AppendUint(cbor.AppendBytes(b, t.genesis), t.height)
	b = cbor.AppendArray(b, len(t.headers))
	for _, h := range slices.Sorted(maps.Keys(t.headers)) {
		b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 2), h), t.headers[h])
	}
	b = cbor.AppendArray(b, len(t.values))
	for _, k := range slices.Sorted(maps.Keys(t.values)) {
		b = cbor.AppendBytes(cbor.AppendArray(b, 2), []byte(k))
		b = cbor.AppendBytes(b, wire.EncodeProofs([]wire.Proved{t.values[k]}))
	}
	return b
}

// DecodeTape reads what Append wrote. It verifies nothing.
func DecodeTape(b []byte) (*Tape, error) {
	if len(b) > MaxTape {
		return nil, fmt.Errorf("%w: proofs of %d bytes, at most %d", ErrVerify, len(b), MaxTape)
	}
	t := &Tape{headers: map[uint64][]byte{}, values: map[string]wire.Proved{}}
	d := cbor.NewDecoder(b)
	d.Version(5, 1)
	t.genesis, t.height = d.Bytes(wire.MaxAnswer), d.UintMax(1<<62)
	last := uint64(0)
	for range d.ArrayMax(maxTaped) {
		d.Array(2)
		h := d.UintMax(1 << 62)
		if h <= last {
			d.Fail(errOrder)
		}
		t.headers[h], last = d.Bytes(maxHeader), h
		if d.Err() != nil {
			break
		}
	}
	before := ""
	for range d.ArrayMax(maxTaped) {
		d.Array(2)
		k := string(d.Bytes(store.MaxKey))
		if k <= before {
			d.Fail(errOrder)
		}
		raw := d.Bytes(wire.MaxAnswer)
		if d.Err() != nil {
			break
		}
		one, err := wire.DecodeProofs(raw)
		if err != nil || len(one) != 1 {
			return nil, fmt.Errorf("%w: the proof of %q", ErrVerify, k)
		}
		t.values[k], before = one[0], k
	}
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: proofs: %w", ErrVerify, err)
	}
	return t, nil
}

var errOrder = errors.New("not in rising order")
