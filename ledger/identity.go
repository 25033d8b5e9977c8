package ledger

import "github.com/plexus-network/plexus/abi/cbor"

// Largest fields of an identity, in bytes (economics, other features).
const (
	maxIdentityField = 256
	maxIdentityText  = 1024
)

// Identity is what an account or a subnet says of itself. Nothing checks it.
type Identity struct {
	Name        string `json:"name"`
	URL         string `json:"url"`
	Source      string `json:"source"`  // where the code is
	Contact     string `json:"contact"` // how to reach whoever answers for it
	Description string `json:"description"`
}

func (i *Identity) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 6), 1)
	for _, f := range []string{i.Name, i.URL, i.Source, i.Contact, i.Description} {
		b = cbor.AppendText(b, f)
	}
	return b
}

func (i *Identity) decode(d *cbor.Decoder) {
	d.Version(6, 1)
	for _, f := range []*string{&i.Name, &i.URL, &i.Source, &i.Contact} {
		*f = d.Text(maxIdentityField)
	}
	i.Description = d.Text(maxIdentityText)
}

// SetIdentity says who is behind a subnet, by its owner, or, with netuid 0,
// behind the signing account: [1, netuid, identity].
type SetIdentity struct {
	NetUID   NetUID
	Identity Identity
}

func (*SetIdentity) kind() Kind { return KindSetIdentity }

func (p *SetIdentity) append(b []byte) []byte {
	return p.Identity.append(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), uint64(p.NetUID)))
}

func decodeSetIdentity(d *cbor.Decoder) *SetIdentity {
	d.Version(3, 1)
	p := &SetIdentity{NetUID: decodeNetUID(d)}
	p.Identity.decode(d)
	return p
}

// LoadIdentity reads what a subnet says of itself, nil when it says nothing.
func LoadIdentity(v View, n NetUID) (*Identity, error) { return ptr[Identity](v, identityKey(n)) }

// LoadAccountIdentity reads what an account says of itself.
func LoadAccountIdentity(v View, c Coldkey) (*Identity, error) {
	return ptr[Identity](v, accountIdentityKey(c))
}

func applySetIdentity(s *state, t *Tx, p *SetIdentity, h Height) error {
	k := accountIdentityKey(t.Account)
	if p.NetUID != 0 {
		if _, err := ownSubnet(s, t, p.NetUID); err != nil {
			return err
		}
		if err := limited(s, p.NetUID, "identity", h, identityRate); err != nil {
			return err
		}
		k = identityKey(p.NetUID)
	}
	if p.Identity == (Identity{}) {
		s.delete(k)
	} else {
		store(s, k, p.Identity)
	}
	s.emit(Event{Kind: "identity_set", NetUID: p.NetUID, Hotkey: t.Account})
	return s.err
}
