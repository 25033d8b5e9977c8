package ledger

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// TxTag is the tag under which a transaction's body is signed.
const TxTag = "tx"

// signedOverhead is what signing adds to a body with one ordinary signature, at
// most: the array, version, scheme, two heads of byte strings, the signature.
const signedOverhead = 3 + 5 + 2 + key.SignatureSize

// Unsigned is a transaction before it is signed. Building and signing are
// apart, so that the secret may live on a machine that no network reaches:
//
//	body := u.Body()                        // here
//	sig := signer.Sign(ledger.TxTag, body)  // there, after DecodeBody showed what it does
//	raw := ledger.Attach(body, signer.Scheme(), sig)
type Unsigned struct {
	ChainID string
	Account key.ID   // who will sign
	Nonce   uint64   // of the account; 0 for the free kinds
	Expiry  Height   // the last height at which it may be applied
	Tip     unit.TAO // for the producer, beside the fee
	Payload Payload
}

// Body returns the bytes that are signed under TxTag.
func (u *Unsigned) Body() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 8), 2)
	b = cbor.AppendText(b, u.ChainID)
	b = cbor.AppendUint(b, uint64(u.Payload.kind()))
	b = cbor.AppendBytes(b, u.Account[:])
	b = cbor.AppendUint(b, u.Nonce)
	b = cbor.AppendUint(b, u.Expiry)
	b = cbor.AppendUint(b, uint64(u.Tip))
	return cbor.AppendBytes(b, u.Payload.append(nil))
}

// Sign signs the transaction with the secret of its account.
func (u *Unsigned) Sign(s key.Signer) ([]byte, error) {
	if id := s.Public(); id != u.Account {
		return nil, fmt.Errorf("ledger: signing: the key is that of %s, the transaction is of %s", id, u.Account)
	}
	body := u.Body()
	return Attach(body, s.Scheme(), s.Sign(TxTag, body)), nil
}

// Attach makes the wire form of a body and its signature. It checks neither.
func Attach(body []byte, scheme key.Scheme, sig key.Signature) []byte {
	return attach(body, scheme, sig[:])
}

// AttachApproval makes the wire form of a body and the approval of the multisig
// account that it is of. It checks neither.
func AttachApproval(body []byte, a *Approval) []byte {
	return attach(body, schemeMultisig, a.append(nil))
}

func attach(body []byte, scheme key.Scheme, proof []byte) []byte {
	b := cbor.AppendUint(cbor.AppendArray(make([]byte, 0, len(body)+len(proof)+16), 4), 1)
	b = cbor.AppendUint(b, uint64(scheme))
	return cbor.AppendBytes(cbor.AppendBytes(b, body), proof)
}
