package wire

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"time"
)

func TestFrame(t *testing.T) {
	for _, n := range []int{0, 1, 64 << 10, 64<<10 + 1, 300 << 10, 17 << 20} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(i ^ i>>8 ^ i>>16)
		}
		got, err := ReadFrame(bytes.NewReader(frame(want)), n)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %d back, %v", n, len(got), err)
		}
	}
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"half a head", []byte{0, 0}, io.ErrUnexpectedEOF},
		{"half a body", []byte{0, 0, 0, 2, 1}, io.ErrUnexpectedEOF},
		{"half a long body", []byte{0, 1, 0, 1, 1}, io.ErrUnexpectedEOF},
		{"too long", []byte{0, 2, 0, 1}, ErrFrame},
	} {
		if _, err := ReadFrame(bytes.NewReader(c.in), 128<<10); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	var busy *Busy
	for retry, want := range map[time.Duration]time.Duration{-1: 0, 1500 * time.Millisecond: 1500 * time.Millisecond, 99 * time.Hour: MaxRetry} {
		if _, err := ReadFrame(bytes.NewReader(AppendBusy(nil, retry)), 10); !errors.As(err, &busy) || busy.Retry != want {
			t.Errorf("refused for %s: %v", retry, err)
		}
	}
}

func frame(b []byte) []byte { return append(AppendHead(nil, len(b)), b...) }

// greedy counts the room that its reader offers, and gives as much as it has.
type greedy struct{ have, room int }

func (g *greedy) Read(p []byte) (int, error) {
	g.room = max(g.room, len(p))
	n := min(len(p), g.have)
	if g.have -= n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A length that is claimed makes no room: what came does.
func TestFrameRoom(t *testing.T) {
	for _, c := range []struct{ came, most int }{{100, 64 << 10}, {64<<10 - 1, 64 << 10}, {64 << 10, 1 << 20}, {1<<20 - 1, 1 << 20}} {
		g := &greedy{have: c.came}
		r := io.MultiReader(bytes.NewReader(AppendHead(nil, 1<<30)), g)
		if _, err := ReadFrame(r, 1<<30); err != io.ErrUnexpectedEOF || g.room > c.most {
			t.Errorf("after %d bytes of 1 GiB: room for %d, %v", c.came, g.room, err)
		}
	}
}

// The bytes are what other versions understand.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{frame([]byte("hi")), "\x00\x00\x00\x02hi"},
		{AppendBusy(nil, time.Second), "\x80\x00\x03\xe8"},
		{BlobRequest{From: 8, Count: 2}.Append(nil), "\x84\x01\x58\x20" + string(make([]byte, 32)) + "\x08\x02"},
		{BlobAnswer{true, 300}.Append(nil), "\x83\x01\xf5\x19\x01\x2c"},
		{AppendBook(nil, []BookPeer{{ID: []byte("p"), Seen: 9, Anchor: true, Addrs: [][]byte{{4}}}}), "\x82\x01\x81\x84\x41p\x09\xf5\x81\x41\x04"},
	} {
		if string(c.got) != c.want {
			t.Errorf("%x, want %x", c.got, c.want)
		}
	}
}

func TestChunks(t *testing.T) {
	for _, c := range []struct {
		size uint64
		n    int
		last int
	}{{0, 0, 0}, {1, 1, 1}, {BlobChunk, 1, BlobChunk}, {BlobChunk + 5, 2, 5}} {
		if n := Chunks(c.size); n != c.n || n > 0 && ChunkLen(c.size, n-1) != c.last {
			t.Errorf("%d bytes: %d chunks", c.size, n)
		}
	}
	l := ChunkList{{1}, {2}}
	if got, err := DecodeChunkList(l.Append(nil), BlobChunk+1); err != nil || !reflect.DeepEqual(got, l) {
		t.Errorf("%v, %v", got, err)
	}
	for _, size := range []uint64{0, BlobChunk, 3 * BlobChunk, MaxBlob + 1} {
		if _, err := DecodeChunkList(l.Append(nil), size); err == nil {
			t.Errorf("two hashes for %d bytes", size)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 1, 2}, 10)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, 1<<20)
	f.Add([]byte{0, 2, 0, 0}, 1<<20)
	f.Fuzz(func(t *testing.T, b []byte, max int) {
		got, err := ReadFrame(bytes.NewReader(b), max)
		var busy *Busy
		if errors.As(err, &busy) && (busy.Retry < 0 || busy.Retry > MaxRetry) {
			t.Fatalf("%x: %v", b, err)
		}
		if err == nil && (len(got) > max || !bytes.HasPrefix(b, frame(got))) {
			t.Fatalf("%x: frame %x, at most %d", b, got, max)
		}
	})
}

func FuzzBlobMessages(f *testing.F) {
	f.Add(BlobRequest{ID: [32]byte{1}, From: 77, Count: 8}.Append(nil))
	f.Add(BlobAnswer{true, 1 << 30}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeBlobRequest(b); err == nil && !bytes.Equal(r.Append(nil), b) {
			t.Fatalf("request %x is not canonical", b)
		}
		a, err := DecodeBlobAnswer(b)
		if err == nil && !bytes.Equal(a.Append(nil), b) {
			t.Fatalf("answer %x is not canonical", b)
		}
	})
}

func FuzzChunkList(f *testing.F) {
	f.Add(ChunkList{{1}, {2}}.Append(nil), uint64(BlobChunk+1))
	f.Fuzz(func(t *testing.T, b []byte, size uint64) {
		if l, err := DecodeChunkList(b, size); err == nil && (!bytes.Equal(l.Append(nil), b) || len(l) != Chunks(size)) {
			t.Fatalf("list %x of %d bytes is not canonical", b, size)
		}
	})
}

func FuzzBook(f *testing.F) {
	f.Add(AppendBook(nil, []BookPeer{{ID: []byte("peer"), Seen: 9, Anchor: true, Addrs: [][]byte{{4}, {5, 6}}}, {ID: []byte{1}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if peers, err := DecodeBook(b); err == nil && !bytes.Equal(AppendBook(nil, peers), b) {
			t.Fatalf("book %x is not canonical", b)
		}
	})
}
