package ledger

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Who holds TAO on root decides together about what no owner may set. A holder
// with a deposit proposes a change of one parameter, of the chain or of a subnet,
// or a text. Votes name only a choice; they weigh what their coldkey has on root
// at the closing block. Who did not vote has voted as the owner of the hotkey
// that their stake stands behind. What has passed is carried out by itself after
// a delay, or its failure is recorded (differences, authority).

// Bounds of proposals.
const (
	maxOpen        = 64      // proposals that are voted on or wait
	MaxProposal    = 4 << 10 // bytes of a proposal's text
	maxFailureText = 256
)

// ProposalState is what has become of a proposal.
type ProposalState uint8

// The states. The numbers are part of consensus.
const (
	ProposalVoting   ProposalState = 1 // votes are taken
	ProposalNoQuorum ProposalState = 2 // too few voted: the deposit is burned
	ProposalRejected ProposalState = 3 // too few agreed
	ProposalPassed   ProposalState = 4 // its execution waits
	ProposalExecuted ProposalState = 5
	ProposalFailed   ProposalState = 6 // could not be carried out, see Failure
)

// String names the state.
func (p ProposalState) String() string {
	if p == 0 || int(p) > 6 {
		return "unknown"
	}
	return []string{"voting", "no quorum", "rejected", "passed", "executed", "failed"}[p-1]
}

// Proposal is one with its votes as they were counted.
type Proposal struct {
	ID        uint64
	Proposer  Coldkey
	Deposit   unit.TAO // as long as it is held; 0 once it is returned or burned
	NetUID    NetUID   // 0 for the chain
	Name      string   // parameter; empty for a text
	Value     uint64
	Text      string
	Opened    Height
	Closes    Height // last block whose votes count
	Executes  Height // block in which it is carried out, if it passes
	Quorum    uint16 // part of all root stake that must vote, over 65,535
	Threshold uint16 // part of yes and no that must agree, over 65,535
	State     ProposalState
	Tally     Tally
	Failure   string // why it could not be carried out
}

// Tally is votes by weight, in rao on root.
type Tally struct {
	Yes, No, Abstain unit.TAO
	Root             unit.TAO // all there is on root
}

func (p *Proposal) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 19), 1), p.ID)
	b = cbor.AppendUint(cbor.AppendBytes(b, p.Proposer[:]), uint64(p.Deposit))
	b = cbor.AppendUint(cbor.AppendText(cbor.AppendUint(b, uint64(p.NetUID)), p.Name), p.Value)
	b = cbor.AppendText(b, p.Text)
	for _, v := range []uint64{p.Opened, p.Closes, p.Executes, uint64(p.Quorum), uint64(p.Threshold), uint64(p.State),
		uint64(p.Tally.Yes), uint64(p.Tally.No), uint64(p.Tally.Abstain), uint64(p.Tally.Root)} {
		b = cbor.AppendUint(b, v)
	}
	return cbor.AppendText(b, p.Failure)
}

func (p *Proposal) decode(d *cbor.Decoder) {
	d.Version(19, 1)
	p.ID, p.Proposer, p.Deposit = d.Uint(), d.Hash(), unit.TAO(d.Uint())
	p.NetUID, p.Name, p.Value, p.Text = decodeNetUID(d), d.Text(maxName), d.Uint(), d.Text(MaxProposal)
	p.Opened, p.Closes, p.Executes = d.Uint(), d.Uint(), d.Uint()
	p.Quorum, p.Threshold, p.State = uint16(d.UintMax(65535)), uint16(d.UintMax(65535)), ProposalState(d.UintMax(6))
	for _, v := range []*unit.TAO{&p.Tally.Yes, &p.Tally.No, &p.Tally.Abstain, &p.Tally.Root} {
		*v = unit.TAO(d.Uint())
	}
	p.Failure = d.Text(maxFailureText)
}

func proposalKey(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte(prefixProposal), id) }

// LoadProposal reads a proposal by its number, nil when there is none.
func LoadProposal(v View, id uint64) (*Proposal, error) { return ptr[Proposal](v, proposalKey(id)) }

// agenda is the next free number and what is to be done for whom.
type agenda struct {
	Next uint64
	Open []item // rising by number
}

type item struct {
	ID  uint64
	Due Height // block at which it is counted or carried out
}

func (a *agenda) append(b []byte) []byte {
	b = cbor.AppendArray(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), a.Next), len(a.Open))
	for _, x := range a.Open {
		b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 2), x.ID), x.Due)
	}
	return b
}

func (a *agenda) decode(d *cbor.Decoder) {
	d.Version(3, 1)
	a.Next, a.Open = d.Uint(), nil
	for range d.ArrayMax(maxOpen) {
		d.Array(2)
		a.Open = append(a.Open, item{d.Uint(), d.Uint()})
	}
}

// Proposals returns the numbers of the proposals that are voted on or wait, and
// the number that the next one will get; all below it were made.
func Proposals(v View) (open []uint64, next uint64, err error) {
	a, _, err := load[agenda](v, []byte(prefixAgenda))
	for _, x := range a.Open {
		open = append(open, x.ID)
	}
	return open, a.Next, err
}

// Propose asks for a vote on a parameter or a text: [1, netuid, name, value,
// text]. The name is one of ChainParameters on netuid 0, else of
// SubnetParameters, or empty for a text alone. The deposit comes back when enough
// vote, whatever they decide.
type Propose struct {
	NetUID NetUID
	Name   string `show:"parameter"`
	Value  uint64
	Text   string
}

