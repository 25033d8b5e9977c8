package main

import (
	"testing"

	"github.com/plexus-network/plexus/abi"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// call runs an operation as the sandbox does, without it.
func call(t *testing.T, op abi.Op, in []byte) []byte {
	t.Helper()
	b, err := sdk.Call(module(), op, in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRound(t *testing.T) {
	request := abi.TaskRequest{Beta: [32]byte{7}}
	task, err := abi.DecodeTask(call(t, abi.OpTask, request.Append(nil)))
	if err != nil {
		t.Fatal(err)
	}
	round := abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{task.Private, nil, []byte("no word")}}
	scores, err := abi.DecodeScores(call(t, abi.OpScore, round.Append(nil)), 3)
	if err != nil {
		t.Fatal(err)
	}
	if scores[0] != abi.One || scores[1] != 0 || scores[2] != 0 {
		t.Errorf("scores %v", scores)
	}
	epoch := abi.RankRequest{Rows: []abi.Row{{Scores: []uint64{abi.One, 0}}, {Scores: []uint64{}}}}
	ranks, err := abi.DecodeRanks(call(t, abi.OpRank, epoch.Append(nil)), 2)
	if err != nil {
		t.Fatal(err)
	}
	if ranks[0].Weight != abi.One/2 || ranks[1].Weight != 0 || len(ranks[0].Carry) != 8 {
		t.Errorf("ranks %+v", ranks)
	}
}
