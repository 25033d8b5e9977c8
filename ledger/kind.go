package ledger

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Kind numbers the kinds of transactions. The numbers are part of consensus.
// 40 to 49 are kept free for payment channels and 50 to 59 for disputes.
type Kind uint64

// The kinds.
const (
	KindTransfer Kind = 1
	KindRegister Kind = 2
	KindStake    Kind = 3
	KindCommit   Kind = 4
	KindReveal   Kind = 5

	// 8 stays free: a multisig account is a way to sign, not a kind.
	KindTransferAll     Kind = 6
	KindBatch           Kind = 7
	KindSetProxy        Kind = 9
	KindProxied         Kind = 10
	KindAnnounceProxied Kind = 11
	KindCancelProxied   Kind = 12

	KindServe               Kind = 13
	KindCreateSubnet        Kind = 17
	KindStartSubnet         Kind = 18
	KindSetParams           Kind = 19
	KindSetIdentity         Kind = 20
	KindNameModule          Kind = 21
	KindStoreModule         Kind = 22
	KindStoreChunk          Kind = 23
	KindSetMechanisms       Kind = 38
	KindTrim                Kind = 39
	KindSetData             Kind = 60
	KindRotateWorkKeys      Kind = 61
	KindAnnounceProducer    Kind = 14
	KindWithdrawProducer    Kind = 15
	KindUnjail              Kind = 16
	KindUnstake             Kind = 24
	KindMoveStake           Kind = 25
	KindSwapStake           Kind = 26
	KindTransferStake       Kind = 27
	KindSetTake             Kind = 28
	KindSetChildren         Kind = 29
	KindSetChildTake        Kind = 30
	KindSetAutoStake        Kind = 31
	KindSwapHotkey          Kind = 32
	KindAnnounceColdkeySwap Kind = 33
	KindSwapColdkey         Kind = 34
	KindDisputeColdkeySwap  Kind = 35
	KindPropose             Kind = 36
	KindVote                Kind = 37
)

// kinds is what there is to know of each kind before it is decoded. How it is
// decoded stands in decodePayload, what applying it does in execute.
var kinds = map[Kind]struct {
	name  string
	steps uint64 // work asked of the ledger, in the unit of the fee's per-step part
	free  bool   // signed by a hotkey, pays no fee and is guarded by a slot
}{
	KindTransfer: {name: "transfer", steps: 1},
	KindRegister: {name: "register", steps: 4},
	KindStake:    {name: "stake", steps: 2},
	KindCommit:   {name: "commit", steps: 2, free: true},
	KindReveal:   {name: "reveal", steps: 4, free: true},

	KindTransferAll:     {name: "transfer-all", steps: 1},
	KindBatch:           {name: "batch"}, // and the sum of its steps
	KindSetProxy:        {name: "set-proxy", steps: 2},
	KindProxied:         {name: "proxied", steps: 1}, // and those of its call
	KindAnnounceProxied: {name: "announce-proxied", steps: 2},
	KindCancelProxied:   {name: "cancel-proxied", steps: 1},

	KindServe:               {name: "serve", steps: 2, free: true},
	KindCreateSubnet:        {name: "create-subnet", steps: 100},
	KindStartSubnet:         {name: "start-subnet", steps: 2},
	KindSetParams:           {name: "set-params", steps: 4},
	KindSetIdentity:         {name: "set-identity", steps: 2},
	KindNameModule:          {name: "name-module", steps: 4},
	KindStoreModule:         {name: "store-module", steps: 4},
	KindStoreChunk:          {name: "store-chunk", steps: 20},
	KindSetMechanisms:       {name: "set-mechanisms", steps: 2},
	KindTrim:                {name: "trim", steps: 100},
	KindSetData:             {name: "set-data", steps: 2},
	KindRotateWorkKeys:      {name: "rotate-work-keys", steps: 4},
	KindAnnounceProducer:    {name: "announce-producer", steps: 20},
	KindWithdrawProducer:    {name: "withdraw-producer", steps: 2},
	KindUnjail:              {name: "unjail", steps: 2},
	KindUnstake:             {name: "unstake", steps: 3},
	KindMoveStake:           {name: "move-stake", steps: 3},
	KindSwapStake:           {name: "swap-stake", steps: 4},
	KindTransferStake:       {name: "transfer-stake", steps: 3},
	KindSetTake:             {name: "set-take", steps: 2},
	KindSetChildren:         {name: "set-children", steps: 20},
	KindSetChildTake:        {name: "set-child-take", steps: 2},
	KindSetAutoStake:        {name: "set-auto-stake", steps: 2},
	KindSwapHotkey:          {name: "swap-hotkey", steps: 200},
	KindAnnounceColdkeySwap: {name: "announce-coldkey-swap", steps: 2},
	KindSwapColdkey:         {name: "swap-coldkey", steps: 200},
	KindDisputeColdkeySwap:  {name: "dispute-coldkey-swap", steps: 2},
	KindPropose:             {name: "propose", steps: 20},
	KindVote:                {name: "vote", steps: 20},
}

