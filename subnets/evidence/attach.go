package evidence

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// MaxAttached bounds what can be attached to a bundle's file, in bytes
// uncompressed; MaxFile bounds the file with it.
const (
	MaxAttached = 64 << 20
	MaxFile     = MaxBundle + MaxAttached
)

// A skippable frame, which decoders of zstd pass over: its number, the length of
// what follows in four bytes, a zstd frame, and at the very end the length of all
// that and a mark, by which it is found from the file's end.
const skippable = 0x184D2A5B

var mark = []byte("plexus+1")

// Attach appends something to a bundle's file that does not belong to the bundle:
// the file stands for the same bundle as before, with the same root, which does
// not bind what is attached. What was attached before is replaced.
func Attach(file, extra []byte) ([]byte, error) {
	if len(extra) > MaxAttached {
		return nil, fmt.Errorf("evidence: %d bytes to attach, at most %d", len(extra), MaxAttached)
	}
	z, err := zstdWriter()
	if err != nil {
		return nil, err
	}
	body := z.EncodeAll(extra, nil)
	out := bytes.Clone(file[:len(file)-len(attachment(file))])
	out = binary.LittleEndian.AppendUint32(out, skippable)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(body)+4+len(mark)))
	out = append(out, body...)
	out = binary.LittleEndian.AppendUint32(out, uint32(8+len(body)+4+len(mark)))
	return append(out, mark...), nil
}

// Attached returns what Attach appended to a file, nil for nothing.
func Attached(file []byte) ([]byte, error) {
	frame := attachment(file)
	if frame == nil {
		return nil, nil
	}
	return unzip(frame[8:len(frame)-4-len(mark)], MaxAttached)
}

// attachment is the frame at the end of a file that Attach made, nil for none.
func attachment(file []byte) []byte {
	rest, ok := bytes.CutSuffix(file, mark)
	if !ok || len(rest) < 4 {
		return nil
	}
	n := int64(binary.LittleEndian.Uint32(rest[len(rest)-4:]))
	if n < int64(12+len(mark)) || n > int64(len(file)) {
		return nil
	}
	frame := file[int64(len(file))-n:]
	if binary.LittleEndian.Uint32(frame) != skippable || int64(binary.LittleEndian.Uint32(frame[4:])) != n-8 {
		return nil
	}
	return frame
}
