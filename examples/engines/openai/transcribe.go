package openai

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
)

// Transcribe asks what is said in a recording, a WAV file. A prompt may tell the
// words to expect; language is a code like "en", empty for the server's guess.
func (c *Client) Transcribe(ctx context.Context, wav []byte, prompt, language string) (string, error) {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, f := range [][2]string{{"model", c.cfg.Model}, {"prompt", prompt}, {"language", language}, {"response_format", "json"}, {"temperature", "0"}} {
		if f[1] == "" {
			continue
		}
		if err := m.WriteField(f[0], f[1]); err != nil {
			return "", err
		}
	}
	w, err := m.CreateFormFile("file", "audio.wav")
	if err == nil {
		_, err = w.Write(wav)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		return "", err
	}
	var out struct{ Text *string }
	err = c.call(ctx, "audio/transcriptions", "application/json", body.Bytes(), m.FormDataContentType(), func(_ http.Header, r io.Reader) error {
		return decode(r, &out)
	})
	if err != nil {
		return "", err
	}
	if out.Text == nil {
		return "", fmt.Errorf("%w: no text", ErrReply)
	}
	return *out.Text, nil
}
