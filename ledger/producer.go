package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Bounds of who produces blocks.
const (
	MaxProducers  = 100 // in the set, whatever the parameter says
	maxCandidates = 256 // that may be elected
	maxSet        = 2 * MaxProducers
)

// Producer is a hotkey with a key that signs votes. It is kept for ever under
// its consensus address: a key is used once, and a double vote is traced to the
// hotkey that is liable for it.
type Producer struct {
	Hotkey     Hotkey
	Coldkey    Coldkey // gets its part of the fees
	Consensus  key.ID  // ed25519 key that signs votes, unique for ever
	VRF        key.ID  // key of its entries
	Power      uint64  // voting power that consensus was last told; 0 outside of the set
	Jailed     Height  // first block at which it may ask to be let out; 0 when it is not jailed
	Tombstoned bool    // it voted twice, and is never elected again
	Withdrawn  bool    // it asked not to be elected
}

// Address is how consensus names the producer.
func (p *Producer) Address() Address {
	h := sha256.Sum256(p.Consensus[:])
	return Address(h[:20])
}

func (p *Producer) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 9), 1)
	for _, k := range []key.ID{p.Hotkey, p.Coldkey, p.Consensus, p.VRF} {
		b = cbor.AppendBytes(b, k[:])
	}
	b = cbor.AppendUint(cbor.AppendUint(b, p.Power), p.Jailed)
	return cbor.AppendBool(cbor.AppendBool(b, p.Tombstoned), p.Withdrawn)
}

func (p *Producer) decode(d *cbor.Decoder) {
	d.Version(9, 1)
	p.Hotkey, p.Coldkey, p.Consensus, p.VRF = d.Hash(), d.Hash(), d.Hash(), d.Hash()
	p.Power, p.Jailed = d.Uint(), d.Uint()
	p.Tombstoned, p.Withdrawn = d.Bool(), d.Bool()
}

// addresses is a list of consensus addresses.
type addresses []Address

func (l *addresses) append(b []byte) []byte {
	b = cbor.AppendArray(b, len(*l))
	for i := range *l {
		b = cbor.AppendBytes(b, (*l)[i][:])
	}
	return b
}

func (l *addresses) decode(d *cbor.Decoder) {
	for range d.ArrayMax(max(maxSet, maxCandidates)) {
		var a Address
		d.Fixed(a[:])
		*l = append(*l, a)
	}
}

func (l addresses) sorted() addresses {
	out := slices.Clone(l)
	slices.SortFunc(out, func(a, b Address) int { return slices.Compare(a[:], b[:]) })
	return out
}

// pointer is a consensus address as a value of its own.
type pointer Address

func (p *pointer) append(b []byte) []byte { return cbor.AppendBytes(b, p[:]) }
func (p *pointer) decode(d *cbor.Decoder) { d.Fixed(p[:]) }

// Producers lists the set of producers that consensus was told of, rising by
// consensus key.
func Producers(v View) ([]Producer, error) { return loadProducers(v, prefixProducers) }

// Candidates lists who may be elected, by consensus address.
func Candidates(v View) ([]Producer, error) { return loadProducers(v, prefixCandidates) }

func loadProducers(v View, list string) ([]Producer, error) {
	all, _, err := load[addresses](v, []byte(list))
	if err != nil {
		return nil, err
	}
	out := make([]Producer, len(all))
	for i, a := range all {
		p, ok, err := load[Producer](v, producerKey(a))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, broken("producer %x is missing", a)
		}
		out[i] = p
	}
	return out, nil
}

// LoadProducer reads a producer by its consensus address, nil when there never
// was one.
func LoadProducer(v View, a Address) (*Producer, error) { return ptr[Producer](v, producerKey(a)) }

// LoadCandidate reads a hotkey's last announcement, nil when there never was
// one. See its Withdrawn and Tombstoned for whether it may be elected.
func LoadCandidate(v View, h Hotkey) (*Producer, error) {
	a, ok, err := load[pointer](v, candidateKey(h))
	if err != nil || !ok {
		return nil, err
	}
	return LoadProducer(v, Address(a))
}

