package ledger

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Bounds of what a chain can hold. A mechanism m of a subnet keeps its rows and
// bonds under the netuid m·4096 + netuid, which is why netuids end there
// (economics, mechanisms).
const (
	maxSubnets    = 1024
	maxNetUID     = 4095
	maxMechanisms = 16
)

// Mechanism is the netuid under which mechanism m of subnet n keeps its rows,
// carries and bonds; that of mechanism 0 is n.
func (n NetUID) Mechanism(m uint8) NetUID { return NetUID(m)*(maxNetUID+1) + n }

// Subnet is what rarely changes of a subnet.
type Subnet struct {
	Owner       Coldkey
	OwnerHotkey Hotkey
	Module      [32]byte // SHA-256 of the module's bytes, zero for none
	Meter       uint64   // version of the fuel schedule
	ABI         uint64
	Answer      uint64 // bytes of the largest answer, as declared
	NeedsData   bool   // tasks draw data slices: without any left nothing is emitted
	Next        Upgrade
	Data        DataSet
	Created     Height
	Started     Height   // first block of its first epoch, 0 before its start
	Split       []uint16 // part of the miners' emission for each mechanism, over 65,535; empty for one
	Params      SubnetParams
}

// Upgrade is a module that takes over when an epoch begins; its Module is zero
// when there is none.
type Upgrade struct {
	Module    [32]byte
	Meter     uint64
	ABI       uint64
	Answer    uint64
	NeedsData bool
	Epoch     Epoch // the first that uses it
}

func (u *Upgrade) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendArray(b, 6), u.Module[:])
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(b, u.Meter), u.ABI), u.Answer)
	return cbor.AppendUint(cbor.AppendBool(b, u.NeedsData), u.Epoch)
}

func (u *Upgrade) decode(d *cbor.Decoder) {
	d.Array(6)
	u.Module, u.Meter, u.ABI, u.Answer, u.NeedsData, u.Epoch = d.Hash(), d.Uint(), d.Uint(), d.UintMax(maxAnswer), d.Bool(), d.Uint()
}

// use makes an upgrade the subnet's module.
func (s *Subnet) use(u Upgrade) {
	s.Module, s.Meter, s.ABI, s.Answer, s.NeedsData, s.Next = u.Module, u.Meter, u.ABI, u.Answer, u.NeedsData, Upgrade{}
}

// DataSet names the data that a subnet's tasks draw slices from. A set may be
// cut into windows of which each epoch uses its own, once.
type DataSet struct {
	Root   [32]byte // Merkle root over the slices, zero for no data
	Slices uint64   // number of slices
	Slice  uint64   // bytes of each
	Window uint64   // slices of one epoch, 0 for all of them in every epoch
	From   Epoch    // epoch of the first window
}

// Draw returns the slices that epoch e may draw: count of them from first. The
// count is 0 when the windows are used up, or have not begun.
func (s *DataSet) Draw(e Epoch) (first, count uint64) {
	if s.Window == 0 {
		return 0, s.Slices
	}
	if e < s.From || e-s.From >= s.Slices/s.Window {
		return 0, 0
	}
	return (e - s.From) * s.Window, s.Window
}

// Windows returns how many windows the set has, and from how many of them epoch e
// and those after it may still draw; 0 windows for a set that is not divided.
func (s *DataSet) Windows(e Epoch) (windows, left uint64) {
	if s.Window == 0 {
		return 0, 0
	}
	windows = s.Slices / s.Window
	if e <= s.From {
		return windows, windows
	}
	return windows, windows - min(windows, e-s.From)
}

// maxSlice is the largest slice of a data set.
const maxSlice = 4 << 20

func (s *DataSet) validate() error {
	switch {
	case s.Slices > 0 && (s.Slice == 0 || s.Slice > maxSlice):
		return fmt.Errorf("data slices of %d bytes: 1 to 4 MiB", s.Slice)
	case s.Slices > 1<<40:
		return fmt.Errorf("%d data slices: at most 2^40", s.Slices)
	case s.Window > s.Slices:
		return fmt.Errorf("a window of %d slices: there are %d", s.Window, s.Slices)
	}
	return nil
}

func (s *DataSet) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendArray(b, 5), s.Root[:])
	for _, v := range []uint64{s.Slices, s.Slice, s.Window, s.From} {
		b = cbor.AppendUint(b, v)
	}
	return b
}

func (s *DataSet) decode(d *cbor.Decoder) {
	d.Array(5)
	s.Root, s.Slices, s.Slice, s.Window, s.From = d.Hash(), d.Uint(), d.Uint(), d.Uint(), d.Uint()
}

// hasModule reports whether the subnet has a module in use.
func (s *Subnet) hasModule() bool { return s.Module != [32]byte{} }

