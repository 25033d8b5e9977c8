package image

import (
	"errors"
	"slices"
	"strings"
)

// Errors of a prompt's text.
var (
	ErrPromptLong   = errors.New("image: prompt is longer than 800 bytes")
	ErrPromptStart  = errors.New(`image: prompt must begin as "on white: two red circles"`)
	ErrPromptGroup  = errors.New(`image: objects must read as "two small hollow red circles", parted by commas`)
	ErrPromptCount  = errors.New("image: prompt has too many kinds of objects or rules, at most 6 and 12")
	ErrPromptTwice  = errors.New("image: two kinds of objects have the same colour, shape and hollowness")
	ErrPromptHidden = errors.New("image: objects of the background's colour cannot be seen")
	ErrPromptCross  = errors.New("image: a cross cannot be hollow")
	ErrPromptRule   = errors.New(`image: rules must read as "the red circles left of the blue square", parted by semicolons`)
	ErrPromptRef    = errors.New("image: rule names objects that the prompt does not have")
	ErrPromptSelf   = errors.New("image: rule relates objects to themselves")
	ErrPromptInside = errors.New("image: only one hollow object has an inside")
)

// ParsePrompt reads a prompt's text. Case, surplus spaces and a full stop at the
// end do not matter; String of the result gives the exact form.
func ParsePrompt(s string) (*Prompt, error) {
	if len(s) > MaxPrompt {
		return nil, ErrPromptLong
	}
	s = strings.TrimSuffix(strings.TrimSpace(strings.ToLower(s)), ".")
	head, rest, ok := strings.Cut(s, ":")
	words := strings.Fields(head)
	if !ok || len(words) != 2 || words[0] != "on" {
		return nil, ErrPromptStart
	}
	p := &Prompt{Background: color(words[1])}
	if p.Background == noColor {
		return nil, ErrPromptStart
	}
	parts := strings.Split(rest, ";")
	groups := strings.Split(parts[0], ",")
	if len(groups) > MaxGroups || len(parts)-1 > MaxRules {
		return nil, ErrPromptCount
	}
	for _, text := range groups {
		g, err := parseGroup(strings.Fields(text))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(p.Groups, func(o Group) bool { return g.same(&o) }) {
			return nil, ErrPromptTwice
		}
		if g.Color == p.Background {
			return nil, ErrPromptHidden
		}
		p.Groups = append(p.Groups, g)
	}
	for _, text := range parts[1:] {
		r, err := p.parseRule(strings.Fields(text))
		if err != nil {
			return nil, err
		}
		p.Rules = append(p.Rules, r)
	}
	if len(p.String()) > MaxPrompt {
		return nil, ErrPromptLong
	}
	return p, nil
}

func color(word string) Color {
	if i := slices.Index(colorNames[:], word); i >= 0 {
		return Color(i)
	}
	return noColor
}

func parseGroup(words []string) (g Group, err error) {
	if len(words) < 3 {
		return g, ErrPromptGroup
	}
	if g.Count = slices.Index(numbers[:], words[0]); g.Count < 1 {
		return g, ErrPromptGroup
	}
	words = words[1:]
	if i := slices.Index(sizeNames[1:], words[0]); i >= 0 {
		g.Size, words = Size(i+1), words[1:]
	}
	n := g.parseNoun(words)
	switch {
	case n == 0 || n != len(words):
		return g, ErrPromptGroup
	case g.Hollow && g.Shape == Cross:
		return g, ErrPromptCross
	}
	return g, nil
}

// parseNoun reads "[hollow] COLOUR SHAPE" into the group and returns the number
// of words, 0 if it does not stand there.
func (g *Group) parseNoun(words []string) int {
	n := 0
	if len(words) > 0 && words[0] == "hollow" {
		g.Hollow, n = true, 1
	}
	if len(words) < n+2 {
		return 0
	}
	if g.Color = color(words[n]); g.Color == noColor {
		return 0
	}
	names := shapeNames[:Shapes]
	if g.Count > 1 {
		names = shapePlurals[:Shapes]
	}
	i := slices.Index(names, words[n+1])
	if i < 0 {
		return 0
	}
	g.Shape = Shape(i)
	return n + 2
}

func (p *Prompt) parseRule(words []string) (r Rule, err error) {
	a, words, err := p.parseRef(words)
	if err != nil {
		return r, err
	}
	r.A = a
	for k := range Relation(relations) {
		name := strings.Fields(relationNames[k])
		if len(words) < len(name) || !slices.Equal(words[:len(name)], name) {
			continue
		}
		r.Relation, words = k, words[len(name):]
		if !k.Single() {
			if r.B, words, err = p.parseRef(words); err != nil {
				return r, err
			}
		}
		if len(words) != 0 {
			return r, ErrPromptRule
		}
		if !k.Single() && r.A == r.B {
			return r, ErrPromptSelf
		}
		if b := &p.Groups[r.B]; k == Inside && (b.Count != 1 || !b.Hollow) {
			return r, ErrPromptInside
		}
		return r, nil
	}
	return r, ErrPromptRule
}

// parseRef reads "the NOUN" and returns which group it is.
func (p *Prompt) parseRef(words []string) (group int, rest []string, err error) {
	if len(words) < 3 || words[0] != "the" {
		return 0, nil, ErrPromptRule
	}
	for i := range p.Groups {
		g := Group{Count: p.Groups[i].Count}
		if n := g.parseNoun(words[1:]); n > 0 && g.same(&p.Groups[i]) {
			return i, words[1+n:], nil
		}
	}
	return 0, nil, ErrPromptRef
}
