package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Why says where a hotkey's income comes from, or why there is none. Shares are
// parts of one. What needs evidence that is not at hand is absent, and the field
// evidence says why.
type Why struct {
	NetUID     uint16     `json:"netuid"`
	Height     uint64     `json:"height" doc:"Block whose state this is"`
	Epoch      uint64     `json:"epoch" doc:"The running epoch"`
	Hotkey     Address    `json:"hotkey"`
	UID        *uint16    `json:"uid,omitempty" doc:"Absent when the hotkey has no place in the subnet now"`
	Serves     bool       `json:"serves" doc:"Answers requests: a miner"`
	Permit     bool       `json:"permit" doc:"May validate in the running epoch"`
	Registered uint64     `json:"registered,omitempty" doc:"Block"`
	Stake      Amount     `json:"stake_alpha"`
	Last       *WhyStep   `json:"last,omitempty" doc:"What the last step found and paid, as the chain has it"`
	Place      *WhyPlace  `json:"place,omitempty"`
	Bonds      []WhyBond  `json:"bonds" nullable:"false" doc:"Toward a miner, from those who validate; of a validator, toward miners. As the last step left them"`
	Epochs     []WhyEpoch `json:"epochs" nullable:"false" doc:"The newest first"`
}

// WhyStep is what the last step found of a neuron.
type WhyStep struct {
	Epoch     uint64  `json:"epoch" doc:"The epoch that it settled"`
	Consensus float64 `json:"consensus" doc:"The weight that enough stake agrees on"`
	Incentive float64 `json:"incentive"`
	Dividends float64 `json:"dividends"`
	VTrust    float64 `json:"vtrust" doc:"Of a validator: the part of its weights that survived clipping"`
	Paid      Amount  `json:"paid_alpha"`
	Earned    Amount  `json:"earned_alpha" doc:"By all steps"`
}

// WhyPlace is how safe a neuron's place is.
type WhyPlace struct {
	Rank         int     `json:"rank" doc:"By what the last step paid, 1 the most"`
	Of           int     `json:"of"`
	Free         int     `json:"free" doc:"Registrations that replace nobody"`
	Before       *int    `json:"before,omitempty" doc:"Neurons that are replaced before this one; absent for one that never is"`
	Never        bool    `json:"never" doc:"Of the subnet's owner, and therefore never replaced"`
	ImmuneUntil  uint64  `json:"immune_until" doc:"Block up to which others go first, as long as there are enough of them"`
	ImmuneBlocks uint64  `json:"immune_blocks" doc:"Blocks of that left"`
	Recent       int     `json:"recent_registrations" doc:"Neurons registered in the last recent_blocks"`
	RecentBlocks uint64  `json:"recent_blocks"`
	Expected     *uint64 `json:"expected_block,omitempty" doc:"Block at which it is replaced if registrations go on at this pace and nothing else changes"`
	Forecast     string  `json:"forecast" doc:"The same in words"`
}

// WhyBond is a validator's bond with a miner.
type WhyBond struct {
	Hotkey Address `json:"hotkey"`
	Bond   float64 `json:"bond" doc:"Relative to the largest bond with the miner"`
}

// WhyEpoch is one epoch.
type WhyEpoch struct {
	Epoch     uint64        `json:"epoch"`
	First     uint64        `json:"first" doc:"Its first block"`
	State     string        `json:"state" enum:"running,open,settled,past" doc:"Open: weights are committed and revealed, and its step has not run. Past: the chain no longer has its weights"`
	Member    bool          `json:"member" doc:"In the roster of the epoch"`
	Found     string        `json:"found,omitempty" enum:"chain,recomputed,forecast" doc:"Whether consensus, incentive and vtrust are the chain's own, recomputed from the weights with the stakes that the epoch began with, or what the step would find now"`
	Consensus *float64      `json:"consensus,omitempty"`
	Incentive *float64      `json:"incentive,omitempty"`
	Paid      *Amount       `json:"paid_alpha,omitempty"`
	PaidNote  string        `json:"paid_note,omitempty" doc:"Why it is not known what was paid"`
	Mined     *WhyMined     `json:"mined,omitempty"`
	Validated *WhyValidated `json:"validated,omitempty"`
	// Of a subnet with one mechanism these are all.
	Mechanisms []WhyMechanism `json:"mechanisms,omitempty" doc:"The subnet's further mechanisms; found, consensus, incentive, mined and validated of the epoch are the first one's"`
}

