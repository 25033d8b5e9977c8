package ledger

import (
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// parish is a town in which three validators have 100,000 TAO each on root.
func parish(t *testing.T, change func(*Params)) *town {
	w := withParams(t, func(p *Params) {
		p.VotingPeriod, p.ExecutionDelay, p.Unbonding = 10, 5, 7
		if change != nil {
			change(p)
		}
	})
	w.settle()
	return w
}

func (w *town) proposal(id uint64) *Proposal {
	w.t.Helper()
	p, err := LoadProposal(w.v, id)
	if err != nil || p == nil {
		w.t.Fatal(id, err)
	}
	return p
}

func TestVote(t *testing.T) {
	w := parish(t, nil)
	c := w.cold[3]
	for name, p := range map[string]*Propose{"no such parameter": {Name: "cap", Value: 5}, "beyond its bounds": {Name: "max_producers", Value: 3},
		"nothing": {}, "a text of a subnet": {NetUID: net, Text: "x"}, "a chain's parameter on a subnet": {NetUID: net, Name: "slash", Value: 1},
		"a subnet's parameter on the chain": {Name: "tempo", Value: 100}, "beyond a subnet's bounds": {NetUID: net, Name: "kappa", Value: 65536}} {
		w.rejects(name, CodeParameter, c, p)
	}
	w.rejects("of no subnet", CodeNetUID, c, &Propose{NetUID: 9, Name: "kappa", Value: 5})
	w.rejects("on nothing", CodeProposal, c, &Vote{0, VoteYes})
	w.do(c, &Transfer{w.cold[4].Public(), w.balance(c.Public()) - unit.Coin})
	w.rejects("without the deposit", CodeLowBalance, c, &Propose{Text: "x"})
	c = w.cold[4]
	before := w.balance(c.Public())
	raw := w.sign(c, &Propose{Name: "fee_base", Value: 77, Text: "cheaper"})
	fee, _ := Fee(w.v, raw)
	w.ok(w.block(raw))
	if got := before - w.balance(c.Public()); got != fee+100*unit.Coin {
		t.Errorf("it cost %s", got)
	}
	at := w.height
	w.rejects("without a stake", CodeAmount, w.cold[5], &Vote{0, VoteYes})
	if _, err := DecodeTx(w.sign(c, &Vote{0, 0})); err == nil {
		t.Error("a vote for nothing")
	}
	// A nominator of the first validator says no; the first says yes for all who
	// stand behind it and have not voted.
	fan, other := w.cold[5], w.cold[6]
	w.do(fan, &Stake{Hotkey: w.hot[0].Public(), Amount: 40 * unit.Coin})
	w.do(other, &Stake{Hotkey: w.hot[0].Public(), Amount: 30 * unit.Coin})
	w.do(w.cold[0], &Vote{0, VoteNo})
	w.do(w.cold[0], &Vote{0, VoteYes})
	w.do(fan, &Vote{0, VoteNo})
	w.do(w.cold[1], &Vote{0, VoteAbstain})
	near := func(name string, got, want unit.TAO) {
		t.Helper()
		if got > want || got+5 < want {
			t.Errorf("%s %s, want %s", name, got, want)
		}
	}
	now, err := CountVotes(w.v, 0)
	if err != nil {
		t.Fatal(err)
	}
	near("yes", now.Yes, 100_030*unit.Coin)
	near("no", now.No, 40*unit.Coin)
	near("abstain", now.Abstain, 100_000*unit.Coin)
	// What counts is what they have when the vote closes.
	w.do(fan, &Unstake{Hotkey: w.hot[0].Public(), Amount: StakeAmount(10 * unit.Coin)})
	if v, ok, _ := LoadVote(w.v, 0, fan.Public()); !ok || v != VoteNo {
		t.Error(v, ok)
	}
	w.until(at + 9)
	if p := w.proposal(0); p.State != ProposalVoting {
		t.Fatal(p.State)
	}
	before = w.balance(c.Public())
	w.do(w.cold[2], &Vote{0, VoteYes}) // in the closing block itself
	p := w.proposal(0)
	if p.State != ProposalPassed || p.Deposit != 0 || w.balance(c.Public()) != before+100*unit.Coin {
		t.Fatalf("%+v", p)
	}
	near("yes", p.Tally.Yes, 200_030*unit.Coin)
	near("no", p.Tally.No, 30*unit.Coin)
	w.rejects("too late", CodeVoteClosed, w.cold[2], &Vote{0, VoteNo})
	if _, ok, _ := LoadVote(w.v, 0, fan.Public()); ok {
		t.Error("votes are kept")
	}
	w.until(at + 14)
	if w.params().FeeBase == 77 {
		t.Error("executed too early")
	}
	w.block()
	if p := w.proposal(0); p.State != ProposalExecuted || w.params().FeeBase != 77 {
		t.Errorf("%+v, fee %s", p, w.params().FeeBase)
	}
	if open, next, err := Proposals(w.v); err != nil || len(open) != 0 || next != 1 {
		t.Error(open, next, err)
	}
}

func TestVoteOutcomes(t *testing.T) {
	w := parish(t, nil)
	c := w.cold[4]
	ask := func(p *Propose, votes ...Choice) *Proposal {
		t.Helper()
		_, id, _ := Proposals(w.v)
		w.do(c, p)
		for i, v := range votes {
			if v != 0 {
				w.do(w.cold[i], &Vote{id, v})
			}
		}
		w.until(w.proposal(id).Executes)
		return w.proposal(id)
	}
	held := func() unit.TAO { tot, _ := LoadTotals(w.v); return tot.Held }
	before, kept := w.balance(c.Public()), held()
	if p := ask(&Propose{Text: "nobody cares"}); p.State != ProposalNoQuorum || before-w.balance(c.Public()) < 100*unit.Coin || held() != kept {
		t.Errorf("%+v", p)
	}
	if p := ask(&Propose{Text: "one third is enough"}, 0, VoteYes); p.State != ProposalExecuted {
		t.Errorf("%+v", p)
	}
	before = w.balance(c.Public())
	if p := ask(&Propose{Name: "slash", Value: 5}, VoteYes, VoteNo); p.State != ProposalRejected || before-w.balance(c.Public()) > unit.Coin || w.params().Slash == 5 {
		t.Errorf("half and half: %+v", p)
	}
	if p := ask(&Propose{Text: "a text passes"}, VoteYes, VoteYes, VoteNo); p.State != ProposalExecuted {
		t.Errorf("%+v", p)
	}
	// A subnet's parameter beyond what its owner could set, from its next epoch on.
	if p := ask(&Propose{NetUID: net, Name: "tempo", Value: 100}, VoteYes, VoteYes); p.State != ProposalExecuted {
		t.Errorf("%+v", p)
	}
	w.until(w.height + 20)
	if sub, _ := LoadSubnet(w.v, net); sub.Params.Tempo != 100 {
		t.Error(sub.Params.Tempo)
	}
	// What no longer fits is recorded and not tried again.
	p := ask(&Propose{NetUID: net, Name: "max_uids", Value: 64}, VoteYes, VoteYes)
	q := ask(&Propose{NetUID: net, Name: "max_uids", Value: 3}, VoteYes, VoteYes)
	if p.State != ProposalExecuted || q.State != ProposalFailed || !strings.Contains(q.Failure, "max_validators") && !strings.Contains(q.Failure, "neurons") {
		t.Errorf("%+v %+v", p, q)
	}
	if p := ask(&Propose{Name: "max_take", Value: 10}, VoteYes, VoteYes); p.State != ProposalExecuted {
		t.Errorf("%+v", p)
	}
	if p := ask(&Propose{Name: "min_take", Value: 11}, VoteYes, VoteYes); p.State != ProposalFailed || w.params().MinTake != 0 {
		t.Errorf("%+v", p)
	}
}

// Where everything stops: as many proposals as may be open, and the thresholds
// to the unit.
func TestVoteBounds(t *testing.T) {
	w := parish(t, func(p *Params) { p.ProposalDeposit = 0 })
	s := newState(w.v)
	a := agenda{Next: 100}
	for i := range maxOpen {
		a.Open = append(a.Open, item{uint64(i + 30), 1 << 40})
	}
	store(s, []byte(prefixAgenda), a)
	w.v.write(s.writes(s.changes()))
	w.rejects("one too many", CodeProposals, w.cold[4], &Propose{Text: "x"})
	for _, c := range []struct {
		yes, no, abstain, root unit.TAO
		want                   ProposalState
	}{
		{0, 0, 0, 0, ProposalNoQuorum}, {0, 0, 0, 65535, ProposalNoQuorum},
		{10_000, 0, 11_844, 65535, ProposalNoQuorum}, {10_000, 0, 11_845, 65535, ProposalPassed},
		{0, 0, 65535, 65535, ProposalRejected}, {32_767, 32_768, 0, 65535, ProposalRejected}, {32_768, 32_767, 0, 65535, ProposalPassed},
		{MaxTAO, 0, 0, MaxTAO, ProposalPassed}, {MaxTAO / 2, MaxTAO / 2, 0, MaxTAO, ProposalRejected},
	} {
		tally := Tally{c.yes, c.no, c.abstain, c.root}
		if got := tally.outcome(21_845, 32_768); got != c.want {
			t.Errorf("%+v: %s, want %s", c, got, c.want)
		}
	}
}
