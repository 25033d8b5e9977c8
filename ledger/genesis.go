package ledger

import (
	"errors"
	"fmt"
	"sort"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// MaxGenesis bounds the encoding of a genesis.
const MaxGenesis = 4 << 20

// GenesisProducer is a producer at the start, with root stake and with proofs
// that it holds its keys.
type GenesisProducer struct {
	Producer
	Stake          unit.TAO // root stake of Coldkey behind Hotkey
	VRFProof       key.Proof
	ConsensusProof key.Signature
}

// NewGenesisProducer makes a producer of its secrets; power follows from stake.
func NewGenesisProducer(hot key.Seed, cold Coldkey, consensus key.Seed, stake unit.TAO) GenesisProducer {
	h := hot.Public()
	g := GenesisProducer{Stake: stake, Producer: Producer{Hotkey: h, Coldkey: cold, Consensus: consensus.Public(),
		VRF: hot.VRF().Public(), Power: uint64(stake) / uint64(unit.Coin)}}
	g.VRFProof, _ = hot.VRF().Prove(producerAlpha(h))
	g.ConsensusProof = consensus.Sign("possession-consensus", h[:])
	return g
}

func producerAlpha(h Hotkey) []byte {
	a := key.Hash("possession-producer-vrf", h[:])
	return a[:]
}

// Allocation gives an account its balance at the start.
type Allocation struct {
	Account key.ID
	Balance unit.TAO
}

// GenesisSubnet is a subnet that runs from the first block.
type GenesisSubnet struct {
	NetUID NetUID
	Lock   unit.TAO // reserve of its pool, against as much alpha at price 1
	Subnet
}

// Genesis is the agreed start of a chain. Everything that differs between two
// networks is in it, and its hash names the network.
type Genesis struct {
	ChainID   string
	Time      int64 // Unix milliseconds
	Params    Params
	Accounts  []Allocation      // rising by account
	Producers []GenesisProducer // rising by consensus key
	Subnets   []GenesisSubnet   // rising by netuid
}

// ErrGenesis is returned for a genesis that breaks a rule.
var ErrGenesis = errors.New("ledger: genesis")

// Encode returns the canonical encoding.
func (g *Genesis) Encode() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 7), 1)
	b = cbor.AppendText(b, g.ChainID)
	b = cbor.AppendUint(b, uint64(g.Time))
	b = g.Params.append(b)
	b = cbor.AppendArray(b, len(g.Accounts))
	for _, a := range g.Accounts {
		b = cbor.AppendBytes(cbor.AppendArray(b, 2), a.Account[:])
		b = cbor.AppendUint(b, uint64(a.Balance))
	}
	b = cbor.AppendArray(b, len(g.Producers))
	for _, p := range g.Producers {
		b = p.append(cbor.AppendArray(b, 4))
		b = cbor.AppendUint(b, uint64(p.Stake))
		b = cbor.AppendBytes(cbor.AppendBytes(b, p.VRFProof[:]), p.ConsensusProof[:])
	}
	b = cbor.AppendArray(b, len(g.Subnets))
	for _, n := range g.Subnets {
		b = cbor.AppendUint(cbor.AppendArray(b, 3), uint64(n.NetUID))
		b = n.Subnet.append(cbor.AppendUint(b, uint64(n.Lock)))
	}
	return b
}

