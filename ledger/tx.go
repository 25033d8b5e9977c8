package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Sizes that bound what is decoded.
const (
	MaxTx      = 192 << 10 // bytes of a transaction
	MaxChainID = 50        // bytes of a chain id
)

// Tx is a signed transaction. Its wire form is [1, scheme, body, signature]
// where body is a byte string holding [2, chain id, kind, account, nonce,
// expiry, tip, payload], and the signature is over the tag "tx" and the bytes
// of body as sent. Scheme is 0 for ed25519 and 1 for sr25519, with a signature
// of 64 bytes, or 2 for a multisig account, with an Approval in its place.
type Tx struct {
	ChainID string
	Kind    Kind
	Account key.ID   // who signs: a coldkey, or a hotkey for the free kinds
	Nonce   uint64   // of the account; 0 for the free kinds, whose slot guards them
	Expiry  Height   // the last height at which it may be applied
	Tip     unit.TAO // paid to the producer beside the fee, to come first; 0 for the free kinds
	Payload Payload

	scheme   key.Scheme
	body     []byte
	sig      key.Signature
	approval *Approval // of a multisig account, else nil
	size     int
}

// Payload is the kind-specific part of a transaction.
type Payload interface {
	kind() Kind
	append(b []byte) []byte
}

// Sign encodes and signs a transaction without a tip. The account is the
// signer's public key.
func Sign(s key.Signer, chainID string, nonce uint64, expiry Height, p Payload) []byte {
	u := Unsigned{ChainID: chainID, Account: s.Public(), Nonce: nonce, Expiry: expiry, Payload: p}
	body := u.Body()
	return Attach(body, s.Scheme(), s.Sign(TxTag, body))
}

// DecodeTx reads a transaction without checking its signature. The error is a
// *Reject with CodeSize, CodeMalformed or CodeKind.
func DecodeTx(raw []byte) (*Tx, error) {
	if len(raw) > MaxTx {
		return nil, reject(CodeSize, "%d bytes, at most %d", len(raw), MaxTx)
	}
	d := cbor.NewDecoder(raw)
	d.Version(4, 1)
	scheme := key.Scheme(d.UintMax(255))
	if scheme > schemeMultisig && d.Err() == nil {
		return nil, reject(CodeMalformed, "unknown signature scheme %d", scheme)
	}
	body := d.Bytes(MaxTx)
	var sig key.Signature
	var proof []byte
	if scheme == schemeMultisig {
		proof = d.Bytes(MaxApproval)
	} else {
		d.Fixed(sig[:])
	}
	if err := d.End(); err != nil {
		return nil, reject(CodeMalformed, "%v", err)
	}
	t, err := DecodeBody(body)
	if err != nil {
		return nil, err
	}
	t.scheme, t.sig, t.size = scheme, sig, len(raw)
	if scheme == schemeMultisig {
		if t.approval, err = DecodeApproval(proof); err != nil {
			return nil, reject(CodeMalformed, "%v", err)
		}
	}
	return t, nil
}

// DecodeBody reads the signed part of a transaction: what is left of it before
// anybody has signed. Its size is that with one ordinary signature. The error
// is a *Reject with CodeSize, CodeMalformed or CodeKind.
func DecodeBody(body []byte) (*Tx, error) {
	if len(body) > MaxTx-signedOverhead {
		return nil, reject(CodeSize, "%d bytes, at most %d", len(body), MaxTx-signedOverhead)
	}
	t := &Tx{body: body, size: len(body) + signedOverhead}
	d := cbor.NewDecoder(body)
	d.Version(8, 2)
	t.ChainID = d.Text(MaxChainID)
	t.Kind = Kind(d.Uint())
	t.Account = d.Hash()
	t.Nonce = d.Uint()
	t.Expiry = d.Uint()
	t.Tip = unit.TAO(d.Uint())
	payload := d.Bytes(MaxTx)
	if err := d.End(); err != nil {
		return nil, reject(CodeMalformed, "%v", err)
	}
	var err error
	if t.Payload, err = decodePayload(t.Kind, payload); err != nil {
		return nil, err
	}
	if t.Free() && (t.Nonce != 0 || t.Tip != 0) {
		return nil, reject(CodeMalformed, "%s: nonce %d, tip %s: the free kinds carry nonce 0 and no tip", t.Kind, t.Nonce, t.Tip)
	}
	return t, nil
}

// ID names the transaction: the hash of the signed body, so that no second
// signature over the same body makes another transaction.
func (t *Tx) ID() [32]byte { return key.Hash("tx-id", t.body) }

// Size is the size of the wire form in bytes.
func (t *Tx) Size() int { return t.size }

// Scheme says how it was signed.
func (t *Tx) Scheme() string {
	if t.scheme == schemeMultisig {
		return "multisig"
	}
	return t.scheme.String()
}

// Approval returns the approval of a multisig account, nil for other accounts.
func (t *Tx) Approval() *Approval { return t.approval }

// Verify checks the signature: *Reject with CodeSignature.
func (t *Tx) Verify() error {
	ok := t.approval == nil || t.approval.ID() == t.Account
	t.signatures(func(id key.ID, s key.Scheme, sig key.Signature) {
		ok = ok && id.VerifyScheme(s, TxTag, t.body, sig) == nil
	})
	if !ok {
		return t.unsigned()
	}
	return nil
}

func (t *Tx) unsigned() error { return reject(CodeSignature, "of %s by %s", t.Kind, t.Account) }

// signatures calls fn with each signature that the transaction carries.
func (t *Tx) signatures(fn func(key.ID, key.Scheme, key.Signature)) {
	if t.approval == nil {
		fn(t.Account, t.scheme, t.sig)
		return
	}
	for _, s := range t.approval.Signatures {
		fn(t.approval.Members[s.Member], s.Scheme, s.Signature)
	}
}

// Signature is one signature of a transaction, to be checked with many others.
type Signature struct {
	By     key.ID
	Scheme key.Scheme
	Body   []byte // what TxTag and the signature are over
	Value  key.Signature
}

// Signatures lists what must hold for Verify to pass, so that a caller may
// check those of many transactions in one key.Batch and vouch for them in
// Block.Verified. False means that Verify refuses whatever the signatures are.
func (t *Tx) Signatures() ([]Signature, bool) {
	if t.approval != nil && t.approval.ID() != t.Account {
		return nil, false
	}
	var out []Signature
	t.signatures(func(id key.ID, s key.Scheme, sig key.Signature) { out = append(out, Signature{id, s, t.body, sig}) })
	return out, true
}

// Slot names what a free transaction spends: one of each kind per hotkey, epoch
// and subnet. It is empty for the kinds that pay.
func (t *Tx) Slot() string {
	switch p := t.Payload.(type) {
	case *Commit:
		return string(slotKey(p.NetUID.Mechanism(p.Mechanism), p.Epoch, t.Account, t.Kind))
	case *Reveal:
		return string(slotKey(p.NetUID.Mechanism(p.Mechanism), p.Epoch, t.Account, t.Kind))
	case *Serve:
		return string(servedKey(p.NetUID, t.Account))
	}
	return ""
}
