package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Account holds what a coldkey owns freely.
type Account struct {
	Balance unit.TAO
	Nonce   uint64 // of the next transaction
}

func (a *Account) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	return cbor.AppendUint(cbor.AppendUint(b, uint64(a.Balance)), a.Nonce)
}

func (a *Account) decode(d *cbor.Decoder) {
	d.Version(3, 1)
	a.Balance, a.Nonce = unit.TAO(d.Uint()), d.Uint()
}

// accountSize is the size of the longest record of an account.
const accountSize = 20

func decodeAccount(b []byte) (a Account, err error) {
	d := cbor.NewDecoder(b)
	a.decode(d)
	return a, d.End()
}

// Totals are the sums over the whole chain that the invariants compare with.
type Totals struct {
	Height Height
	Issued unit.TAO // ever; never falls
	Burned unit.TAO // ever
	Free   unit.TAO // Σ balances
	Pooled unit.TAO // Σ reserves of the subnets' pools
	Root   unit.TAO // Σ stake on the root network
	Held   unit.TAO // Σ proceeds of root's alpha, kept until the next step, and deposits of proposals
	Queued unit.TAO // Σ root stake that waits in the unbonding queue
}

func (t *Totals) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 9), 1)
	for _, v := range []uint64{t.Height, uint64(t.Issued), uint64(t.Burned), uint64(t.Free), uint64(t.Pooled), uint64(t.Root),
		uint64(t.Held), uint64(t.Queued)} {
		b = cbor.AppendUint(b, v)
	}
	return b
}

func (t *Totals) decode(d *cbor.Decoder) {
	d.Version(9, 1)
	t.Height = d.Uint()
	for _, v := range []*unit.TAO{&t.Issued, &t.Burned, &t.Free, &t.Pooled, &t.Root, &t.Held, &t.Queued} {
		*v = unit.TAO(d.Uint())
	}
}

// Clock is where a subnet stands in time.
type Clock struct {
	Epoch  Epoch    // the running epoch
	First  Height   // its first block, F
	Step   Height   // block of the last step, 0 for none
	Origin Epoch    // the subnet's first epoch; those before belonged to another of its netuid
	Record [32]byte // hash of the last epoch record
}

func (c *Clock) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 6), 1)
	for _, v := range []uint64{c.Epoch, c.First, c.Step, c.Origin} {
		b = cbor.AppendUint(b, v)
	}
	return cbor.AppendBytes(b, c.Record[:])
}

func (c *Clock) decode(d *cbor.Decoder) {
	d.Version(6, 1)
	c.Epoch, c.First, c.Step, c.Origin, c.Record = d.Uint(), d.Uint(), d.Uint(), d.Uint(), d.Hash()
}

// Market is the money of a subnet.
type Market struct {
	TAO      unit.TAO   // reserve of the pool
	Alpha    unit.Alpha // reserve of the pool
	Issued   unit.Alpha // ever; never falls
	Burned   unit.Alpha // ever
	Protocol unit.Alpha // bought by the chain and kept
	Staked   unit.Alpha // Σ hotkey pools
	Pending  unit.Alpha // Σ pending of all epochs, and what root has not sold yet
	Price    uint64     // moving average of the price, TAO per alpha over 2^32
	Withheld uint64     // part of the last step's miner emission that went to nobody, over 2^32
	Burn     unit.TAO   // price of a registration
	Neurons  uint16     // uids in use
}

func (m *Market) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 12), 1)
	for _, v := range []uint64{uint64(m.TAO), uint64(m.Alpha), uint64(m.Issued), uint64(m.Burned), uint64(m.Protocol),
		uint64(m.Staked), uint64(m.Pending), m.Price, m.Withheld, uint64(m.Burn), uint64(m.Neurons)} {
		b = cbor.AppendUint(b, v)
	}
	return b
}

