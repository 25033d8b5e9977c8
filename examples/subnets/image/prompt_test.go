package image

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func TestParsePrompt(t *testing.T) {
	const two = "on white: one red circle, two hollow blue squares"
	for _, c := range []struct {
		text, form string // form empty for text itself
		err        error
	}{
		{two, "", nil},
		{"  ON  White : One RED circle,two hollow  blue squares. ", two, nil},
		{"on black: six large white crosses; the white crosses in the lower half", "", nil},
		{two + "; the red circle left of the hollow blue squares; the hollow blue squares larger than the red circle", "", nil},
		{"on white: one red circle, one hollow red circle; the red circle inside the hollow red circle", "", nil},
		{"", "", ErrPromptStart},
		{"an astronaut on a horse", "", ErrPromptStart},
		{"on pink: one red circle", "", ErrPromptStart},
		{"on white:", "", ErrPromptGroup},
		{"on white: red circle", "", ErrPromptGroup},
		{"on white: no red circles", "", ErrPromptGroup},
		{"on white: seven red circles", "", ErrPromptGroup},
		{"on white: two red circle", "", ErrPromptGroup},
		{"on white: one red circles", "", ErrPromptGroup},
		{"on white: one hollow small red circle", "", ErrPromptGroup},
		{"on white: one red round circle", "", ErrPromptGroup},
		{"on white: one none circle", "", ErrPromptGroup},
		{"on white: one red blob", "", ErrPromptGroup},
		{"on white: one hollow red", "", ErrPromptGroup},
		{"on white: one hollow red cross", "", ErrPromptCross},
		{"on white: one white circle", "", ErrPromptHidden},
		{"on white: one red circle, two small red circles", "", ErrPromptTwice},
		{two + "; the red circle", "", ErrPromptRule},
		{two + "; the red circle near the hollow blue squares", "", ErrPromptRule},
		{two + "; the red circle left of", "", ErrPromptRule},
		{two + "; the red circle left of the blue squares", "", ErrPromptRef},
		{two + "; a red circle left of the hollow blue squares", "", ErrPromptRule},
		{two + "; the red circle left of the hollow blue squares there", "", ErrPromptRule},
		{two + "; the red circle in the left half of it", "", ErrPromptRule},
		{two + "; the red circle left of the red circle", "", ErrPromptSelf},
		{two + "; the red circle inside the hollow blue squares", "", ErrPromptInside},
		{two + "; the hollow blue squares inside the red circle", "", ErrPromptInside},
		{two + strings.Repeat("; the red circle in the left half", 13), "", ErrPromptCount},
		{"on white" + strings.Repeat(": one red circle, one blue circle, one green circle, one red cross, one blue cross, one green cross, one black cross", 1), "", ErrPromptCount},
		{strings.Repeat("x", MaxPrompt+1), "", ErrPromptLong},
	} {
		p, err := ParsePrompt(c.text)
		if err != c.err {
			t.Errorf("%.80q: %v, want %v", c.text, err, c.err)
			continue
		}
		if want := c.form; err == nil {
			if want == "" {
				want = c.text
			}
			if p.String() != want {
				t.Errorf("%q became %q", c.text, p)
			}
		}
	}
}

// TestDrawnPrompts: whatever is drawn can be read again, fits into the bounds, and
// each bit of the randomness changes it. Every word of the grammar comes up.
func TestDrawnPrompts(t *testing.T) {
	var text strings.Builder
	seen := map[string]bool{}
	for i := range uint64(500) {
		r := &abi.TaskRequest{}
		binary.LittleEndian.PutUint64(r.Beta[:], i)
		task, err := DrawTask(r)
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(task.Public)] {
			t.Error("two tasks are equal")
		}
		seen[string(task.Public)] = true
		prompts, err := DecodeTask(task.Public)
		if err != nil || len(prompts) != Prompts {
			t.Fatalf("%q: %v", task.Public, err)
		}
		for k, p := range prompts {
			if want := min(k+1, 3); k < 3 && len(p.Groups) != max(1, want-1) || k == 3 && len(p.Groups) < 3 {
				t.Errorf("level %d: %s", k+1, p)
			}
			if len(p.String()) > MaxPrompt/2 {
				t.Errorf("%d bytes", len(p.String()))
			}
			text.WriteString(p.String() + "; ")
		}
	}
	for _, list := range [][]string{colorNames[:], shapeNames[:Shapes], shapePlurals[:Shapes], sizeNames[:], relationNames[:], numbers[1:5]} {
		for _, w := range list {
			if !strings.Contains(text.String(), w) {
				t.Errorf("%q never comes", w)
			}
		}
	}
	first := drawPrompt(sdk.NewRand([32]byte{}, streamPrompts), 4).String()
	for bit := range 256 {
		var beta [32]byte
		beta[bit/8] ^= 1 << (bit % 8)
		if drawPrompt(sdk.NewRand(beta, streamPrompts), 4).String() == first {
			t.Errorf("bit %d changes nothing", bit)
		}
	}
}

func TestDecodeTaskRefused(t *testing.T) {
	p, _ := ParsePrompt("on white: one red circle")
	good := AppendTask(nil, []*Prompt{p})
	if _, err := DecodeTask(good); err != nil {
		t.Fatal(err)
	}
	loose := strings.Replace(string(good), "on white", "On white", 1)
	for name, b := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)-1], "trailing": append(good[:len(good):len(good)], 0), "version": append([]byte{0x83, 2}, good[2:]...),
		"no prompts": {0x83, 1, 0x18, 128, 0x80}, "other side": append([]byte{0x83, 1, 0x18, 127}, good[4:]...),
		"five": AppendTask(nil, []*Prompt{p, p, p, p, p}), "not canonical": []byte(loose),
	} {
		if _, err := DecodeTask(b); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func FuzzParsePrompt(f *testing.F) {
	f.Add("on white: one red circle, two hollow blue squares; the red circle left of the hollow blue squares")
	f.Add("on black: six large white crosses; the white crosses in the lower half")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePrompt(s)
		if err != nil {
			return
		}
		form := p.String()
		again, err := ParsePrompt(form)
		if err != nil || again.String() != form {
			t.Fatalf("%q: %v", form, err)
		}
	})
}

func FuzzTask(f *testing.F) {
	p, _ := ParsePrompt("on white: one red circle")
	f.Add(AppendTask(nil, []*Prompt{p, p}))
	f.Add(AppendAnswer(nil, [][]byte{{1}, {2, 3}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodeTask(b); err == nil && string(AppendTask(nil, p)) != string(b) {
			t.Fatal("task is not canonical")
		}
		if a, err := DecodeAnswer(b, 2); err == nil && string(AppendAnswer(nil, a)) != string(b) {
			t.Fatal("answer is not canonical")
		}
		_, _ = Render(b)
	})
}
