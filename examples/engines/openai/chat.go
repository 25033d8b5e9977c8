package openai

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// Message is one of a conversation.
type Message struct {
	Role    string `json:"role"` // system, user or assistant
	Content string `json:"content"`
}

const (
	maxText  = 1 << 20 // bytes of what a chat model may say
	maxEvent = 1 << 20 // bytes of one line of a stream
)

type chatRequest struct {
	Model       string    `json:"model,omitempty"`
	Messages    []Message `json:"messages"`
	Stream      bool      `json:"stream"`
	MaxTokens   int       `json:"max_tokens,omitempty"`
	Temperature *float64  `json:"temperature,omitempty"`
}

// chatReply is a whole reply, or one event of a stream.
type chatReply struct {
	Choices []struct {
		Message, Delta struct{ Content string }
		Finish         *string `json:"finish_reason"`
	}
	Error json.RawMessage
}

// Chat asks for the next message of a conversation, of at most tokens tokens, 0 for
// the server's own bound. It is streamed: say, if not nil, is called with each piece,
// and an error of it ends the request and is returned. Once a piece was said, a
// failure is not repaired by asking again.
func (c *Client) Chat(ctx context.Context, messages []Message, tokens int, say func(string) error) (string, error) {
	body, err := json.Marshal(chatRequest{Model: c.cfg.Model, Messages: messages, Stream: true, MaxTokens: tokens, Temperature: new(float64)})
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = c.call(ctx, "chat/completions", "text/event-stream, application/json", body, "application/json", func(h http.Header, r io.Reader) error {
		text.Reset()
		said := false
		piece := func(s string) error {
			if s == "" {
				return nil
			}
			if text.Len()+len(s) > maxText {
				return fmt.Errorf("%w (at most %d bytes of text)", ErrTooLong, maxText)
			}
			text.WriteString(s)
			if say != nil {
				said = true
				if err := say(s); err != nil {
					return final{err}
				}
			}
			return nil
		}
		var err error
		if kind, _, _ := mime.ParseMediaType(h.Get("Content-Type")); kind == "text/event-stream" {
			err = events(r, piece)
		} else { // a server that does not stream
			var whole chatReply
			if err = decode(r, &whole); err == nil {
				if len(whole.Choices) == 0 {
					return fmt.Errorf("%w: no choices", ErrReply)
				}
				err = piece(whole.Choices[0].Message.Content)
			}
		}
		if err != nil && said {
			return final{err}
		}
		return err
	})
	return text.String(), err
}

// events reads a stream of server-sent events and hands on what the first choice
// says in each. Its end is the event [DONE], or a choice that gives a reason to
// finish.
func events(r io.Reader, piece func(string) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4<<10), maxEvent)
	finished := false
	for s.Scan() {
		data, ok := bytes.CutPrefix(s.Bytes(), []byte("data:"))
		if !ok { // names of events, comments that keep the connection alive, empty lines
			continue
		}
		data = bytes.TrimSpace(data)
		if string(data) == "[DONE]" {
			return nil
		}
		var e chatReply
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("%w: event: %s", ErrReply, clip(err.Error()+": "+string(data[:min(len(data), 200)])))
		}
		if len(e.Error) > 0 && string(e.Error) != "null" {
			return &StatusError{Status: http.StatusInternalServerError, Message: complaint(data)}
		}
		if len(e.Choices) == 0 { // an event about something else: what was used
			continue
		}
		if err := piece(e.Choices[0].Delta.Content); err != nil {
			return err
		}
		finished = finished || e.Choices[0].Finish != nil
	}
	if err := s.Err(); err == bufio.ErrTooLong {
		return fmt.Errorf("%w: an event of more than %d bytes", ErrTooLong, maxEvent)
	} else if err != nil {
		return err
	}
	if !finished {
		return ErrCut
	}
	return nil
}
