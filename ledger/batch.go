package ledger

import (
	"errors"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// MaxBatch is the most steps of a batch.
const MaxBatch = 100

// TransferAll moves the whole balance to another account, after the fee:
// [1, to].
type TransferAll struct {
	To key.ID
}

func (*TransferAll) kind() Kind { return KindTransferAll }

func (p *TransferAll) append(b []byte) []byte {
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 2), 1), p.To[:])
}

func decodeTransferAll(d *cbor.Decoder) *TransferAll {
	d.Version(2, 1)
	return &TransferAll{To: d.Hash()}
}

func applyTransferAll(s *state, t *Tx, p *TransferAll) error {
	acc := s.account(t.Account)
	return applyTransfer(s, t, &Transfer{To: p.To, Amount: acc.Balance})
}

// Batch applies several payloads of one account in their order, all or none:
// [1, [[kind, payload], …]]. It holds none of the free kinds, no batch and
// nothing on behalf of another account.
type Batch struct {
	Steps []Payload `show:"step"` // 1 to MaxBatch
}

func (*Batch) kind() Kind { return KindBatch }

func (p *Batch) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 2), 1)
	b = cbor.AppendArray(b, len(p.Steps))
	for _, step := range p.Steps {
		b = appendCall(b, step)
	}
	return b
}

func decodeBatch(d *cbor.Decoder) *Batch {
	d.Version(2, 1)
	p := &Batch{}
	for range d.ArrayMax(MaxBatch) {
		step := decodeCall(d, func(k Kind) bool { return !kinds[k].free && k != KindBatch && k != KindProxied })
		if step == nil {
			return p
		}
		p.Steps = append(p.Steps, step)
	}
	if len(p.Steps) == 0 && d.Err() == nil {
		d.Fail(errors.New("a batch without steps"))
	}
	return p
}

// appendCall appends [kind, payload] of a payload within another.
func appendCall(b []byte, p Payload) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 2), uint64(p.kind()))
	return cbor.AppendBytes(b, p.append(nil))
}

// decodeCall reads what appendCall wrote, nil when it fails. The kind is looked
// at first, so that nesting is as deep as allowed lets it be and no deeper.
func decodeCall(d *cbor.Decoder, allowed func(Kind) bool) Payload {
	d.Array(2)
	k := Kind(d.Uint())
	b := d.Bytes(MaxTx)
	if d.Err() != nil {
		return nil
	}
	if !allowed(k) {
		d.Fail(reject(CodeMalformed, "%s may not stand there", k))
		return nil
	}
	p, err := decodePayload(k, b)
	if err != nil {
		d.Fail(err)
		return nil
	}
	return p
}

// as returns t as if it had been sent with another account and payload.
func (t *Tx) as(account key.ID, p Payload) *Tx {
	sub := *t
	sub.Account, sub.Kind, sub.Payload = account, p.kind(), p
	return &sub
}

func applyBatch(s *state, t *Tx, p *Batch, h Height, chainID string, params *Params) error {
	for i, step := range p.Steps {
		err := execute(s, t.as(t.Account, step), h, chainID, params)
		var r *Reject
		if errors.As(err, &r) {
			return reject(r.Code, "step %d, %s: %s", i+1, step.kind(), r.Detail)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