// AnnounceProducer offers a hotkey of the signing coldkey for election, with
// the key that will sign its votes: [1, hotkey, consensus key, vrf key,
// consensus proof, vrf proof]. A hotkey that nobody owns becomes the signer's.
type AnnounceProducer struct {
	Hotkey         Hotkey
	Consensus      key.ID
	VRF            key.ID
	ConsensusProof key.Signature
	VRFProof       key.Proof
}

// NewAnnounceProducer makes the announcement of its secrets.
func NewAnnounceProducer(hot, consensus key.Seed) *AnnounceProducer {
	g := NewGenesisProducer(hot, Coldkey{}, consensus, 0)
	return &AnnounceProducer{Hotkey: g.Hotkey, Consensus: g.Consensus, VRF: g.VRF, ConsensusProof: g.ConsensusProof, VRFProof: g.VRFProof}
}

func (*AnnounceProducer) kind() Kind { return KindAnnounceProducer }

func (p *AnnounceProducer) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 6), 1)
	for _, k := range []key.ID{p.Hotkey, p.Consensus, p.VRF} {
		b = cbor.AppendBytes(b, k[:])
	}
	return cbor.AppendBytes(cbor.AppendBytes(b, p.ConsensusProof[:]), p.VRFProof[:])
}

func decodeAnnounceProducer(d *cbor.Decoder) *AnnounceProducer {
	d.Version(6, 1)
	p := &AnnounceProducer{Hotkey: d.Hash(), Consensus: d.Hash(), VRF: d.Hash()}
	d.Fixed(p.ConsensusProof[:])
	d.Fixed(p.VRFProof[:])
	return p
}

// possesses reports whether the keys' holder agreed to work for the hotkey.
func possesses(hot Hotkey, consensus, vrf key.ID, sig key.Signature, proof key.Proof) error {
	if _, err := vrf.VerifyVRF(producerAlpha(hot), proof); err != nil {
		return err
	}
	return consensus.Verify("possession-consensus", hot[:], sig)
}

func applyAnnounceProducer(s *state, t *Tx, p *AnnounceProducer) error {
	if err := gone(s, p.Hotkey); err != nil {
		return err
	}
	if o := owner(s, p.Hotkey); o != (Coldkey{}) && o != t.Account {
		return reject(CodeOwner, "%s belongs to %s", p.Hotkey, o)
	}
	if err := possesses(p.Hotkey, p.Consensus, p.VRF, p.ConsensusProof, p.VRFProof); err != nil {
		return reject(CodePossession, "%v", err)
	}
	now := Producer{Hotkey: p.Hotkey, Coldkey: t.Account, Consensus: p.Consensus, VRF: p.VRF}
	addr := now.Address()
	if s.has(producerKey(addr)) {
		return reject(CodeConsensusKey, "%s: a consensus key is used once, by one hotkey", p.Consensus)
	}
	prev, err := LoadCandidate(s, p.Hotkey)
	if err != nil {
		return err
	}
	if prev != nil {
		switch {
		case prev.Tombstoned:
			return reject(CodeTombstoned, "%s has voted twice", p.Hotkey)
		case !prev.Withdrawn:
			return reject(CodeCandidate, "%s is announced with the consensus key %s: withdraw it first", p.Hotkey, prev.Consensus)
		}
		now.Jailed = prev.Jailed // a new key does not open the jail
	}
	setOwner(s, p.Hotkey, t.Account)
	store(s, producerKey(addr), now)
	store(s, candidateKey(p.Hotkey), pointer(addr))
	if err := addCandidate(s, now); err != nil {
		return err
	}
	s.emit(Event{Kind: "producer announced", Hotkey: p.Hotkey})
	return nil
}

// addCandidate puts a producer on the list. On a full one it takes the place of
// the candidate with the least stake, if it has more.
func addCandidate(s *state, p Producer) error {
	list, err := Candidates(s)
	if err != nil {
		return err
	}
	if len(list) >= maxCandidates {
		least, at := ^uint64(0), -1
		for i := range list {
			if st := rootStake(s, list[i].Hotkey); list[i].Power == 0 && st < least {
				least, at = st, i
			}
		}
		if at < 0 || rootStake(s, p.Hotkey) <= least {
			return reject(CodeCandidates, "all %d places are taken: more than %s behind the hotkey takes one", maxCandidates, unit.TAO(least))
		}
		out := list[at]
		out.Withdrawn = true
		store(s, producerKey(out.Address()), out)
		list = slices.Delete(list, at, at+1)
		s.emit(Event{Kind: "producer withdrawn", Hotkey: out.Hotkey})
	}
	storeCandidates(s, append(list, p))
	return nil
}