func (m *Market) decode(d *cbor.Decoder) {
	d.Version(12, 1)
	m.TAO = unit.TAO(d.Uint())
	for _, v := range []*unit.Alpha{&m.Alpha, &m.Issued, &m.Burned, &m.Protocol, &m.Staked, &m.Pending} {
		*v = unit.Alpha(d.Uint())
	}
	m.Price, m.Withheld, m.Burn, m.Neurons = d.UintMax(1<<62), d.UintMax(1<<32), unit.TAO(d.Uint()), uint16(d.UintMax(65535))
}

// Pending is the alpha set aside for an epoch until its step.
type Pending struct {
	Owner     unit.Alpha
	Server    unit.Alpha // for the miners
	Validator unit.Alpha
	Root      unit.Alpha // for those who stake on root
}

func (p *Pending) sum() unit.Alpha { return p.Owner + p.Server + p.Validator + p.Root }

func (p *Pending) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 5), 1)
	for _, v := range []unit.Alpha{p.Owner, p.Server, p.Validator, p.Root} {
		b = cbor.AppendUint(b, uint64(v))
	}
	return b
}

func (p *Pending) decode(d *cbor.Decoder) {
	d.Version(5, 1)
	for _, v := range []*unit.Alpha{&p.Owner, &p.Server, &p.Validator, &p.Root} {
		*v = unit.Alpha(d.Uint())
	}
}

// Neuron is a hotkey's place in a subnet, with what the last step found.
type Neuron struct {
	Hotkey     Hotkey
	Registered Height
	LastUpdate Height // of its weights: block of the last commit whose reveal held
	Work       key.Work
	Consensus  uint16 // over 65,535, like the following
	Incentive  uint16
	Dividends  uint16
	Trust      uint16     // as a validator
	Emission   unit.Alpha // paid by the last step
	Earned     unit.Alpha // paid by all steps
	Reset      bool       // asks the next step to drop the bonds toward it
}

func (n *Neuron) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 14), 1)
	b = cbor.AppendBytes(b, n.Hotkey[:])
	b = cbor.AppendUint(cbor.AppendUint(b, n.Registered), n.LastUpdate)
	b = n.Work.Append(b)
	for _, v := range []uint64{uint64(n.Consensus), uint64(n.Incentive), uint64(n.Dividends), uint64(n.Trust),
		uint64(n.Emission), uint64(n.Earned)} {
		b = cbor.AppendUint(b, v)
	}
	return cbor.AppendBool(b, n.Reset)
}

func (n *Neuron) decode(d *cbor.Decoder) {
	d.Version(14, 1)
	n.Hotkey, n.Registered, n.LastUpdate, n.Work = d.Hash(), d.Uint(), d.Uint(), key.DecodeWork(d)
	for _, v := range []*uint16{&n.Consensus, &n.Incentive, &n.Dividends, &n.Trust} {
		*v = uint16(d.UintMax(65535))
	}
	n.Emission, n.Earned, n.Reset = unit.Alpha(d.Uint()), unit.Alpha(d.Uint()), d.Bool()
}

// Committed is a commitment as the chain keeps it.
type Committed struct {
	Commitment [32]byte
	Evidence   [32]byte // root of the evidence bundle
	Height     Height
}

func (c *Committed) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 4), 1)
	b = cbor.AppendBytes(cbor.AppendBytes(b, c.Commitment[:]), c.Evidence[:])
	return cbor.AppendUint(b, c.Height)
}

func (c *Committed) decode(d *cbor.Decoder) {
	d.Version(4, 1)
	c.Commitment, c.Evidence, c.Height = d.Hash(), d.Hash(), d.Uint()
}

// Carry is the hash of what a validator's module last remembered.
type Carry struct {
	Hash   [32]byte
	Epoch  Epoch
	Module [32]byte
}

func (c *Carry) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 4), 1)
	b = cbor.AppendUint(cbor.AppendBytes(b, c.Hash[:]), c.Epoch)
	return cbor.AppendBytes(b, c.Module[:])
}

func (c *Carry) decode(d *cbor.Decoder) {
	d.Version(4, 1)
	c.Hash, c.Epoch, c.Module = d.Hash(), d.Uint(), d.Hash()
}
