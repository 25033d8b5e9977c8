package ledger

import (
	"slices"
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// Bounds of what an account gives away.
const (
	MaxProxies    = 20         // delegates of one account
	MaxAnnounced  = 32         // calls of one delegate that wait
	MaxProxyDelay = 10_000_000 // blocks
)

// Rights is what a delegate may do for an account: a sum of the following.
type Rights uint8

// The rights. The numbers are part of consensus.
const (
	RightWeights  Rights = 1 // commit, reveal and serve for the account's hotkeys
	RightStaking  Rights = 2 // move stake in, out and about, for the account
	RightTransfer Rights = 4 // spend the account's balance
	RightAll      Rights = 8 // everything, giving rights away included
)

// covered is the right that each kind asks for. A kind that is not here asks
// for RightAll: a new kind is covered by nothing that was given before it.
var covered = map[Kind]Rights{
	KindTransfer:     RightTransfer,
	KindTransferAll:  RightTransfer,
	KindStake:        RightStaking,
	KindUnstake:      RightStaking,
	KindMoveStake:    RightStaking,
	KindSwapStake:    RightStaking,
	KindSetAutoStake: RightStaking,
	KindCommit:       RightWeights,
	KindReveal:       RightWeights,
	KindServe:        RightWeights,
}

// Cover reports whether the rights are enough for a call, in a batch for each
// of its steps.
func (r Rights) Cover(p Payload) bool {
	if r&RightAll != 0 {
		return true
	}
	if b, ok := p.(*Batch); ok {
		return !slices.ContainsFunc(b.Steps, func(step Payload) bool { return !r.Cover(step) })
	}
	return r&covered[p.kind()] != 0
}

// String lists the rights.
func (r Rights) String() string {
	var out []string
	for i, name := range []string{"weights", "staking", "transfer", "all"} {
		if r>>i&1 != 0 {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// Proxy is what an account gave to a delegate.
type Proxy struct {
	Delegate key.ID
	Rights   Rights
	Delay    uint64 // blocks between announcing a call and making it; 0 for at once
}

// proxies are those of one account, rising by delegate.
type proxies struct{ list []Proxy }

func (p *proxies) append(b []byte) []byte {
	b = cbor.AppendArray(cbor.AppendUint(cbor.AppendArray(b, 2), 1), len(p.list))
	for i := range p.list {
		x := &p.list[i]
		b = cbor.AppendBytes(cbor.AppendArray(b, 3), x.Delegate[:])
		b = cbor.AppendUint(cbor.AppendUint(b, uint64(x.Rights)), x.Delay)
	}
	return b
}

func (p *proxies) decode(d *cbor.Decoder) {
	d.Version(2, 1)
	for range d.ArrayMax(MaxProxies) {
		d.Array(3)
		p.list = append(p.list, Proxy{d.Hash(), Rights(d.UintMax(15)), d.Uint()})
	}
}

func (p *proxies) find(delegate key.ID) (int, bool) {
	return slices.BinarySearchFunc(p.list, delegate, func(x Proxy, d key.ID) int { return slices.Compare(x.Delegate[:], d[:]) })
}

// LoadProxies lists what an account gave to its delegates.
func LoadProxies(v View, account key.ID) ([]Proxy, error) {
	p, _, err := load[proxies](v, proxiesKey(account))
	return p.list, err
}

// Announced is a call that a delegate wants to make.
type Announced struct {
	Call   [32]byte // CallHash
	Height Height   // at which it was announced
}

type announcements struct{ list []Announced }

func (a *announcements) append(b []byte) []byte {
	b = cbor.AppendArray(cbor.AppendUint(cbor.AppendArray(b, 2), 1), len(a.list))
	for i := range a.list {
		b = cbor.AppendBytes(cbor.AppendArray(b, 2), a.list[i].Call[:])
		b = cbor.AppendUint(b, a.list[i].Height)
	}
	return b
}

func (a *announcements) decode(d *cbor.Decoder) {
	d.Version(2, 1)
	for range d.ArrayMax(MaxAnnounced) {
		d.Array(2)
		a.list = append(a.list, Announced{d.Hash(), d.Uint()})
	}
}

func (a *announcements) find(call [32]byte) int {
	return slices.IndexFunc(a.list, func(x Announced) bool { return x.Call == call })
}

// LoadAnnounced lists the calls of a delegate that wait, in the order in which
// they were announced.
func LoadAnnounced(v View, principal, delegate key.ID) ([]Announced, error) {
	a, _, err := load[announcements](v, announcedKey(principal, delegate))
	return a.list, err
}

// CallHash names a call before it is made.
func (p *Proxied) CallHash() [32]byte {
	return key.Hash("proxied", p.Account[:], be64(uint64(p.Call.kind())), p.Call.append(nil))
}

// SetProxy gives a delegate rights over the signing account, or takes them away
// when there are none: [1, delegate, rights, delay]. Calls that the delegate
// announced before are forgotten.
type SetProxy struct {
	Delegate key.ID
	Rights   Rights
	Delay    uint64 `show:"delay in blocks"`
}

func (*SetProxy) kind() Kind { return KindSetProxy }

func (p *SetProxy) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 4), 1), p.Delegate[:])
	return cbor.AppendUint(cbor.AppendUint(b, uint64(p.Rights)), p.Delay)
}

