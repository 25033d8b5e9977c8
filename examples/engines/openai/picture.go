package openai

import (
	"context"
	"fmt"
)

// imageReply is what image generation replies.
type imageReply struct {
	Data []struct {
		B64 []byte `json:"b64_json"` // the decoder of JSON undoes base64
	}
}

// Image asks for one picture of a size like "512x512" and returns its file, of
// whatever format the server makes.
func (c *Client) Image(ctx context.Context, prompt, size string) ([]byte, error) {
	var out imageReply
	in := map[string]any{"prompt": prompt, "n": 1, "response_format": "b64_json"}
	if size != "" {
		in["size"] = size
	}
	if c.cfg.Model != "" {
		in["model"] = c.cfg.Model
	}
	if err := c.ask(ctx, "images/generations", in, &out); err != nil {
		return nil, err
	}
	if len(out.Data) == 0 || len(out.Data[0].B64) == 0 {
		return nil, fmt.Errorf("%w: no picture in base64", ErrReply)
	}
	return out.Data[0].B64, nil
}
