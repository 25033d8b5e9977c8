package ledger

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Choice is what a vote says.
type Choice uint8

// The choices. The numbers are part of consensus.
const (
	VoteYes     Choice = 1
	VoteNo      Choice = 2
	VoteAbstain Choice = 3
)

// String names the choice.
func (c Choice) String() string {
	switch c {
	case VoteYes:
		return "yes"
	case VoteNo:
		return "no"
	case VoteAbstain:
		return "abstain"
	}
	return "unknown"
}

// ballot is a vote as it is kept until the count.
type ballot struct{ Choice Choice }

func (v *ballot) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 2), 1), uint64(v.Choice))
}

func (v *ballot) decode(d *cbor.Decoder) {
	d.Version(2, 1)
	v.Choice = decodeChoice(d)
}

func decodeChoice(d *cbor.Decoder) Choice {
	c := Choice(d.UintMax(uint64(VoteAbstain)))
	if c == 0 && d.Err() == nil {
		d.Fail(cbor.ErrRange)
	}
	return c
}

func ballotKey(id uint64, c Coldkey) []byte { return append(ballotsKey(id), c[:]...) }
func ballotsKey(id uint64) []byte           { return binary.BigEndian.AppendUint64([]byte(prefixBallot), id) }

// Vote says what the signer wants of a proposal: [1, proposal, choice]. The last
// one until the closing block counts.
type Vote struct {
	Proposal uint64
	Choice   Choice
}

func (*Vote) kind() Kind { return KindVote }

func (p *Vote) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), p.Proposal), uint64(p.Choice))
}

func decodeVote(d *cbor.Decoder) *Vote {
	d.Version(3, 1)
	return &Vote{Proposal: d.Uint(), Choice: decodeChoice(d)}
}

func applyVote(s *state, t *Tx, p *Vote, params *Params) error {
	q, ok := fetch[Proposal](s, proposalKey(p.Proposal))
	if !ok {
		return reject(CodeProposal, "no proposal %d was made", p.Proposal)
	}
	if q.State != ProposalVoting {
		return reject(CodeVoteClosed, "proposal %d took votes until block %d", p.Proposal, q.Closes)
	}
	// A vote is counted in one block with all others: one that hardly weighs
	// anything is not taken.
	var weighs unit.TAO
	own, stands, err := votesOf(s, t.Account)
	if err != nil {
		return err
	}
	for _, x := range own {
		weighs += unit.TAO(x.Worth)
	}
	for _, h := range stands {
		weighs = max(weighs, unit.TAO(rootStake(s, h)))
	}
	if weighs < params.VoteMin {
		return reject(CodeAmount, "%s on root, of one's own or behind one's hotkey: at least %s to vote", weighs, params.VoteMin)
	}
	store(s, ballotKey(p.Proposal, t.Account), ballot{p.Choice})
	s.emit(Event{Kind: "voted", Hotkey: t.Account, Amount: p.Proposal})
	return nil
}

// votesOf lists what a coldkey has on root, and the hotkeys for whose other
// nominators it votes.
func votesOf(r Ranger, c Coldkey) (own []Holding, stands []Hotkey, err error) {
	prefix := binary.BigEndian.AppendUint16(append([]byte(prefixHolding), c[:]...), 0)
	if own, err = loadHoldings(r, prefix, c); err != nil {
		return nil, nil, err
	}
	stands, err = LoadOwned(r, c)
	return own, stands, err
}

// CountVotes weighs the votes on a proposal by the root stake of now: that of
// each who voted, and for each hotkey whose owner voted, the stake behind it of
// those who did not (differences, votes).
func CountVotes(r Ranger, id uint64) (Tally, error) {
	var sum Tally
	tot, err := LoadTotals(r)
	if err != nil || tot == nil {
		return sum, err
	}
	sum.Root = tot.Root
	prefix := ballotsKey(id)
	add := func(c Choice, x unit.TAO) {
		switch c {
		case VoteYes:
			sum.Yes += x
		case VoteNo:
			sum.No += x
		case VoteAbstain:
			sum.Abstain += x
		}
	}
	type delegated struct {
		hotkey Hotkey
		choice Choice
	}
	var others []delegated
	voted := map[Hotkey]uint64{} // behind each hotkey, of those who voted themselves
	err = r.Range(prefix, func(k, v []byte) error {
		b, err := decodeAs[ballot](string(k), v)
		if err != nil {
			return err
		}
		own, stands, err := votesOf(r, key.ID(k[len(prefix):]))
		if err != nil {
			return err
		}
		for _, x := range own {
			add(b.Choice, unit.TAO(x.Worth))
			voted[x.Hotkey] += x.Worth
		}
		for _, h := range stands {
			others = append(others, delegated{h, b.Choice})
		}
		return nil
	})
	for _, d := range others {
		stake, err := LoadStake(r, 0, d.hotkey)
		if err != nil {
			return sum, err
		}
		add(d.choice, unit.TAO(stake-min(stake, voted[d.hotkey])))
	}
	return sum, err
}

// LoadVote reads how a coldkey has voted on an open proposal; false when it has
// not.
func LoadVote(v View, id uint64, c Coldkey) (Choice, bool, error) {
	b, ok, err := load[ballot](v, ballotKey(id, c))
	return b.Choice, ok, err
}

// closeVote counts a proposal's votes, settles its deposit and forgets the votes.
func closeVote(s *state, p *Proposal) error {
	var err error
	if p.Tally, err = CountVotes(s, p.ID); err != nil {
		return err
	}
	if err := s.drop(ballotsKey(p.ID)); err != nil {
		return err
	}
	t := &p.Tally
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Held -= p.Deposit
	p.State = t.outcome(p.Quorum, p.Threshold)
	if p.State == ProposalNoQuorum {
		tot.Burned += p.Deposit
	} else {
		tot.Free += p.Deposit
		to := s.coldkey(p.Proposer)
		acc := s.account(to)
		acc.Balance += p.Deposit // the sum of all balances fits
		s.setAccount(to, acc)
	}
	p.Deposit = 0
	store(s, []byte(prefixTotals), tot)
	return s.err
}

// outcome decides: enough of all root stake voted, and of those who said yes or
// no enough said yes.
func (t *Tally) outcome(quorum, threshold uint16) ProposalState {
	reaches := func(part, whole unit.TAO, of uint16) bool {
		return unit.Mul64(uint64(part), 65535).Cmp(unit.Mul64(uint64(whole), uint64(of))) >= 0
	}
	switch {
	case t.Yes+t.No+t.Abstain == 0 || !reaches(t.Yes+t.No+t.Abstain, t.Root, quorum):
		return ProposalNoQuorum
	case t.Yes == 0 || !reaches(t.Yes, t.Yes+t.No, threshold):
		return ProposalRejected
	}
	return ProposalPassed
}
