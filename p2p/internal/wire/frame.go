// Package wire holds the bytes that hosts exchange and keep: frames, blob
// messages and the peer book. It imports no network library, so that its
// decoders can be fuzzed quickly.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Head is the length in bytes of what precedes a frame.
const Head = 4

// MaxRetry is the longest pause that a refusal may ask for.
const MaxRetry = time.Hour

// refusal marks a head that is no length: what follows is the pause in
// milliseconds after which the stream may be opened again.
const refusal = 1 << 31

// ErrFrame: a frame was longer than allowed.
var ErrFrame = errors.New("p2p: frame too long")

// Busy is the error of a stream that was refused for want of room.
type Busy struct{ Retry time.Duration }

// Error says when to come back.
func (b *Busy) Error() string { return fmt.Sprintf("p2p: the peer is busy: try again in %s", b.Retry) }

// AppendHead appends what precedes a frame of n bytes, which must be below 2^31.
func AppendHead(out []byte, n int) []byte { return binary.BigEndian.AppendUint32(out, uint32(n)) }

// AppendBusy appends the refusal with a pause, at most MaxRetry, in whole
// milliseconds.
func AppendBusy(out []byte, retry time.Duration) []byte {
	ms := min(max(retry, 0), MaxRetry).Milliseconds()
	return binary.BigEndian.AppendUint32(out, refusal|uint32(ms))
}

// ReadFrame reads a frame of at most max bytes: a 4-byte big-endian length and
// as many bytes. It makes room for 64 KiB, and then for 16 times what has arrived,
// whatever the length claims. The error is io.EOF before the first byte,
// io.ErrUnexpectedEOF within a frame, ErrFrame for one that is too long, *Busy for
// a refusal.
func ReadFrame(r io.Reader, max int) ([]byte, error) {
	var head [Head]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	u := binary.BigEndian.Uint32(head[:])
	if u&refusal != 0 {
		return nil, &Busy{min(time.Duration(u&^refusal)*time.Millisecond, MaxRetry)}
	}
	n := int64(u)
	if n > int64(max) {
		return nil, fmt.Errorf("%w: %d bytes announced, at most %d", ErrFrame, n, max)
	}
	b := make([]byte, min(n, firstRead))
	for have := 0; ; {
		if _, err := io.ReadFull(r, b[have:]); err != nil {
			return nil, noEOF(err)
		}
		if have = len(b); int64(have) == n {
			return b, nil
		}
		b = append(make([]byte, 0, min(n, ahead*int64(have))), b...)
		b = b[:cap(b)]
	}
}

const (
	// firstRead is how much of a frame is made room for before any of it came.
	firstRead = 64 << 10
	// ahead is for how many times of what came room is made then.
	ahead = 16
)

// noEOF says that a stream ended in the middle of a frame.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
