package image

import (
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/reward"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Module returns the subnet's operations.
func Module() sdk.Module {
	return sdk.Module{Describe: Describe, Task: DrawTask, Score: Score, Rank: reward.Rank, Check: Check, Render: Render, Parse: Parse}
}

// Describe says in words what the subnet asks for.
func Describe() abi.Description {
	return abi.Description{
		Title:  "Image: draw what the prompt says",
		Task:   "four prompts of rising difficulty: coloured shapes, how many, how large, and where they are to each other",
		Answer: "for each prompt a PNG file of 128 by 128 pixels and at most 16 KiB, in eight colours",
		Score: "the mean over the prompts, harder ones weighing more: half of it for the share of the predicates that hold, " +
			"half for holding them all with nothing too much",
	}
}

// Render says for people what the module sees in an answer's pictures.
func Render(payload []byte) (string, error) {
	var files [][]byte
	err := error(nil)
	for n := 1; n <= Prompts; n++ {
		if files, err = DecodeAnswer(payload, n); err == nil {
			break
		}
	}
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var e eye
	for i, f := range files {
		b.WriteString(strconv.Itoa(i+1) + ": ")
		p, err := decodePicture(f)
		if err != nil {
			b.WriteString(err.Error() + "\n")
			continue
		}
		ground := p.ground()
		b.WriteString("on " + ground.String())
		objects, more := e.look(p, ground)
		for k := range objects {
			o := &objects[k]
			b.WriteString("; " + o.String())
		}
		if more > 0 {
			b.WriteString("; " + strconv.Itoa(more) + " more")
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// ground returns the colour that most of the pixels have, the first of equally
// frequent ones.
func (p *Picture) ground() Color {
	var count [Colors + 1]int
	for _, c := range p.Pixels {
		count[c]++
	}
	best := White
	for c := range Color(Colors) {
		if count[c] > count[best] {
			best = c
		}
	}
	return best
}

// String says what the object is and where, "hollow red circle 30x30 at 10,20".
func (o *Object) String() string {
	s := o.Color.String() + " " + o.Shape.String()
	if o.Hollow {
		s = "hollow " + s
	}
	return s + " " + strconv.Itoa(o.X1-o.X0+1) + "x" + strconv.Itoa(o.Y1-o.Y0+1) + " at " + strconv.Itoa(o.X0) + "," + strconv.Itoa(o.Y0)
}

// Parse makes a task of a person's prompts, one a line, at most Prompts.
func Parse(text string) ([]byte, error) {
	var prompts []*Prompt
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		p, err := ParsePrompt(line)
		if err != nil {
			return nil, err
		}
		if prompts = append(prompts, p); len(prompts) > Prompts {
			return nil, ErrPromptCount
		}
	}
	if len(prompts) == 0 {
		return nil, ErrPromptStart
	}
	return AppendTask(nil, prompts), nil
}
