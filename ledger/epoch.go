package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// Epoch e of a subnet is the blocks F..L; the next begins at L+1, counted from
// the block in which the step really ran. Within F..L its rounds run. In the
// first C blocks of epoch e+1 its weights are committed, in the rest of e+1
// they are revealed and the evidence is served, and at L of epoch e+1+D the
// step runs Yuma for e and pays what was set aside for it. D is 0 until
// disputes exist.

// keepEpochs is how long rosters, commitments, rows and slots stay in the state
// after their epoch. Epoch records stay for ever.
const keepEpochs = 16

// CarryEpochs is the age beyond which a validator may start from the empty
// carry again.
const CarryEpochs = 8

// EpochRecord fixes, at the first block of an epoch, everything that its tasks
// and scores depend on. It is never pruned, and names the record before it.
type EpochRecord struct {
	Epoch    Epoch
	First    Height   // F
	Seed     [32]byte // S
	Module   [32]byte
	Meter    uint64
	ABI      uint64
	Params   [32]byte // hash of the subnet's parameters
	Data     DataSet
	Window   uint64   // first data slice that the epoch's tasks may draw, see DataSet.Draw
	Next     Upgrade  // the module that is announced to follow, zero for none
	Artifact [32]byte // that the subnet's miners build together; zero for none
	Roster   [32]byte // Roster.Root
	Members  uint64   // length of the roster
	Previous [32]byte // hash of the previous record, zero for the first
}

func (r *EpochRecord) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 15), 2)
	b = cbor.AppendUint(cbor.AppendUint(b, r.Epoch), r.First)
	b = cbor.AppendBytes(cbor.AppendBytes(b, r.Seed[:]), r.Module[:])
	b = cbor.AppendUint(cbor.AppendUint(b, r.Meter), r.ABI)
	b = r.Data.append(cbor.AppendBytes(b, r.Params[:]))
	b = r.Next.append(cbor.AppendUint(b, r.Window))
	b = cbor.AppendBytes(cbor.AppendBytes(b, r.Artifact[:]), r.Roster[:])
	return cbor.AppendBytes(cbor.AppendUint(b, r.Members), r.Previous[:])
}

func (r *EpochRecord) decode(d *cbor.Decoder) {
	d.Version(15, 2)
	r.Epoch, r.First, r.Seed, r.Module, r.Meter, r.ABI, r.Params = d.Uint(), d.Uint(), d.Hash(), d.Hash(), d.Uint(), d.Uint(), d.Hash()
	r.Data.decode(d)
	r.Window = d.Uint()
	r.Next.decode(d)
	r.Artifact, r.Roster, r.Members, r.Previous = d.Hash(), d.Hash(), d.UintMax(MaxRoster), d.Hash()
}

// Hash names the record in the next one.
func (r *EpochRecord) Hash() [32]byte { return key.Hash("epoch-record", r.append(nil)) }

// LoadRecord reads an epoch record, nil when the epoch has not begun.
func LoadRecord(v View, n NetUID, e Epoch) (*EpochRecord, error) {
	r, ok, err := load[EpochRecord](v, recordKey(n, e))
	if err != nil || !ok {
		return nil, err
	}
	return &r, nil
}

// LoadParams reads a subnet's parameters by the hash in an epoch record: they
// stay in the state for ever, so that any epoch can be replayed.
func LoadParams(v View, hash [32]byte) (*SubnetParams, error) {
	return ptr[SubnetParams](v, paramSetKey(hash))
}

// LoadSubnet, LoadClock, LoadMarket, LoadAccount and LoadCommitted read one
// record each; they return nil when there is none.
func LoadSubnet(v View, n NetUID) (*Subnet, error) { return ptr[Subnet](v, subnetKey(n)) }

// LoadClock reads where a subnet stands in time.
func LoadClock(v View, n NetUID) (*Clock, error) { return ptr[Clock](v, clockKey(n)) }

// LoadMarket reads a subnet's money.
func LoadMarket(v View, n NetUID) (*Market, error) { return ptr[Market](v, marketKey(n)) }

// LoadAccount reads an account; one that was never used is all zero.
func LoadAccount(v View, id key.ID) (Account, error) {
	a, _, err := load[Account](v, accountKey(id))
	return a, err
}

// LoadTotals reads the sums of the whole chain.
func LoadTotals(v View) (*Totals, error) { return ptr[Totals](v, []byte(prefixTotals)) }