// WhyMechanism is what an epoch was in one of a subnet's further mechanisms.
type WhyMechanism struct {
	Mechanism uint8         `json:"mechanism"`
	Part      float64       `json:"part" doc:"Of the subnet's emission"`
	Found     string        `json:"found,omitempty" enum:"recomputed,forecast"`
	Consensus *float64      `json:"consensus,omitempty"`
	Incentive *float64      `json:"incentive,omitempty"`
	Mined     *WhyMined     `json:"mined,omitempty"`
	Validated *WhyValidated `json:"validated,omitempty"`
}

// WhyAnswers counts what became of requests.
type WhyAnswers struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	None     int `json:"none" doc:"No answer in time, or none that was rightly signed"`
	Busy     int `json:"busy"`
	Withheld int `json:"withheld" doc:"Announced, and the payload did not come in time"`
	Mismatch int `json:"mismatch" doc:"Another payload than announced"`
}

// WhyMined is a miner's work in an epoch.
type WhyMined struct {
	WhyAnswers
	Late       int            `json:"late" doc:"None and withheld"`
	Mean       *float64       `json:"mean_score,omitempty" doc:"Over all requests in the evidence at hand"`
	Median     *float64       `json:"field_median,omitempty" doc:"Of the miners' mean scores"`
	Read       int            `json:"bundles" doc:"Bundles at hand"`
	Validators []WhyValidator `json:"validators" nullable:"false"`
}

// WhyValidator is what one validator made of a miner in an epoch.
type WhyValidator struct {
	Hotkey   Address     `json:"hotkey"`
	Stake    float64     `json:"stake" doc:"Share of the stake that counts"`
	State    string      `json:"state" enum:"silent,committed,revealed"`
	Evidence string      `json:"evidence" doc:"At hand, or why not"`
	Answers  *WhyAnswers `json:"answers,omitempty"`
	Mean     *float64    `json:"mean_score,omitempty"`
	Median   *float64    `json:"field_median,omitempty" doc:"Of the miners that this validator asked"`
	Weight   *float64    `json:"weight,omitempty" doc:"Part of its row"`
	Clipped  *float64    `json:"clipped,omitempty" doc:"What consensus left of that"`
}

// WhyValidated is a validator's work in an epoch.
type WhyValidated struct {
	State         string      `json:"state" enum:"silent,committed,revealed"`
	Root          *Hash       `json:"root,omitempty"`
	Evidence      string      `json:"evidence" doc:"At hand, or why not"`
	Rounds        int         `json:"rounds,omitempty"`
	Skipped       int         `json:"skipped"`
	Answers       *WhyAnswers `json:"answers,omitempty"`
	NoneShare     *float64    `json:"none_share,omitempty" doc:"Of its requests, those that it calls unanswered"`
	NoneField     *float64    `json:"none_field,omitempty" doc:"The same of the other validators at hand"`
	NoneAbove     *float64    `json:"none_above_field,omitempty"`
	VTrust        *float64    `json:"vtrust,omitempty"`
	ClippedShare  *float64    `json:"clipped_share,omitempty" doc:"Part of its weights that consensus took"`
	Dividends     *float64    `json:"dividends,omitempty"`
	DividendsNote string      `json:"dividends_note,omitempty" doc:"Why they are not known"`
}

// whyMost is the greatest number of epochs that are explained at once: older ones
// than ledger keeps are never at hand.
const whyMost = 16

type whyPath struct {
	NetUID uint32 `path:"netuid" maximum:"65535" doc:"Number of the subnet"`
	Hotkey string `path:"hotkey" doc:"In its SS58 form"`
	Epochs int    `query:"epochs" default:"4" minimum:"1" maximum:"16" doc:"How many epochs to explain, the running one included"`
}

func (s *Server) whyRoutes() {
	if s.cfg.Why == nil {
		return
	}
	huma.Register(s.api, s.route(http.MethodGet, "/v1/subnets/{netuid}/why/{hotkey}", "get-why", "Subnets", "Explain a hotkey's income",
		"Requests, answers and scores, weights and what consensus left of them, bonds, income, and how safe the place is. From the chain's state, and from evidence as far as this node has it."),
		func(ctx context.Context, in *whyPath) (*body[Why], error) {
			hot, err := key.Parse(in.Hotkey)
			if err != nil {
				return nil, s.fail(problem(http.StatusBadRequest, "%v", err))
			}
			return read(s, ctx, func(_ uint64, v ledger.View) (*Why, error) {
				if c, err := ledger.LoadClock(v, ledger.NetUID(in.NetUID)); err != nil || c == nil {
					if err == nil {
						err = problem(http.StatusNotFound, "no subnet has netuid %d", in.NetUID)
					}
					return nil, err
				}
				return s.cfg.Why(ctx, v, ledger.NetUID(in.NetUID), hot, min(in.Epochs, whyMost))
			})
		})
}
