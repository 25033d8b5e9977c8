package chain

import (
	"strings"
	"testing"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/mempool"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/types"
)

// A block dated a minute ahead is not voted for: CometBFT compares with the
// clock of each voter, by the tolerance that this configuration gives it.
func TestBlocksOfTheFuture(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 1)
	n := net.launch(t, t.TempDir(), 0)
	n.reach(t, 3)
	state, err := n.engine.state.Load()
	if err != nil {
		t.Fatal(err)
	}
	exec := sm.NewBlockExecutor(n.engine.state, log.NewNopLogger(), nil, &mempool.NopMempool{}, sm.EmptyEvidencePool{}, n.engine.blocks,
		sm.BlockExecutorWithBlockTimeTolerance(cometConfig(t.TempDir()).Consensus.BlockTimeTolerance))
	for _, x := range []struct {
		ahead   time.Duration
		refused bool
	}{{50 * time.Second, false}, {61 * time.Second, true}, {time.Hour, true}} {
		commit := n.engine.blocks.LoadSeenCommit(state.LastBlockHeight)
		if commit == nil {
			t.Fatal("no commit of the last block")
		}
		b, err := state.MakeBlock(state.LastBlockHeight+1, nil, commit, nil, state.Validators.Validators[0].Address)
		if err != nil {
			t.Fatal(err)
		}
		b.Time = time.Now().Add(x.ahead)
		err = exec.ValidateBlock(state, &types.Block{Header: b.Header, Data: b.Data, Evidence: b.Evidence, LastCommit: b.LastCommit})
		if err == nil || strings.Contains(err.Error(), "too far in the future") != x.refused {
			t.Errorf("%v ahead: %v", x.ahead, err)
		}
	}
}