// Earns reports whether TAO and alpha are emitted to the subnet in epoch e: it
// has started, takes registrations, has a module, and data if that needs any.
// There is no switch to turn: what is not earned for is not paid.
func (s *Subnet) Earns(h Height, e Epoch) bool {
	if s.Started == 0 || s.Started > h || !s.hasModule() || !s.Params.Registration {
		return false
	}
	_, left := s.Data.Draw(e)
	return !s.NeedsData || left > 0
}

// Mechanisms is how many incentive mechanisms the subnet runs, 1 or more.
func (s *Subnet) Mechanisms() uint8 { return uint8(max(1, len(s.Split))) }

func appendSplit(b []byte, split []uint16) []byte {
	b = cbor.AppendArray(b, len(split))
	for _, p := range split {
		b = cbor.AppendUint(b, uint64(p))
	}
	return b
}

func decodeSplit(d *cbor.Decoder) (split []uint16) {
	for range d.ArrayMax(maxMechanisms) {
		split = append(split, uint16(d.UintMax(65535)))
	}
	return split
}

// checkSplit holds the rule of a split: none, or two or more parts that make up
// the whole.
func checkSplit(split []uint16) error {
	if len(split) == 0 {
		return nil
	}
	sum := 0
	for _, p := range split {
		sum += int(p)
	}
	if len(split) == 1 || sum != 65535 {
		return fmt.Errorf("%d mechanisms share %d: none for one mechanism, else parts that sum to 65,535", len(split), sum)
	}
	return nil
}

func (s *Subnet) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 14), 2)
	for _, h := range [][32]byte{s.Owner, s.OwnerHotkey, s.Module} {
		b = cbor.AppendBytes(b, h[:])
	}
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(b, s.Meter), s.ABI), s.Answer)
	b = s.Next.append(cbor.AppendBool(b, s.NeedsData))
	b = s.Data.append(b)
	b = appendSplit(cbor.AppendUint(cbor.AppendUint(b, s.Created), s.Started), s.Split)
	return s.Params.append(b)
}

func (s *Subnet) decode(d *cbor.Decoder) {
	d.Version(14, 2)
	s.Owner, s.OwnerHotkey, s.Module = d.Hash(), d.Hash(), d.Hash()
	s.Meter, s.ABI, s.Answer, s.NeedsData = d.Uint(), d.Uint(), d.UintMax(maxAnswer), d.Bool()
	s.Next.decode(d)
	s.Data.decode(d)
	s.Created, s.Started, s.Split = d.Uint(), d.Uint(), decodeSplit(d)
	s.Params.decode(d)
}

// validate checks what a subnet that may start must satisfy.
func (s *Subnet) validate() error {
	if err := s.Params.Validate(); err != nil {
		return err
	}
	if err := s.Data.validate(); err != nil {
		return err
	}
	if err := checkSplit(s.Split); err != nil {
		return err
	}
	return s.Params.evidence(s.Answer)
}

// maxAnswer bounds the largest answer that a module may declare.
const maxAnswer = 8 << 20

// Planned is what a subnet will be from its next epoch on. A running epoch's
// parameters, data and mechanisms stand in its record and never move.
type Planned struct {
	Params SubnetParams
	Data   DataSet
	Split  []uint16
}

func (p *Planned) append(b []byte) []byte {
	b = p.Data.append(cbor.AppendUint(cbor.AppendArray(b, 4), 1))
	return p.Params.append(appendSplit(b, p.Split))
}

func (p *Planned) decode(d *cbor.Decoder) {
	d.Version(4, 1)
	p.Data.decode(d)
	p.Split = decodeSplit(d)
	p.Params.decode(d)
}

// planned returns what the subnet will be from its next epoch on.
func planned(s *state, n NetUID, sub *Subnet) Planned {
	if p, ok := fetch[Planned](s, plannedKey(n)); ok {
		return p
	}
	return Planned{Params: sub.Params, Data: sub.Data, Split: sub.Split}
}

// adopt makes what was planned and what is due of an upgrade the subnet's, when
// epoch e begins.
func adopt(s *state, n NetUID, sub *Subnet, e Epoch) {
	p, ok := fetch[Planned](s, plannedKey(n))
	due := sub.Next.Module != [32]byte{} && e >= sub.Next.Epoch
	if !ok && !due {
		return
	}
	if ok {
		m := need[Market](s, marketKey(n))
		sub.Params, sub.Data, sub.Split = p.Params, p.Data, p.Split
		sub.Params.MaxUIDs = max(sub.Params.MaxUIDs, m.Neurons) // neurons may have come since
		s.delete(plannedKey(n))
	}
	if due {
		sub.use(sub.Next)
	}
	store(s, subnetKey(n), *sub)
}

// LoadPlanned reads what a subnet will be from its next epoch on, nil when
// nothing changes.
func LoadPlanned(v View, n NetUID) (*Planned, error) { return ptr[Planned](v, plannedKey(n)) }
