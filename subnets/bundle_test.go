package subnets_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

func unzip(t testing.TB, file []byte) []byte {
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw, err := r.DecodeAll(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func zip(t testing.TB, raw []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(raw, nil)
}

// TestFlippedByte: no bundle with one changed byte passes for the committed one:
// everything in it is under its root.
func TestFlippedByte(t *testing.T) {
	t.Parallel()
	w := newBench(t, []uint16{1}, 2, 1)
	m := w.make(0, 1, w.rounds(0, 1), nil)
	w.next()
	if code := w.commit(0, m, m.open); code != ledger.OK {
		t.Fatal(code)
	}
	file, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := evidence.Decode(file, m.root)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := back.Encode(); err != nil || !bytes.Equal(again, file) {
		t.Errorf("decoding and encoding changes the file: %v", err)
	}
	if r, err := evidence.Replay(context.Background(), w.now(), native{}, back, nil); err != nil || !r.Equal() {
		t.Fatalf("%v, %+v", err, r)
	}
	raw := unzip(t, file)
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1 << (i % 8)
		if _, err := evidence.Decode(zip(t, bad), m.root); !errors.Is(err, evidence.ErrBundle) {
			t.Errorf("byte %d of %d: %v", i, len(raw), err)
		}
	}
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		b, err := evidence.Decode(bad, m.root)
		if err != nil {
			continue
		}
		// A bit that the compression does not use: the same bundle.
		if again, err := b.Encode(); err != nil || !bytes.Equal(again, file) {
			if r, err := evidence.Replay(context.Background(), w.now(), native{}, b, nil); err != nil || r.Equal() {
				t.Errorf("byte %d of the file: another bundle is accepted", i)
			}
		}
	}
	for n := range file {
		if _, err := evidence.Unpack(file[:n]); err == nil {
			t.Errorf("%d of %d bytes are accepted", n, len(file))
		}
	}
	for n := range raw {
		if _, err := evidence.Unpack(zip(t, raw[:n])); err == nil {
			t.Errorf("%d of %d unpacked bytes are accepted", n, len(raw))
		}
	}
	if _, err := evidence.Unpack(zip(t, append(bytes.Clone(raw), 0))); err == nil {
		t.Error("a byte more is accepted")
	}
}

// TestSkippedRoundIsEmpty: what a skipped round held would be ranked and checked
// by nothing, so that its encoding is refused already.
func TestSkippedRoundIsEmpty(t *testing.T) {
	w := newBench(t, []uint16{1}, 2, 1)
	r := w.play(0, 1, 0)
	if _, err := evidence.DecodeRound(evidence.EncodeRound(&r)); err != nil {
		t.Fatal(err)
	}
	r.Skipped = true
	if _, err := evidence.DecodeRound(evidence.EncodeRound(&r)); !errors.Is(err, evidence.ErrBundle) {
		t.Error(err)
	}
	r = evidence.Round{Round: 3, Skipped: true}
	if _, err := evidence.DecodeRound(evidence.EncodeRound(&r)); err != nil {
		t.Error(err)
	}
}

func FuzzUnpack(f *testing.F) {
	w := newBench(f, []uint16{1}, 2, 1)
	rounds := w.rounds(0, 1)
	m := w.make(0, 1, rounds, []evidence.Carried{{Hotkey: w.hot[4].Public(), Carry: []byte("carry")}})
	file, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(unzip(f, file))
	m.Rounds[0] = evidence.Round{Skipped: true}
	if file, err = m.Encode(); err != nil {
		f.Fatal(err)
	}
	f.Add(unzip(f, file))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := evidence.Unpack(zip(t, raw))
		if err != nil {
			return
		}
		b.Root()
		file, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(unzip(t, file), raw) {
			t.Fatal("not canonical")
		}
	})
}

func FuzzDecodeRound(f *testing.F) {
	w := newBench(f, []uint16{1}, 2, 1)
	r := w.play(0, 1, 0)
	f.Add(evidence.EncodeRound(&r))
	f.Add(evidence.EncodeRound(&evidence.Round{Skipped: true}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if r, err := evidence.DecodeRound(raw); err == nil && !bytes.Equal(evidence.EncodeRound(r), raw) {
			t.Fatal("not canonical")
		}
	})
}