func decodeSetProxy(d *cbor.Decoder) *SetProxy {
	d.Version(4, 1)
	return &SetProxy{Delegate: d.Hash(), Rights: Rights(d.UintMax(15)), Delay: d.UintMax(MaxProxyDelay)}
}

func applySetProxy(s *state, t *Tx, p *SetProxy) error {
	if p.Delegate == t.Account {
		return reject(CodeProxy, "an account needs no right over itself")
	}
	all, _ := fetch[proxies](s, proxiesKey(t.Account))
	i, found := all.find(p.Delegate)
	switch {
	case p.Rights == 0 && !found:
		return reject(CodeProxy, "%s has no right to lose", p.Delegate)
	case p.Rights == 0:
		all.list = slices.Delete(all.list, i, i+1)
	case found:
		all.list[i] = Proxy{p.Delegate, p.Rights, p.Delay}
	case len(all.list) >= MaxProxies:
		return reject(CodeProxies, "%d delegates: take the rights of one away first", MaxProxies)
	default:
		all.list = slices.Insert(all.list, i, Proxy{p.Delegate, p.Rights, p.Delay})
	}
	if len(all.list) == 0 {
		s.delete(proxiesKey(t.Account))
	} else {
		store(s, proxiesKey(t.Account), all)
	}
	if k := announcedKey(t.Account, p.Delegate); s.has(k) {
		s.delete(k)
	}
	s.emit(Event{Kind: "proxy set", Hotkey: t.Account, Amount: uint64(p.Rights)})
	return nil
}

// Proxied makes a call as another account, which gave the signer the right to:
// [1, account, [kind, payload]]. For the free kinds the account is a hotkey,
// and its owner must have given the right; the call spends the hotkey's slot
// when it succeeds, and the signer pays.
type Proxied struct {
	Account key.ID
	Call    Payload
}

func (*Proxied) kind() Kind { return KindProxied }

func (p *Proxied) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 3), 1), p.Account[:])
	return appendCall(b, p.Call)
}

func decodeProxied(d *cbor.Decoder) *Proxied {
	d.Version(3, 1)
	return &Proxied{Account: d.Hash(), Call: decodeCall(d, func(k Kind) bool { return k != KindProxied })}
}