// DecodeGenesis reads and checks a genesis: ErrGenesis names what is wrong.
func DecodeGenesis(b []byte) (*Genesis, error) {
	if len(b) > MaxGenesis {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrGenesis, len(b), MaxGenesis)
	}
	g := &Genesis{}
	d := cbor.NewDecoder(b)
	d.Version(7, 1)
	g.ChainID = d.Text(MaxChainID)
	g.Time = int64(d.UintMax(1 << 62))
	g.Params.decode(d)
	for range d.ArrayMax(1 << 16) {
		d.Array(2)
		g.Accounts = append(g.Accounts, Allocation{d.Hash(), unit.TAO(d.Uint())})
	}
	for range d.ArrayMax(MaxProducers) {
		d.Array(4)
		var p GenesisProducer
		p.decode(d)
		p.Stake = unit.TAO(d.Uint())
		d.Fixed(p.VRFProof[:])
		d.Fixed(p.ConsensusProof[:])
		g.Producers = append(g.Producers, p)
	}
	for range d.ArrayMax(maxSubnets) {
		d.Array(3)
		n := GenesisSubnet{NetUID: NetUID(d.UintMax(65535)), Lock: unit.TAO(d.Uint())}
		n.Subnet.decode(d)
		g.Subnets = append(g.Subnets, n)
	}
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGenesis, err)
	}
	return g, g.Validate()
}

// Hash names the network.
func (g *Genesis) Hash() [32]byte { return key.Hash("genesis", g.Encode()) }

// Validate reports the first rule that the genesis breaks.
func (g *Genesis) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrGenesis, fmt.Sprintf(format, args...))
	}
	if g.ChainID == "" || len(g.ChainID) > MaxChainID {
		return bad("chain id %q: 1 to %d bytes", g.ChainID, MaxChainID)
	}
	if err := g.Params.Validate(); err != nil {
		return bad("%v", err)
	}
	if len(g.Producers) == 0 || len(g.Producers) > MaxProducers {
		return bad("%d producers: 1 to %d", len(g.Producers), MaxProducers)
	}
	if !sort.SliceIsSorted(g.Accounts, func(i, j int) bool { return less(g.Accounts[i].Account, g.Accounts[j].Account) }) {
		return bad("accounts are not in rising order")
	}
	for i := range g.Producers {
		p := &g.Producers[i]
		if i > 0 && !less(g.Producers[i-1].Consensus, p.Consensus) {
			return bad("producers are not in rising order of their consensus keys")
		}
		if p.Power == 0 || p.Power > 1<<40 {
			return bad("producer %s: power %d", p.Hotkey, p.Power)
		}
		if p.Jailed != 0 || p.Tombstoned || p.Withdrawn {
			return bad("producer %s: is out of the set of producers already", p.Hotkey)
		}
		for _, other := range g.Producers[:i] {
			if other.Hotkey == p.Hotkey {
				return bad("producer %s: has two consensus keys", p.Hotkey)
			}
		}
		if _, err := p.VRF.VerifyVRF(producerAlpha(p.Hotkey), p.VRFProof); err != nil {
			return bad("producer %s: %v", p.Hotkey, err)
		}
		if err := p.Consensus.Verify("possession-consensus", p.Hotkey[:], p.ConsensusProof); err != nil {
			return bad("producer %s: consensus key: %v", p.Hotkey, err)
		}
	}
	for i := range g.Subnets {
		n := &g.Subnets[i]
		if n.NetUID == 0 || n.NetUID > maxNetUID || i > 0 && n.NetUID <= g.Subnets[i-1].NetUID {
			return bad("netuid %d: subnets rise from 1 to %d", n.NetUID, maxNetUID)
		}
		if err := n.validate(); err != nil {
			return bad("netuid %d: %v", n.NetUID, err)
		}
		if n.Lock < unit.Coin || n.Lock > MaxTAO {
			return bad("netuid %d: lock %s: at least 1 TAO", n.NetUID, n.Lock)
		}
		if n.Started != 1 || n.Created != 0 || n.Next != (Upgrade{}) {
			return bad("netuid %d: created at %d, starts at block %d: a subnet of the genesis starts at block 1 with its module", n.NetUID, n.Created, n.Started)
		}
	}
	if len(g.Subnets) > int(g.Params.SubnetLimit) {
		return bad("%d subnets: at most %d", len(g.Subnets), g.Params.SubnetLimit)
	}
	if _, err := g.issued(); err != nil {
		return err
	}
	return nil
}

