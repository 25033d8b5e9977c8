package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
)

// Limits of what a transaction may set at once.
const (
	maxSettings = 64
	maxName     = 32 // bytes of a parameter's name
	// tempoRate and mechanismRate are the blocks between two changes of the tempo
	// and of the mechanisms, identityRate of an identity.
	tempoRate     = 360
	mechanismRate = 7200
	identityRate  = 100
)

// Setting is one number of SetParams.
type Setting struct {
	Name  string
	Value uint64
}

// SetParams changes parameters of a subnet from its next epoch on:
// [1, netuid, [[name, value], ...], [[name, bytes], ...]], names rising, see
// SubnetParameters and SubnetParams.SetBytes.
type SetParams struct {
	NetUID  NetUID
	Numbers []Setting
	Bytes   []ByteSetting
}

// ByteSetting is one value of SetParams that is not a number.
type ByteSetting struct {
	Name  string
	Value []byte
}

func (*SetParams) kind() Kind { return KindSetParams }

func (p *SetParams) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 4), 1), uint64(p.NetUID))
	b = cbor.AppendArray(b, len(p.Numbers))
	for _, n := range p.Numbers {
		b = cbor.AppendUint(cbor.AppendText(cbor.AppendArray(b, 2), n.Name), n.Value)
	}
	b = cbor.AppendArray(b, len(p.Bytes))
	for _, n := range p.Bytes {
		b = cbor.AppendBytes(cbor.AppendText(cbor.AppendArray(b, 2), n.Name), n.Value)
	}
	return b
}

func decodeSetParams(d *cbor.Decoder) *SetParams {
	d.Version(4, 1)
	p := &SetParams{NetUID: decodeNetUID(d)}
	rising := func(last, next string) {
		if last >= next && d.Err() == nil {
			d.Fail(cbor.ErrRange)
		}
	}
	last := ""
	for range d.ArrayMax(maxSettings) {
		d.Array(2)
		p.Numbers = append(p.Numbers, Setting{d.Text(maxName), d.Uint()})
		rising(last, p.Numbers[len(p.Numbers)-1].Name)
		last = p.Numbers[len(p.Numbers)-1].Name
	}
	last = ""
	for range d.ArrayMax(maxSettings) {
		d.Array(2)
		p.Bytes = append(p.Bytes, ByteSetting{d.Text(maxName), append([]byte(nil), d.Bytes(maxModuleParams)...)})
		rising(last, p.Bytes[len(p.Bytes)-1].Name)
		last = p.Bytes[len(p.Bytes)-1].Name
	}
	return p
}

// limited refuses what was done less than interval blocks ago under a name, and
// notes that it is done now.
func limited(s *state, n NetUID, name string, h Height, interval uint64) error {
	k := limitKey(n, name)
	last, ok := fetch[stamp](s, k)
	if next := last.Height + interval; ok && h < next {
		return reject(CodeRate, "%s of netuid %d was set at block %d: allowed again at block %d", name, n, last.Height, next)
	}
	store(s, k, stamp{h})
	return nil
}

// stamp is a block at which something happened last.
type stamp struct{ Height Height }

func (t *stamp) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 2), 1), t.Height)
}

func (t *stamp) decode(d *cbor.Decoder) {
	d.Version(2, 1)
	t.Height = d.Uint()
}

// frozen refuses what an owner does in the last blocks of an epoch.
func frozen(s *state, n NetUID, sub *Subnet, h Height, params *Params) error {
	if sub.Started == 0 {
		return nil
	}
	clock := need[Clock](s, clockKey(n))
	end := clock.First + uint64(sub.Params.Tempo) // first block of the next epoch, unless its step is deferred
	if h+uint64(params.FreezeWindow) >= end {
		return reject(CodeFrozen, "epoch %d of netuid %d ends at block %d, and its owner sets nothing in the last %d blocks: allowed again when the next epoch runs",
			clock.Epoch, n, end-1, params.FreezeWindow)
	}
	return nil
}

func applySetParams(s *state, t *Tx, p *SetParams, h Height, params *Params) error {
	sub, err := ownSubnet(s, t, p.NetUID)
	if err != nil {
		return err
	}
	if len(p.Numbers)+len(p.Bytes) == 0 {
		return reject(CodeParameter, "nothing to set")
	}
	if err := frozen(s, p.NetUID, &sub, h, params); err != nil {
		return err
	}
	next := planned(s, p.NetUID, &sub)
	alphas := false
	rate := func(name string) error {
		if sub.Started == 0 {
			return nil
		}
		interval := uint64(params.OwnerRate) * uint64(sub.Params.Tempo)
		if name == "tempo" {
			interval = tempoRate
		}
		return limited(s, p.NetUID, name, h, interval)
	}
	for _, n := range p.Numbers {
		if err := next.Params.Set(n.Name, n.Value, true); err != nil {
			return reject(CodeParameter, "netuid %d: %v", p.NetUID, err)
		}
		if err := rate(n.Name); err != nil {
			return err
		}
		alphas = alphas || n.Name == "alpha_low" || n.Name == "alpha_high"
	}
	for _, n := range p.Bytes {
		if err := next.Params.SetBytes(n.Name, n.Value); err != nil {
			return reject(CodeParameter, "netuid %d: %v", p.NetUID, err)
		}
		if err := rate(n.Name); err != nil {
			return err
		}
	}
	if alphas && !next.Params.LiquidAlpha {
		return reject(CodeParameter, "netuid %d: liquid_alpha is off: switch it on before setting its bounds", p.NetUID)
	}
	if err := fits(s, p.NetUID, &sub, &next); err != nil {
		return err
	}
	plan(s, p.NetUID, &sub, next)
	s.emit(Event{Kind: "params_set", NetUID: p.NetUID, Hotkey: sub.OwnerHotkey})
	return s.err
}

