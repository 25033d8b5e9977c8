package learn

import (
	"strconv"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/reward"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Module returns the subnet's operations.
func Module() sdk.Module {
	return sdk.Module{Describe: Describe, Task: DrawTask, Score: Score, Rank: reward.Rank, Check: Check, Render: Render, Merge: Merge}
}

// Describe says in words what the subnet asks for.
func Describe() abi.Description {
	return abi.Description{
		Title: "Learn: updates to a shared model of text",
		Task:  "the shared model: 16,384 weights that predict a text bit by bit",
		Answer: "changes of at most 2,048 weights, learned from text that you alone have; one update for an epoch, " +
			"the same in each of its rounds",
		Score: "the loss that the update removes on text held out, alone and beyond the others' in equal parts, " +
			"as a part of 8 bits for each byte",
	}
}

// Check says whether a payload is an update, and if not, why.
func Check(r *abi.CheckRequest) (abi.Verdict, error) {
	if _, err := DecodePublic(r.Public); err != nil {
		return abi.Verdict{}, err
	}
	if _, err := DecodeUpdate(r.Payload); err != nil {
		return abi.Verdict{Reason: err.Error()}, nil
	}
	return abi.Verdict{OK: true}, nil
}

// Render shows an update for people: how much it changes, and its greatest change.
func Render(payload []byte) (string, error) {
	u, err := DecodeUpdate(payload)
	if err != nil {
		return "", err
	}
	most, at := int32(0), 0
	for i := range u.By {
		if c := u.change(i); max(c, -c) > max(most, -most) {
			most, at = c, i
		}
	}
	b := strconv.AppendInt(nil, int64(len(u.At)), 10)
	b = append(b, " weights change"...)
	if most != 0 {
		b = append(b, "; most of all weight "...)
		b = strconv.AppendInt(b, int64(u.At[at]), 10)
		b = append(b, ", by "...)
		b = strconv.AppendInt(b, int64(most), 10)
		b = append(b, "/256"...)
	}
	return string(append(b, '\n')), nil
}
