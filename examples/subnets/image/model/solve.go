package model

import (
	"errors"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/image"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Modes of Solve.
const (
	Good     = "good"     // a constraint solver
	Baseline = "baseline" // the right objects, of random size, in random places
	Lazy     = "lazy"     // the same red circle always
)

// ErrMode is returned for a mode that there is not.
var ErrMode = errors.New(`image: mode must be "good", "baseline" or "lazy"`)

// Solve answers a task in the mode that the first line of the request's parameters
// names. Its choices come from the request's seed and the task.
func Solve(r *abi.SolveRequest) ([]byte, error) {
	mode, _, _ := strings.Cut(string(r.Params), "\n")
	if mode != Good && mode != Baseline && mode != Lazy {
		return nil, ErrMode
	}
	prompts, err := image.DecodeTask(r.Public)
	if err != nil {
		return nil, err
	}
	rnd := sdk.NewRand(r.Seed, digest(r.Public))
	files := make([][]byte, len(prompts))
	for i, p := range prompts {
		files[i] = image.EncodePNG(Draw(p, mode, rnd))
	}
	return image.AppendAnswer(nil, files), nil
}

// Draw draws one prompt in a mode; an unknown one is lazy.
func Draw(p *image.Prompt, mode string, rnd *sdk.Rand) *image.Picture {
	switch mode {
	case Good:
		if l := solve(p, rnd); l != nil {
			return l.picture()
		}
		fallthrough
	case Baseline:
		return scatter(p, rnd).picture()
	}
	pic := blank(image.White)
	o := object{x: 44, y: 44, side: 40}
	o.draw(pic, &image.Group{Color: image.Red, Shape: image.Circle})
	return pic
}

// digest is FNV-1a, which makes each task's choices its own.
func digest(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// layout says where a prompt's objects are.
type layout struct {
	prompt  *image.Prompt
	objects []object
}

// picture draws the objects, the largest first so that what is inside is seen.
func (l *layout) picture() *image.Picture {
	pic := blank(l.prompt.Background)
	for side := image.Side; side > 0; side-- {
		for i := range l.objects {
			if o := &l.objects[i]; o.side == side {
				o.draw(pic, &l.prompt.Groups[o.group])
			}
		}
	}
	return pic
}

// scatter puts the objects anywhere.
func scatter(p *image.Prompt, rnd *sdk.Rand) *layout {
	l := &layout{prompt: p}
	for i, g := range p.Groups {
		for range g.Count {
			side := 14 + rnd.Intn(22)
			switch g.Size {
			case image.Small:
				side = 12 + rnd.Intn(image.SmallSide-11)
			case image.Large:
				side = image.LargeSide + rnd.Intn(20)
			}
			l.objects = append(l.objects, object{i, rnd.Intn(image.Side - side), rnd.Intn(image.Side - side), side})
		}
	}
	return l
}