// fits checks what a subnet will be against its modules, its neurons and the
// bounds that hold together.
func fits(s *state, n NetUID, sub *Subnet, next *Planned) error {
	m := need[Market](s, marketKey(n))
	err := next.Params.validate()
	if err == nil && sub.Started != 0 {
		err = next.Params.Validate()
	}
	if err == nil {
		err = next.Params.evidence(max(sub.Answer, sub.Next.Answer))
	}
	switch {
	case err != nil:
		return reject(CodeParameter, "netuid %d: %v", n, err)
	case next.Params.MaxUIDs < m.Neurons:
		return reject(CodeParameter, "netuid %d: max_uids %d: it has %d neurons: trim it", n, next.Params.MaxUIDs, m.Neurons)
	case int(next.Params.MaxUIDs)*max(1, len(next.Split)) > MaxRoster:
		return reject(CodeParameter, "netuid %d: %d mechanisms of %d uids: at most %d in all", n, len(next.Split), next.Params.MaxUIDs, MaxRoster)
	}
	return nil
}

// plan makes next what the subnet will be: at once before its start, else with
// its next epoch.
func plan(s *state, n NetUID, sub *Subnet, next Planned) {
	if sub.Started != 0 {
		store(s, plannedKey(n), next)
		return
	}
	sub.Params, sub.Data, sub.Split = next.Params, next.Data, next.Split
	store(s, subnetKey(n), *sub)
}

// SetData names the data that a subnet's tasks draw from, from its next epoch
// on: [1, netuid, root, slices, bytes of a slice, window].
type SetData struct {
	NetUID NetUID
	Root   [32]byte
	Slices uint64
	Slice  uint64
	Window uint64 // slices of one epoch, each used once; 0 for all in every epoch
}

func (*SetData) kind() Kind { return KindSetData }

func (p *SetData) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 6), 1), uint64(p.NetUID))
	b = cbor.AppendBytes(b, p.Root[:])
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(b, p.Slices), p.Slice), p.Window)
}

func decodeSetData(d *cbor.Decoder) *SetData {
	d.Version(6, 1)
	return &SetData{decodeNetUID(d), d.Hash(), d.Uint(), d.Uint(), d.Uint()}
}

func applySetData(s *state, t *Tx, p *SetData, h Height, params *Params) error {
	sub, err := ownSubnet(s, t, p.NetUID)
	if err != nil {
		return err
	}
	if err := frozen(s, p.NetUID, &sub, h, params); err != nil {
		return err
	}
	next := planned(s, p.NetUID, &sub)
	next.Data = DataSet{Root: p.Root, Slices: p.Slices, Slice: p.Slice, Window: p.Window}
	if err := next.Data.validate(); err != nil {
		return reject(CodeParameter, "netuid %d: %v", p.NetUID, err)
	}
	clock := need[Clock](s, clockKey(p.NetUID))
	if next.Data.From = clock.Epoch; sub.Started != 0 {
		next.Data.From++
	}
	plan(s, p.NetUID, &sub, next)
	s.emit(Event{Kind: "data_set", NetUID: p.NetUID, Epoch: next.Data.From, Hotkey: sub.OwnerHotkey, Amount: p.Slices})
	return s.err
}

// SetMechanisms divides a subnet's miner emission over several incentive
// mechanisms from its next epoch on: [1, netuid, [part, ...]] with parts over
// 65,535 that sum to it, or none for a single mechanism.
type SetMechanisms struct {
	NetUID NetUID
	Split  []uint16
}

func (*SetMechanisms) kind() Kind { return KindSetMechanisms }

func (p *SetMechanisms) append(b []byte) []byte {
	return appendSplit(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), uint64(p.NetUID)), p.Split)
}

func decodeSetMechanisms(d *cbor.Decoder) *SetMechanisms {
	d.Version(3, 1)
	return &SetMechanisms{decodeNetUID(d), decodeSplit(d)}
}

func applySetMechanisms(s *state, t *Tx, p *SetMechanisms, h Height, params *Params) error {
	sub, err := ownSubnet(s, t, p.NetUID)
	if err != nil {
		return err
	}
	if err := frozen(s, p.NetUID, &sub, h, params); err != nil {
		return err
	}
	if err := checkSplit(p.Split); err != nil {
		return reject(CodeParameter, "netuid %d: %v", p.NetUID, err)
	}
	if len(p.Split) > int(params.MaxMechanisms) {
		return reject(CodeParameter, "netuid %d: %d mechanisms: at most %d", p.NetUID, len(p.Split), params.MaxMechanisms)
	}
	next := planned(s, p.NetUID, &sub)
	next.Split = p.Split
	if err := fits(s, p.NetUID, &sub, &next); err != nil {
		return err
	}
	if sub.Started != 0 {
		if err := limited(s, p.NetUID, "mechanisms", h, mechanismRate); err != nil {
			return err
		}
	}
	plan(s, p.NetUID, &sub, next)
	s.emit(Event{Kind: "mechanisms_set", NetUID: p.NetUID, Hotkey: sub.OwnerHotkey, Amount: uint64(max(1, len(p.Split)))})
	return s.err
}