func (*Propose) kind() Kind { return KindPropose }

func (p *Propose) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 5), 1), uint64(p.NetUID))
	return cbor.AppendText(cbor.AppendUint(cbor.AppendText(b, p.Name), p.Value), p.Text)
}

func decodePropose(d *cbor.Decoder) *Propose {
	d.Version(5, 1)
	return &Propose{NetUID: decodeNetUID(d), Name: d.Text(maxName), Value: d.Uint(), Text: d.Text(MaxProposal)}
}

func applyPropose(s *state, t *Tx, p *Propose, h Height, params *Params) error {
	if p.NetUID != 0 && !s.has(subnetKey(p.NetUID)) {
		return reject(CodeNetUID, "netuid %d", p.NetUID)
	}
	var err error
	switch chain, subnet := *params, DefaultSubnetParams(); {
	case p.Name == "" && (p.Text == "" || p.NetUID != 0 || p.Value != 0):
		err = errors.New("a text alone has words, and neither a subnet nor a value")
	case p.Name == "":
	case p.NetUID == 0:
		err = chain.Set(p.Name, p.Value)
	default:
		err = subnet.Set(p.Name, p.Value, false)
	}
	if err != nil {
		return reject(CodeParameter, "%v", err)
	}
	a, _ := fetch[agenda](s, []byte(prefixAgenda))
	if len(a.Open) >= maxOpen {
		return reject(CodeProposals, "%d proposals are open", maxOpen)
	}
	if err := pay(s, t, params.ProposalDeposit); err != nil {
		return err
	}
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Held += params.ProposalDeposit
	store(s, []byte(prefixTotals), tot)
	q := Proposal{ID: a.Next, Proposer: t.Account, Deposit: params.ProposalDeposit, NetUID: p.NetUID, Name: p.Name, Value: p.Value,
		Text: p.Text, Opened: h, Closes: h + params.VotingPeriod, Quorum: params.Quorum, Threshold: params.Threshold, State: ProposalVoting}
	q.Executes = q.Closes + params.ExecutionDelay
	store(s, proposalKey(q.ID), q)
	a.Next, a.Open = a.Next+1, append(a.Open, item{q.ID, q.Closes})
	store(s, []byte(prefixAgenda), a)
	s.emit(Event{Kind: "proposed", NetUID: p.NetUID, Hotkey: t.Account, Amount: q.ID})
	return nil
}

// govern counts the votes of the proposals that close with this block and
// carries out those whose time has come.
func govern(s *state, h Height) error {
	a, ok := fetch[agenda](s, []byte(prefixAgenda))
	if !ok || len(a.Open) == 0 {
		return s.err
	}
	var rest []item
	for _, x := range a.Open {
		if x.Due > h {
			rest = append(rest, x)
			continue
		}
		p := need[Proposal](s, proposalKey(x.ID))
		if s.err != nil {
			return s.err
		}
		if p.State == ProposalVoting {
			if err := closeVote(s, &p); err != nil {
				return err
			}
			if p.State == ProposalPassed && p.Executes > h {
				rest = append(rest, item{p.ID, p.Executes})
			}
		}
		if p.State == ProposalPassed && p.Executes <= h {
			if err := carryOut(s, &p); err != nil {
				return err
			}
		}
		store(s, proposalKey(p.ID), p)
		s.emit(Event{Kind: "proposal " + p.State.String(), NetUID: p.NetUID, Hotkey: p.Proposer, Amount: p.ID})
	}
	if !slices.Equal(rest, a.Open) {
		a.Open = rest
		store(s, []byte(prefixAgenda), a)
	}
	return s.err
}

// carryOut does what a proposal asks for. Its bounds are checked again: what it
// must agree with may have changed since. What cannot be done is recorded.
func carryOut(s *state, p *Proposal) error {
	journal, events := s.mark()
	err := change(s, p)
	if err == nil {
		p.State = ProposalExecuted
		return s.err
	}
	if errors.Is(err, ErrBroken) || s.err != nil {
		return err
	}
	s.revert(journal, events)
	var r *Reject
	p.State, p.Failure = ProposalFailed, err.Error()
	if errors.As(err, &r) {
		p.Failure = r.Detail
	}
	p.Failure = p.Failure[:min(len(p.Failure), maxFailureText)]
	return nil
}

func change(s *state, p *Proposal) error {
	if p.Name == "" {
		return nil
	}
	if p.NetUID == 0 {
		params := need[Params](s, []byte(prefixParams))
		if err := params.Set(p.Name, p.Value); err != nil {
			return err
		}
		if err := params.Validate(); err != nil {
			return err
		}
		store(s, []byte(prefixParams), params)
		return nil
	}
	sub, ok := fetch[Subnet](s, subnetKey(p.NetUID))
	if !ok || sub.Created > p.Opened {
		return reject(CodeNetUID, "netuid %d is no longer the subnet that it was", p.NetUID)
	}
	next := planned(s, p.NetUID, &sub)
	if err := next.Params.Set(p.Name, p.Value, false); err != nil {
		return err
	}
	if err := next.Params.validate(); err != nil {
		return err
	}
	if err := fits(s, p.NetUID, &sub, &next); err != nil {
		return err
	}
	plan(s, p.NetUID, &sub, next)
	return nil
}
