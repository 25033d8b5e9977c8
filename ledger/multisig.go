package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// schemeMultisig stands in a transaction's wire form for a multisig account.
const schemeMultisig key.Scheme = 2

// Bounds of a multisig account.
const (
	MaxMembers  = 100      // who may sign
	MaxApproval = 16 << 10 // bytes of an approval
)

// ErrMultisig is returned for a multisig account or an approval of one that
// breaks a rule.
var ErrMultisig = errors.New("ledger: multisig")

// Multisig is an account of several people, of whom Threshold must sign. The
// chain keeps nothing about it: its id is the hash of its rule, the signatures
// are collected off the chain, and a transaction shows the rule with them. It
// may do all that an account may, except be a hotkey.
type Multisig struct {
	Threshold int      // signatures needed, 1 to the number of members
	Members   []key.ID // who may sign, rising, each once; 2 to MaxMembers
}

// NewMultisig makes the account of members in any order.
func NewMultisig(threshold int, members ...key.ID) (Multisig, error) {
	m := Multisig{threshold, slices.Clone(members)}
	slices.SortFunc(m.Members, func(a, b key.ID) int { return slices.Compare(a[:], b[:]) })
	return m, m.Validate()
}

// Validate reports the first rule that m breaks.
func (m *Multisig) Validate() error {
	if n := len(m.Members); n < 2 || n > MaxMembers {
		return fmt.Errorf("%w: %d members: 2 to %d", ErrMultisig, n, MaxMembers)
	}
	if m.Threshold < 1 || m.Threshold > len(m.Members) {
		return fmt.Errorf("%w: threshold %d: 1 to the %d members", ErrMultisig, m.Threshold, len(m.Members))
	}
	for i := 1; i < len(m.Members); i++ {
		if !less(m.Members[i-1], m.Members[i]) {
			return fmt.Errorf("%w: members must rise and be different: %s", ErrMultisig, m.Members[i])
		}
	}
	return nil
}

// ID is the account: a domain-separated hash of the threshold and the members.
func (m *Multisig) ID() key.ID {
	parts := [][]byte{be16(uint16(m.Threshold))}
	for i := range m.Members {
		parts = append(parts, m.Members[i][:])
	}
	return key.Hash("multisig", parts...)
}

// Approval is a multisig account's signature: the rule and exactly as many
// signatures of members over the body as it asks for, so that nobody can make
// a transaction longer or shorter on its way.
type Approval struct {
	Multisig
	Signatures []MemberSignature // rising by member
}

// MemberSignature is one member's signature of a body under TxTag.
type MemberSignature struct {
	Member    int // index into Members
	Scheme    key.Scheme
	Signature key.Signature
}

// Approve puts signatures of members together, leaving out those beyond the
// threshold. The error is ErrMultisig: too few, or of a stranger.
func (m *Multisig) Approve(sigs map[key.ID]MemberSignature) (*Approval, error) {
	a := &Approval{Multisig: *m}
	for i, id := range m.Members {
		if s, ok := sigs[id]; ok && len(a.Signatures) < m.Threshold {
			a.Signatures = append(a.Signatures, MemberSignature{i, s.Scheme, s.Signature})
		}
	}
	if len(a.Signatures) < m.Threshold {
		return nil, fmt.Errorf("%w: %d of its members have signed, %d are needed", ErrMultisig, len(a.Signatures), m.Threshold)
	}
	return a, nil
}

// append appends [1, threshold, [member, …], [[index, scheme, signature], …]].
func (a *Approval) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 4), 1), uint64(a.Threshold))
	b = cbor.AppendArray(b, len(a.Members))
	for i := range a.Members {
		b = cbor.AppendBytes(b, a.Members[i][:])
	}
	b = cbor.AppendArray(b, len(a.Signatures))
	for i := range a.Signatures {
		s := &a.Signatures[i]
		b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), uint64(s.Member)), uint64(s.Scheme))
		b = cbor.AppendBytes(b, s.Signature[:])
	}
	return b
}

// DecodeApproval reads an approval and checks everything but the signatures:
// the error wraps ErrMultisig or is one of the encoding.
func DecodeApproval(b []byte) (*Approval, error) {
	if len(b) > MaxApproval {
		return nil, fmt.Errorf("%w: approval of %d bytes, at most %d", ErrMultisig, len(b), MaxApproval)
	}
	a := &Approval{}
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	a.Threshold = int(d.UintMax(MaxMembers))
	for range d.ArrayMax(MaxMembers) {
		a.Members = append(a.Members, d.Hash())
	}
	for range d.ArrayMax(MaxMembers) {
		d.Array(3)
		s := MemberSignature{Member: int(d.UintMax(MaxMembers - 1)), Scheme: key.Scheme(d.UintMax(uint64(key.SR25519)))}
		d.Fixed(s.Signature[:])
		a.Signatures = append(a.Signatures, s)
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	if err := a.Validate(); err != nil {
		return nil, err
	}
	if len(a.Signatures) != a.Threshold {
		return nil, fmt.Errorf("%w: %d signatures, the threshold is %d", ErrMultisig, len(a.Signatures), a.Threshold)
	}
	for i, s := range a.Signatures {
		if s.Member >= len(a.Members) || i > 0 && s.Member <= a.Signatures[i-1].Member {
			return nil, fmt.Errorf("%w: signatures must rise by member, each once", ErrMultisig)
		}
	}
	return a, nil
}