// String returns the kind's name.
func (k Kind) String() string {
	if i, ok := kinds[k]; ok {
		return i.name
	}
	return fmt.Sprintf("kind %d", uint64(k))
}

// decodePayload reads a payload of kind k: *Reject with CodeKind or
// CodeMalformed.
func decodePayload(k Kind, b []byte) (Payload, error) {
	var p Payload
	d := cbor.NewDecoder(b)
	switch k {
	case KindTransfer:
		p = decodeTransfer(d)
	case KindRegister:
		p = decodeRegister(d)
	case KindStake:
		p = decodeStake(d)
	case KindCommit:
		p = decodeCommit(d)
	case KindReveal:
		p = decodeReveal(d)
	case KindTransferAll:
		p = decodeTransferAll(d)
	case KindBatch:
		p = decodeBatch(d)
	case KindSetProxy:
		p = decodeSetProxy(d)
	case KindProxied:
		p = decodeProxied(d)
	case KindAnnounceProxied:
		p = decodeAnnounceProxied(d)
	case KindCancelProxied:
		p = decodeCancelProxied(d)
	case KindServe:
		p = decodeServe(d)
	case KindCreateSubnet:
		p = decodeCreateSubnet(d)
	case KindStartSubnet:
		p = decodeStartSubnet(d)
	case KindSetParams:
		p = decodeSetParams(d)
	case KindSetIdentity:
		p = decodeSetIdentity(d)
	case KindNameModule:
		p = decodeNameModule(d)
	case KindStoreModule:
		p = decodeStoreModule(d)
	case KindStoreChunk:
		p = decodeStoreChunk(d)
	case KindSetMechanisms:
		p = decodeSetMechanisms(d)
	case KindTrim:
		p = decodeTrim(d)
	case KindSetData:
		p = decodeSetData(d)
	case KindRotateWorkKeys:
		p = decodeRotateWorkKeys(d)
	case KindAnnounceProducer:
		p = decodeAnnounceProducer(d)
	case KindWithdrawProducer:
		p = decodeWithdrawProducer(d)
	case KindUnjail:
		p = decodeUnjail(d)
	case KindUnstake:
		p = decodeUnstake(d)
	case KindMoveStake:
		p = decodeMoveStake(d)
	case KindSwapStake:
		p = decodeSwapStake(d)
	case KindTransferStake:
		p = decodeTransferStake(d)
	case KindSetTake:
		p = decodeSetTake(d)
	case KindSetChildren:
		p = decodeSetChildren(d)
	case KindSetChildTake:
		p = decodeSetChildTake(d)
	case KindSetAutoStake:
		p = decodeSetAutoStake(d)
	case KindSwapHotkey:
		p = decodeSwapHotkey(d)
	case KindAnnounceColdkeySwap:
		p = decodeAnnounceColdkeySwap(d)
	case KindSwapColdkey:
		p = decodeSwapColdkey(d)
	case KindDisputeColdkeySwap:
		p = decodeDisputeColdkeySwap(d)
	case KindPropose:
		p = decodePropose(d)
	case KindVote:
		p = decodeVote(d)
	default:
		return nil, reject(CodeKind, "kind %d", uint64(k))
	}
	if err := d.End(); err != nil {
		return nil, reject(CodeMalformed, "%s: %v", k, err)
	}
	return p, nil
}

// Free reports whether the kind pays no fee and is guarded by a slot.
func (t *Tx) Free() bool { return kinds[t.Kind].free }

// steps is the work that a transaction asks of the ledger: that of its kind,
// and one step for each signature beyond the first.
func (t *Tx) steps() uint64 {
	n := payloadSteps(t.Payload)
	if t.approval != nil {
		n += uint64(len(t.approval.Signatures) - 1)
	}
	return n
}

func payloadSteps(p Payload) uint64 {
	n := kinds[p.kind()].steps
	switch p := p.(type) {
	case *Batch:
		for _, step := range p.Steps {
			n += payloadSteps(step)
		}
	case *Proxied:
		n += payloadSteps(p.Call)
	}
	return n
}
