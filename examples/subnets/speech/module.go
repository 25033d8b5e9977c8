package speech

import (
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/reward"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Module returns the subnet's operations.
func Module() sdk.Module {
	return sdk.Module{Describe: Describe, Task: DrawTask, Score: Score, Rank: reward.Rank, Check: Check, Render: Render}
}

// Describe says in words what the subnet asks for.
func Describe() abi.Description {
	return abi.Description{
		Title:  "Speech: write down what is said",
		Task:   "three clips of speech, µ-law at 8 kHz, at most 8 s each",
		Answer: "the words of each clip",
		Score:  "the mean over the clips of 1 - word error rate, at least 0, a clip weighing more the worse the field hears it; capitals, punctuation and the spelling of digits do not matter",
	}
}

// Render shows an answer for people, one line for each clip, with the words as they
// are compared.
func Render(payload []byte) (string, error) {
	var texts []string
	err := error(nil)
	for n := 1; n <= Clips; n++ {
		if texts, err = DecodeTexts(payload, n); err == nil {
			break
		}
	}
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, t := range texts {
		b.WriteString(strconv.Itoa(i+1) + ": " + strings.Join(Normalise(t), " ") + "\n")
	}
	return b.String(), nil
}
