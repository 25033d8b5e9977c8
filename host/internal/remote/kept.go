package remote

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/plugins"
)

// Kept is what a replay asks a network for, kept beside the evidence: values of
// the chain with their proofs, and the module. Nothing of it is trusted: View
// proves the values, and Module compares the hash.
type Kept struct {
	Tape   *chain.Tape
	Code   []byte // of the module
	trust  trust
	proved *chain.LightView
}

// trust is what Kept.View starts from.
type trust struct {
	join  Join
	block *ledger.Anchor
}

// Record has fn read a view of the newest state, and returns what proves all that
// it read, from the join string's root of trust on.
func (r *Remote) Record(ctx context.Context, fn func(ledger.View) error) (*chain.Tape, error) {
	return chain.RecordTape(ctx, chain.LightConfig{Genesis: r.Genesis, Anchor: r.conf.Join.Anchor, Saved: r.conf.Saved, Ask: r.ask, Witnesses: r.witnesses, Log: r.log},
		func(v *chain.LightView) error { return fn(v) })
}

// Append appends [1, tape, code].
func (k *Kept) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	return cbor.AppendBytes(cbor.AppendBytes(b, k.Tape.Append(nil)), k.Code)
}

// DecodeKept reads what Append wrote.
func DecodeKept(b []byte) (*Kept, error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	tape, code := d.Bytes(chain.MaxTape), d.Bytes(plugins.MaxModule)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("proofs kept with the evidence: %w", err)
	}
	t, err := chain.DecodeTape(tape)
	return &Kept{Tape: t, Code: code}, err
}

// Trust says where the proofs must begin: in the network of a join string, with
// its block if it names one, or, when block is not nil, in that block alone.
func (k *Kept) Trust(j Join, block *ledger.Anchor) { k.trust = trust{j, block} }

// Fresh returns the one view that there is.
func (k *Kept) Fresh(ctx context.Context) (ledger.View, error) {
	if k.proved != nil {
		return k.proved, nil
	}
	v, err := k.Tape.View(context.WithoutCancel(ctx), k.trust.join.Genesis, k.trust.join.Anchor, k.trust.block)
	if err != nil {
		return nil, err
	}
	k.proved = v
	return v, nil
}

// Module returns the module with an id; chain.ErrLacks when it is another, or
// none, that is kept.
func (k *Kept) Module(_ context.Context, id plugins.ID, _ func(done, total int64)) ([]byte, error) {
	if sha256.Sum256(k.Code) != id {
		return nil, fmt.Errorf("%w the module %x", chain.ErrLacks, id)
	}
	return k.Code, nil
}
