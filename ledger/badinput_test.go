package ledger

import (
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Every kind that pays is refused for what a caller may get wrong, and leaves
// nothing behind but the fee and the nonce. A kind that is added without a line
// here fails the test.
func TestEveryKindIsRefusedCleanly(t *testing.T) {
	w := withParams(t, func(p *Params) { p.NetworkRate = 0 })
	w.settle()
	w.do(w.cold[3], &Transfer{w.owner.Public(), 10 * unit.Coin})
	w.do(w.cold[3], &SetTake{w.hot[3].Public(), 0})
	w.do(w.cold[3], &SetTake{w.hot[3].Public(), 9})
	poor := seed("poor", 0)
	due, err := Fee(w.v, w.sign(poor, &TransferAll{To: w.cold[3].Public()}))
	if err != nil {
		t.Fatal(err)
	}
	w.do(w.cold[3], &Transfer{poor.Public(), due})
	c, hot, nobody := w.cold[3], w.hot[3].Public(), seed("nobody", 0).Public()
	work, proof := w.hot[3].Work(true)
	other, otherProof := w.hot[4].Work(true)
	big := ^uint64(0)
	type bad struct {
		name string
		want Code
		by   key.Seed
		p    Payload
	}
	all := []bad{
		{"nothing", CodeAmount, c, &Transfer{nobody, 0}},
		{"above the balance", CodeLowBalance, c, &Transfer{nobody, unit.TAO(big)}},
		{"nothing but the fee", CodeAmount, poor, &TransferAll{To: c.Public()}},
		{"a step fails", CodeLowBalance, c, &Batch{Steps: []Payload{&Transfer{nobody, 1}, &Transfer{nobody, unit.TAO(big)}}}},
		{"over itself", CodeProxy, c, &SetProxy{Delegate: c.Public(), Rights: RightAll}},
		{"without a right", CodeProxy, c, &Proxied{Account: w.owner.Public(), Call: &Transfer{nobody, 1}}},
		{"announced without a right", CodeProxy, c, &AnnounceProxied{Principal: w.owner.Public()}},
		{"of others", CodeProxy, c, &CancelProxied{Principal: w.owner.Public(), Delegate: nobody}},

		{"unknown subnet", CodeNetUID, c, &Register{NetUID: 77, Hotkey: hot, MaxPrice: unit.TAO(big), Work: work, Proof: proof}},
		{"twice", CodeRegistered, c, &Register{NetUID: net, Hotkey: hot, MaxPrice: unit.TAO(big), Work: work, Proof: proof}},
		{"keys of another", CodePossession, c, &RotateWorkKeys{NetUID: net, Hotkey: hot, Work: other, Proof: otherProof}},
		{"unknown subnet", CodeUnregistered, c, &RotateWorkKeys{NetUID: 77, Hotkey: hot, Work: work, Proof: proof}},
		{"another's hotkey", CodeOwner, w.cold[4], &CreateSubnet{Hotkey: hot, MaxPrice: unit.TAO(big), Work: work, Proof: proof}},
		{"price limit", CodePrice, c, &CreateSubnet{Hotkey: hot, MaxPrice: 1, Work: work, Proof: proof}},
		{"started", CodeStarted, w.owner, &StartSubnet{net}},
		{"not the owner", CodeNotOwner, c, &StartSubnet{net}},
		{"not the owner", CodeNotOwner, c, &SetParams{NetUID: net, Numbers: []Setting{{"asked", 2}}}},
		{"nothing to set", CodeParameter, w.owner, &SetParams{NetUID: net}},
		{"not the owner", CodeNotOwner, c, &SetIdentity{NetUID: net, Identity: Identity{Name: "x"}}},
		{"unknown subnet", CodeNetUID, c, &NameModule{NetUID: 77}},
		{"not the owner", CodeNotOwner, c, &NameModule{NetUID: net}},
		{"no chunks", CodeModule, c, &StoreModule{}},
		{"of no module", CodeModule, c, &StoreChunk{Bytes: []byte("x")}},
		{"not the owner", CodeNotOwner, c, &SetMechanisms{net, nil}},
		{"parts beyond the whole", CodeParameter, w.owner, &SetMechanisms{net, []uint16{65535, 65535}}},
		{"not the owner", CodeNotOwner, c, &Trim{net, 64}},
		{"below the least", CodeParameter, w.owner, &Trim{net, 1}},
		{"not the owner", CodeNotOwner, c, &SetData{NetUID: net}},
		{"slices too large", CodeParameter, w.owner, &SetData{NetUID: net, Slices: 1, Slice: big}},

		{"another's hotkey", CodeOwner, w.cold[4], NewAnnounceProducer(w.hot[3], seed("cons", 3))},
		{"not announced", CodeCandidate, c, &WithdrawProducer{hot}},
		{"not announced", CodeCandidate, c, &Unjail{hot}},

		{"nothing", CodeAmount, c, &Stake{Hotkey: hot}},
		{"above the balance", CodeLowBalance, c, &Stake{Hotkey: hot, Amount: unit.TAO(big)}},
		{"more than the pool takes", CodePool, c, &Stake{NetUID: net, Hotkey: hot, Amount: unit.TAO(big)}},
		{"unknown hotkey", CodeUnregistered, c, &Stake{NetUID: net, Hotkey: nobody, Amount: unit.Coin}},
		{"unknown subnet", CodeNetUID, c, &Stake{NetUID: 77, Hotkey: hot, Amount: unit.Coin}},
		{"no stake", CodeStake, c, &Unstake{NetUID: net, Hotkey: w.hot[0].Public(), Amount: 1}},
		{"unknown hotkey", CodeUnregistered, c, &MoveStake{NetUID: net, From: hot, To: nobody, Amount: 1}},
		{"unknown subnet", CodeNetUID, c, &SwapStake{From: net, To: 77, Hotkey: hot, Amount: 1}},
		{"unknown subnet", CodeNetUID, c, &TransferStake{NetUID: 77, Hotkey: hot, To: nobody, Amount: 1}},
		{"unknown hotkey", CodeUnregistered, c, &SetTake{nobody, 1}},
		{"raised too soon", CodeRate, c, &SetTake{hot, 10}},
		{"unknown subnet", CodeNetUID, c, &SetChildren{NetUID: 77, Hotkey: hot}},
		{"unknown hotkey", CodeUnregistered, c, &SetChildTake{net, nobody, 1}},
		{"unknown subnet", CodeNetUID, c, &SetAutoStake{77, hot}},
		{"unknown hotkey", CodeUnregistered, c, NewSwapHotkey(w.gen.ChainID, c.Public(), nobody, seed("new", 0))},
		{"nothing announced", CodeNoSwap, c, &AnnounceColdkeySwap{}},
		{"nothing announced", CodeNoSwap, c, &SwapColdkey{nobody}},
		{"nothing announced", CodeNoSwap, c, &DisputeColdkeySwap{}},
		{"unknown parameter", CodeParameter, c, &Propose{Name: "cap"}},
		{"unknown proposal", CodeProposal, c, &Vote{9, VoteYes}},
	}
	seen := map[Kind]bool{}
	for _, b := range all {
		seen[b.p.kind()] = true
		w.rejects(b.p.kind().String()+": "+b.name, b.want, b.by, b.p)
	}
	for k, i := range kinds {
		if !i.free && !seen[k] {
			t.Errorf("%s is refused for nothing here", k)
		}
	}
	// What everyone gets wrong alike, of every kind: nothing changes, the fee
	// included, for it is not the account that speaks, or it cannot speak yet.
	for _, b := range all {
		good := w.sign(b.by, b.p)
		tx, err := DecodeTx(good)
		if err != nil {
			t.Errorf("%s: %v", b.p.kind(), err)
			continue
		}
		for name, raw := range map[string][]byte{
			"signed by another": Attach(tx.body, key.ED25519, w.cold[6].Sign(TxTag, tx.body)),
			"another chain":     Sign(b.by, "other", w.nonce(b.by), w.height+10, b.p),
			"a nonce to come":   Sign(b.by, w.gen.ChainID, w.nonce(b.by)+1, w.height+10, b.p),
			"expired":           Sign(b.by, w.gen.ChainID, w.nonce(b.by), w.height, b.p),
			"cut short":         good[:len(good)-1],
		} {
			if err := Check(w.v, raw, 0); err == nil {
				t.Errorf("%s, %s: may wait", b.p.kind(), name)
			}
		}
	}
}