func applyProxied(s *state, t *Tx, p *Proxied, h Height, chainID string, params *Params) error {
	sub := t.as(p.Account, p.Call)
	principal := p.Account
	if sub.Free() {
		if principal = owner(s, p.Account); principal == (Coldkey{}) {
			return reject(CodeUnregistered, "nobody has registered the hotkey %s", p.Account)
		}
	}
	all, _ := fetch[proxies](s, proxiesKey(principal))
	i, found := all.find(t.Account)
	if !found {
		return reject(CodeProxy, "%s has given %s no right", principal, t.Account)
	}
	if r := all.list[i].Rights; !r.Cover(p.Call) {
		return reject(CodeProxy, "%s has the rights %s over %s, %s needs another", t.Account, r, principal, sub.Kind)
	}
	if delay := all.list[i].Delay; delay > 0 {
		k := announcedKey(principal, t.Account)
		calls, _ := fetch[announcements](s, k)
		j := calls.find(p.CallHash())
		if j < 0 {
			return reject(CodeDelay, "the call must be announced %d blocks before", delay)
		}
		if at := calls.list[j].Height + delay; h < at {
			return reject(CodeDelay, "announced at block %d, allowed at block %d", calls.list[j].Height, at)
		}
		calls.drop(s, k, j)
	}
	if sub.Free() {
		if err := checkFree(s, sub, h); err != nil {
			return err
		}
		spendSlot(s, sub, h)
	}
	return execute(s, sub, h, chainID, params)
}

func (a *announcements) drop(s *state, k []byte, i int) {
	a.list = slices.Delete(a.list, i, i+1)
	if len(a.list) == 0 {
		s.delete(k)
	} else {
		store(s, k, *a)
	}
}

// AnnounceProxied says that the signer will make a call for an account, whose
// owner may still cancel it: [1, principal, call hash].
type AnnounceProxied struct {
	Principal key.ID   // who gave the right
	Call      [32]byte // Proxied.CallHash
}

func (*AnnounceProxied) kind() Kind { return KindAnnounceProxied }

func (p *AnnounceProxied) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 3), 1), p.Principal[:])
	return cbor.AppendBytes(b, p.Call[:])
}

func decodeAnnounceProxied(d *cbor.Decoder) *AnnounceProxied {
	d.Version(3, 1)
	return &AnnounceProxied{Principal: d.Hash(), Call: d.Hash()}
}

func applyAnnounceProxied(s *state, t *Tx, p *AnnounceProxied, h Height) error {
	all, _ := fetch[proxies](s, proxiesKey(p.Principal))
	if _, found := all.find(t.Account); !found {
		return reject(CodeProxy, "%s has given %s no right", p.Principal, t.Account)
	}
	k := announcedKey(p.Principal, t.Account)
	calls, _ := fetch[announcements](s, k)
	if i := calls.find(p.Call); i >= 0 {
		return reject(CodeAnnounced, "at block %d", calls.list[i].Height)
	}
	if len(calls.list) >= MaxAnnounced {
		return reject(CodeProxies, "%d calls wait: make or cancel one first", MaxAnnounced)
	}
	calls.list = append(calls.list, Announced{p.Call, h})
	store(s, k, calls)
	s.emit(Event{Kind: "call announced", Hotkey: p.Principal})
	return nil
}

// CancelProxied takes an announced call back; both the account and the delegate
// may: [1, principal, delegate, call hash].
type CancelProxied struct {
	Principal key.ID
	Delegate  key.ID
	Call      [32]byte
}

func (*CancelProxied) kind() Kind { return KindCancelProxied }

func (p *CancelProxied) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 4), 1)
	for _, h := range [][32]byte{p.Principal, p.Delegate, p.Call} {
		b = cbor.AppendBytes(b, h[:])
	}
	return b
}

func decodeCancelProxied(d *cbor.Decoder) *CancelProxied {
	d.Version(4, 1)
	return &CancelProxied{Principal: d.Hash(), Delegate: d.Hash(), Call: d.Hash()}
}

func applyCancelProxied(s *state, t *Tx, p *CancelProxied) error {
	if t.Account != p.Principal && t.Account != p.Delegate {
		return reject(CodeProxy, "only %s or %s may cancel it", p.Principal, p.Delegate)
	}
	k := announcedKey(p.Principal, p.Delegate)
	calls, _ := fetch[announcements](s, k)
	i := calls.find(p.Call)
	if i < 0 {
		return reject(CodeAnnounced, "no such call waits")
	}
	calls.drop(s, k, i)
	s.emit(Event{Kind: "call cancelled", Hotkey: p.Principal})
	return nil
}
