package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// Sizes that bound what is decoded.
const (
	MaxTx      = 192 << 10 // bytes of a transaction
	MaxChainID = 50        // bytes of a chain id
)

// Kind numbers the kinds of transactions. The numbers are part of consensus.
// 40 to 49 are kept free for payment channels and 50 to 59 for disputes.
type Kind uint64

// The kinds.
const (
	KindTransfer Kind = 1
	KindRegister Kind = 2
	KindStake    Kind = 3
	KindCommit   Kind = 4
	KindReveal   Kind = 5
)

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case KindTransfer:
		return "transfer"
	case KindRegister:
		return "register"
	case KindStake:
		return "stake"
	case KindCommit:
		return "commit"
	case KindReveal:
		return "reveal"
	}
	return "unknown"
}

// schemeED25519 is the only signature scheme so far; 1 is kept for sr25519.
const schemeED25519 = 0

// Tx is a signed transaction. Its wire form is [1, scheme, body, signature]
// where body is a byte string holding [1, chain id, kind, account, nonce,
// expiry, payload], and the signature is over the tag "tx" and the bytes of
// body as sent.
type Tx struct {
	ChainID string
	Kind    Kind
	Account key.ID // who signs: a coldkey, or a hotkey for the free kinds
	Nonce   uint64 // of the account; 0 for the free kinds, whose slot guards them
	Expiry  Height // the last height at which it may be applied
	Payload Payload

	body []byte
	sig  key.Signature
	size int
}

// Payload is the kind-specific part of a transaction.
type Payload interface {
	kind() Kind
	append(b []byte) []byte
}

// Sign encodes and signs a transaction. The account must be the seed's public
// key.
func Sign(seed key.Seed, chainID string, nonce uint64, expiry Height, p Payload) []byte {
	id := seed.Public()
	b := cbor.AppendArray(nil, 7)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendText(b, chainID)
	b = cbor.AppendUint(b, uint64(p.kind()))
	b = cbor.AppendBytes(b, id[:])
	b = cbor.AppendUint(b, nonce)
	b = cbor.AppendUint(b, expiry)
	b = cbor.AppendBytes(b, p.append(nil))
	sig := seed.Sign("tx", b)
	out := cbor.AppendArray(nil, 4)
	out = cbor.AppendUint(out, 1)
	out = cbor.AppendUint(out, schemeED25519)
	out = cbor.AppendBytes(out, b)
	return cbor.AppendBytes(out, sig[:])
}

// DecodeTx reads a transaction without checking its signature. The error is a
// *Reject with CodeSize, CodeMalformed or CodeKind.
func DecodeTx(raw []byte) (*Tx, error) {
	if len(raw) > MaxTx {
		return nil, reject(CodeSize, "%d bytes, at most %d", len(raw), MaxTx)
	}
	d := cbor.NewDecoder(raw)
	d.Version(4, 1)
	if d.Uint() != schemeED25519 && d.Err() == nil {
		return nil, reject(CodeMalformed, "unknown signature scheme")
	}
	t := &Tx{size: len(raw)}
	t.body = d.Bytes(MaxTx)
	d.Fixed(t.sig[:])
	if err := d.End(); err != nil {
		return nil, reject(CodeMalformed, "%v", err)
	}
	d = cbor.NewDecoder(t.body)
	d.Version(7, 1)
	t.ChainID = d.Text(MaxChainID)
	t.Kind = Kind(d.Uint())
	t.Account = d.Hash()
	t.Nonce = d.Uint()
	t.Expiry = d.Uint()
	payload := d.Bytes(MaxTx)
	if err := d.End(); err != nil {
		return nil, reject(CodeMalformed, "%v", err)
	}
	d = cbor.NewDecoder(payload)
	switch t.Kind {
	case KindTransfer:
		t.Payload = decodeTransfer(d)
	case KindRegister:
		t.Payload = decodeRegister(d)
	case KindStake:
		t.Payload = decodeStake(d)
	case KindCommit:
		t.Payload = decodeCommit(d)
	case KindReveal:
		t.Payload = decodeReveal(d)
	default:
		return nil, reject(CodeKind, "kind %d", t.Kind)
	}
	if err := d.End(); err != nil {
		return nil, reject(CodeMalformed, "%s: %v", t.Kind, err)
	}
	if t.Free() && t.Nonce != 0 {
		return nil, reject(CodeMalformed, "%s: nonce %d: the free kinds carry nonce 0", t.Kind, t.Nonce)
	}
	return t, nil
}

// ID names the transaction: the hash of the signed body, so that no second
// signature over the same body makes another transaction.
func (t *Tx) ID() [32]byte { return key.Hash("tx-id", t.body) }

// Size is the size of the wire form in bytes.
func (t *Tx) Size() int { return t.size }

// Verify checks the signature: *Reject with CodeSignature.
func (t *Tx) Verify() error {
	if t.Account.Verify("tx", t.body, t.sig) != nil {
		return reject(CodeSignature, "of %s by %s", t.Kind, t.Account)
	}
	return nil
}

// Free reports whether the kind pays no fee and is guarded by a slot.
func (t *Tx) Free() bool { return t.Kind == KindCommit || t.Kind == KindReveal }

// Slot names what a free transaction spends: one of each kind per hotkey, epoch
// and subnet. It is empty for the kinds that pay.
func (t *Tx) Slot() string {
	switch p := t.Payload.(type) {
	case *Commit:
		return string(slotKey(p.NetUID, p.Epoch, t.Account, t.Kind))
	case *Reveal:
		return string(slotKey(p.NetUID, p.Epoch, t.Account, t.Kind))
	}
	return ""
}

// steps is the work that a kind asks of the ledger, in the unit of the fee's
// per-step part.
func (t *Tx) steps() uint64 {
	switch t.Kind {
	case KindTransfer:
		return 1
	case KindRegister:
		return 4
	case KindStake:
		return 2
	}
	return 0
}