func storeCandidates(s *state, list []Producer) {
	all := make(addresses, len(list))
	for i := range list {
		all[i] = list[i].Address()
	}
	store(s, []byte(prefixCandidates), all.sorted())
}

// dropCandidate takes a producer off the list.
func dropCandidate(s *state, a Address) {
	all, _ := fetch[addresses](s, []byte(prefixCandidates))
	store(s, []byte(prefixCandidates), slices.DeleteFunc(all, func(x Address) bool { return x == a }))
}

// WithdrawProducer takes a hotkey out of the next elections: [1, hotkey]. Its
// stake stays liable for what it signed.
type WithdrawProducer struct{ Hotkey Hotkey }

func (*WithdrawProducer) kind() Kind { return KindWithdrawProducer }

func (p *WithdrawProducer) append(b []byte) []byte {
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 2), 1), p.Hotkey[:])
}

func decodeWithdrawProducer(d *cbor.Decoder) *WithdrawProducer {
	d.Version(2, 1)
	return &WithdrawProducer{Hotkey: d.Hash()}
}

// candidate reads the live announcement of a hotkey of the signer.
func candidate(s *state, t *Tx, h Hotkey) (*Producer, error) {
	if o := owner(s, h); o != t.Account {
		return nil, reject(CodeOwner, "%s does not belong to %s", h, t.Account)
	}
	p, err := LoadCandidate(s, h)
	switch {
	case err != nil:
		return nil, err
	case p == nil || p.Withdrawn && !p.Tombstoned:
		return nil, reject(CodeCandidate, "%s is not announced as a producer", h)
	case p.Tombstoned:
		return nil, reject(CodeTombstoned, "%s has voted twice", h)
	}
	return p, nil
}

func applyWithdrawProducer(s *state, t *Tx, p *WithdrawProducer) error {
	c, err := candidate(s, t, p.Hotkey)
	if err != nil {
		return err
	}
	c.Withdrawn = true
	store(s, producerKey(c.Address()), *c)
	dropCandidate(s, c.Address())
	s.emit(Event{Kind: "producer withdrawn", Hotkey: p.Hotkey})
	return nil
}

// Unjail lets a jailed producer be elected again, when its time is over:
// [1, hotkey].
type Unjail struct{ Hotkey Hotkey }

func (*Unjail) kind() Kind { return KindUnjail }

func (p *Unjail) append(b []byte) []byte {
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 2), 1), p.Hotkey[:])
}

func decodeUnjail(d *cbor.Decoder) *Unjail {
	d.Version(2, 1)
	return &Unjail{Hotkey: d.Hash()}
}

func applyUnjail(s *state, t *Tx, p *Unjail, h Height) error {
	c, err := candidate(s, t, p.Hotkey)
	switch {
	case err != nil:
		return err
	case c.Jailed == 0:
		return reject(CodeJailed, "%s is not jailed", p.Hotkey)
	case h < c.Jailed:
		return reject(CodeJailed, "allowed at block %d, this is block %d", c.Jailed, h)
	}
	c.Jailed = 0
	store(s, producerKey(c.Address()), *c)
	s.emit(Event{Kind: "unjailed", Hotkey: p.Hotkey})
	return nil
}

// rootStake is the stake behind a hotkey on the root network, in rao.
func rootStake(s *state, h Hotkey) uint64 {
	p, _ := fetch[HotkeyPool](s, hotkeyPoolKey(0, h))
	return uint64(p.Value)
}

// elected stands for "as long as it is in the set" among heights.
const elected = ^uint64(0)

// bondedUntil is the last height at which root stake behind a hotkey must queue
// before it is free, 0 for never.
func bondedUntil(s *state, h Hotkey) Height {
	b, _ := s.Get(bondedKey(h))
	if b == nil {
		return 0
	}
	if len(b) != 8 {
		s.fail(broken("bond of %s has %d bytes", h, len(b)))
		return elected
	}
	return binary.BigEndian.Uint64(b)
}