func less(a, b [32]byte) bool { return string(a[:]) < string(b[:]) }

// issued sums the allocations, which count as issued TAO.
func (g *Genesis) issued() (unit.TAO, error) {
	var sum unit.TAO
	ok := true
	add := func(v unit.TAO) {
		var o bool
		sum, o = sum.Add(v)
		ok = ok && o
	}
	for _, a := range g.Accounts {
		add(a.Balance)
	}
	for _, p := range g.Producers {
		add(p.Stake)
	}
	for _, n := range g.Subnets {
		add(n.Lock)
	}
	if !ok || sum > MaxTAO {
		return 0, fmt.Errorf("%w: allocations above the cap of %s", ErrGenesis, MaxTAO)
	}
	return sum, nil
}

// MaxTAO is the most TAO that can ever be issued.
const MaxTAO = unit.TAO(21_000_000_000_000_000)

// Writes returns the state of height 0.
func (g *Genesis) Writes() ([]Write, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	issued, err := g.issued()
	if err != nil {
		return nil, err
	}
	s := newState(empty{})
	s.set([]byte(prefixChain), []byte(g.ChainID))
	r := key.Hash("random-genesis", g.Encode())
	s.set([]byte(prefixRandom), r[:])
	store(s, []byte(prefixParams), g.Params)
	t := Totals{Issued: issued}
	for _, a := range g.Accounts {
		s.setAccount(a.Account, Account{Balance: a.Balance})
		t.Free += a.Balance
	}
	var set addresses
	for i := range g.Producers {
		p := &g.Producers[i]
		addr := p.Address()
		set = append(set, addr)
		store(s, producerKey(addr), p.Producer)
		store(s, candidateKey(p.Hotkey), pointer(addr))
		s.set(bondedKey(p.Hotkey), be64(elected))
		setOwner(s, p.Hotkey, p.Coldkey)
		if err := deposit(s, 0, p.Hotkey, p.Coldkey, uint64(p.Stake)); err != nil {
			return nil, fmt.Errorf("%w: producer %s: stake %s: %v", ErrGenesis, p.Hotkey, p.Stake, err)
		}
		t.Root += p.Stake
	}
	store(s, []byte(prefixProducers), set)
	store(s, []byte(prefixCandidates), set.sorted())
	nets := cbor.AppendArray(nil, len(g.Subnets))
	for i := range g.Subnets {
		n := &g.Subnets[i]
		nets = cbor.AppendUint(nets, uint64(n.NetUID))
		setOwner(s, n.OwnerHotkey, n.Owner)
		store(s, subnetKey(n.NetUID), n.Subnet)
		store(s, clockKey(n.NetUID), Clock{First: n.Started})
		store(s, marketKey(n.NetUID), Market{TAO: n.Lock, Alpha: unit.Alpha(n.Lock), Issued: unit.Alpha(n.Lock),
			Burn: max(n.Params.MinBurn, min(unit.Coin, n.Params.MaxBurn))})
		t.Pooled += n.Lock
	}
	s.set([]byte(prefixSubnets), nets)
	store(s, []byte(prefixTotals), t)
	if s.err != nil {
		return nil, s.err
	}
	return s.writes(s.changes()), nil
}

// empty is the view before the genesis.
type empty struct{}

func (empty) Get([]byte) ([]byte, error) { return nil, nil }

// Subnets lists the netuids in v, rising.
func Subnets(v View) ([]NetUID, error) {
	b, err := v.Get([]byte(prefixSubnets))
	if err != nil {
		return nil, err
	}
	d := cbor.NewDecoder(b)
	var out []NetUID
	for range d.ArrayMax(1 << 12) {
		out = append(out, NetUID(d.UintMax(65535)))
	}
	if err := d.End(); err != nil {
		return nil, broken("list of subnets: %v", err)
	}
	return out, nil
}