// LoadCommitted reads a validator's commitment for an epoch.
func LoadCommitted(v View, n NetUID, e Epoch, h Hotkey) (*Committed, error) {
	return ptr[Committed](v, commitKey(n, e, h))
}

// LoadReveal reads a validator's opening for an epoch.
func LoadReveal(v View, n NetUID, e Epoch, h Hotkey) (*Opening, error) {
	b, err := v.Get(revealKey(n, e, h))
	if err != nil || b == nil {
		return nil, err
	}
	o, err := DecodeOpening(b)
	if err != nil {
		return nil, broken("reveal of %s: %v", h, err)
	}
	return &o, nil
}

// LoadCarry reads the carry hash that a validator's next ranking starts from:
// zero when it starts afresh, because there is none, the module changed, or it
// is older than CarryEpochs.
func LoadCarry(v View, n NetUID, e Epoch, h Hotkey) ([32]byte, error) {
	return loadCarry(v, n, 0, e, h)
}

func loadCarry(v View, n NetUID, m uint8, e Epoch, h Hotkey) ([32]byte, error) {
	h, err := CurrentHotkey(v, h)
	if err != nil {
		return [32]byte{}, err
	}
	c, ok, err := load[Carry](v, carryKey(n.Mechanism(m), h))
	if err != nil || !ok || e > c.Epoch+CarryEpochs {
		return [32]byte{}, err
	}
	rec, err := LoadRecord(v, n, e)
	if err != nil || rec == nil || rec.Module != c.Module {
		return [32]byte{}, err
	}
	return c.Hash, nil
}

func ptr[T any, P record[T]](v View, k []byte) (*T, error) {
	t, ok, err := load[T, P](v, k)
	if err != nil || !ok {
		return nil, err
	}
	return &t, nil
}

// openEpoch writes the record and the roster of the epoch that begins with this
// block, from the state before it.
func openEpoch(s *state, n NetUID, h Height, chainID string, r [32]byte) {
	sub, clock := need[Subnet](s, subnetKey(n)), need[Clock](s, clockKey(n))
	adopt(s, n, &sub, clock.Epoch)
	if err := births(s, n, h); err != nil {
		s.fail(err)
	}
	roster := freeze(s, n, &sub)
	for i := range roster.pages() {
		s.set(rosterKey(n, clock.Epoch, uint16(i)), roster.page(i))
	}
	rec := EpochRecord{Epoch: clock.Epoch, First: h, Seed: EpochSeed(chainID, n, clock.Epoch, r), Module: sub.Module,
		Meter: sub.Meter, ABI: sub.ABI, Params: sub.Params.Hash(), Data: sub.Data, Next: sub.Next, Artifact: artifactOf(s, n, sub.Module), Roster: roster.Root(),
		Members: uint64(len(roster)), Previous: clock.Record}
	rec.Window, _ = sub.Data.Draw(clock.Epoch)
	store(s, recordKey(n, clock.Epoch), rec)
	if kept, _ := s.Get(paramSetKey(rec.Params)); kept == nil {
		store(s, paramSetKey(rec.Params), sub.Params)
	}
	clock.Record = rec.Hash()
	store(s, clockKey(n), clock)
	if clock.Epoch >= clock.Origin+keepEpochs {
		pruneEpoch(s, n, clock.Epoch-keepEpochs)
	}
}

// pruneEpoch removes what an old epoch no longer needs in the state.
func pruneEpoch(s *state, n NetUID, e Epoch) {
	mechanisms := need[Params](s, []byte(prefixParams)).MaxMechanisms
	roster, err := LoadRoster(s, n, e)
	if err != nil {
		s.fail(err)
		return
	}
	for i := range roster.pages() {
		s.delete(rosterKey(n, e, uint16(i)))
	}
	for _, m := range roster {
		for mech := range mechanisms {
			at := n.Mechanism(mech)
			for _, k := range [][]byte{commitKey(at, e, m.Hotkey), revealKey(at, e, m.Hotkey),
				slotKey(at, e, m.Hotkey, KindCommit), slotKey(at, e, m.Hotkey, KindReveal)} {
				remove(s, k)
			}
		}
	}
}

// ChainParams reads the parameters of the whole chain.
func ChainParams(v View) (Params, error) {
	p, ok, err := load[Params](v, []byte(prefixParams))
	if err == nil && !ok {
		err = broken("no parameters")
	}
	return p, err
}
