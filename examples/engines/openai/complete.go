package openai

import (
	"context"
	"fmt"
	"math"
)

// Next is a token that may come next, with its probability.
type Next struct {
	Token       []byte
	Probability float64 // 0 to 1
}

// Complete asks what may follow a text: the most probable next tokens, at most n of
// them, of which the server may give fewer. Their probabilities add up to at most 1.
func (c *Client) Complete(ctx context.Context, prompt string, n int) ([]Next, error) {
	var out struct {
		Choices []struct {
			Logprobs *struct {
				Top     []map[string]float64 `json:"top_logprobs"` // OpenAI's old form, vLLM
				Content []struct {           // that of chats, llama.cpp
					Top []struct {
						Token   string
						Bytes   []int
						Logprob float64
					} `json:"top_logprobs"`
				}
			}
		}
	}
	in := map[string]any{"prompt": prompt, "max_tokens": 1, "logprobs": n, "temperature": 0}
	if c.cfg.Model != "" {
		in["model"] = c.cfg.Model
	}
	if err := c.ask(ctx, "completions", in, &out); err != nil {
		return nil, err
	}
	if len(out.Choices) == 0 || out.Choices[0].Logprobs == nil {
		return nil, fmt.Errorf("%w: no logprobs: the server or the model does not give them", ErrReply)
	}
	var list []Next
	sum := 0.0
	add := func(token []byte, log float64) error {
		p := math.Exp(log)
		if math.IsNaN(p) || p < 0 || p > 1.001 {
			return fmt.Errorf("%w: a log probability of %v", ErrReply, log)
		}
		sum += p
		list = append(list, Next{token, p})
		return nil
	}
	l := out.Choices[0].Logprobs
	switch {
	case len(l.Content) > 0:
		for _, t := range l.Content[0].Top {
			token := []byte(t.Token)
			if len(t.Bytes) > 0 { // a token may be a part of a character, which a string cannot hold
				token = token[:0]
				for _, b := range t.Bytes {
					token = append(token, byte(b))
				}
			}
			if err := add(token, t.Logprob); err != nil {
				return nil, err
			}
		}
	case len(l.Top) > 0:
		for token, log := range l.Top[0] {
			if err := add([]byte(token), log); err != nil {
				return nil, err
			}
		}
	}
	if len(list) == 0 || sum > 1.01 {
		return nil, fmt.Errorf("%w: %d tokens whose probabilities add up to %.3f", ErrReply, len(list), sum)
	}
	return list, nil
}
