package p2p

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/p2p/internal/wire"
)

type blob struct{ io.ReadSeeker }

func (blob) Close() error { return nil }

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{5})
	r.Read(b)
	return b
}

// source serves a blob and counts what it hands out.
type source struct {
	content []byte
	id      [32]byte
	read    atomic.Int64 // bytes
	calls   atomic.Int64
	// swap, if set, returns what to serve at the nth call.
	swap func(n int64) []byte
	// breaks is after how many bytes the disk fails, 0 for never.
	breaks int64
}

func (s *source) serve(h Streams) {
	ServeBlobs(h, func(want [32]byte) (io.ReadSeekCloser, int64, error) {
		n := s.calls.Add(1)
		if want != s.id {
			return nil, 0, errors.New("not here")
		}
		c := s.content
		if s.swap != nil {
			c = s.swap(n)
		}
		return blob{&counting{bytes.NewReader(c), s}}, int64(len(c)), nil
	})
}

type counting struct {
	*bytes.Reader
	s *source
}

func (c *counting) Read(p []byte) (int, error) {
	if c.s.breaks > 0 && c.s.read.Load() >= c.s.breaks {
		return 0, errors.New("disk failed")
	}
	n, err := c.Reader.Read(p)
	c.s.read.Add(int64(n))
	return n, err
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func TestBlob(t *testing.T) {
	t.Parallel()
	content := random(3<<20 + 17) // 13 chunks
	id := sha256.Sum256(content)
	lie := flipped(content, 5*wire.BlobChunk)
	good := func() *source { return &source{content: content, id: id} }
	elsewhere := func() *source { return &source{content: nil, id: [32]byte{1}} }
	liar := func() *source { return &source{content: lie, id: id} } // in its list too
	sly := func() *source {                                         // its list is true, a chunk is not
		return &source{id: id, swap: func(n int64) []byte {
			if n == 1 {
				return content
			}
			return lie
		}}
	}
	broken := func() *source { // after its list and two chunks
		return &source{content: content, id: id, breaks: int64(len(content)) + 2*wire.BlobChunk}
	}
	me := start(t, 1)
	for i, c := range []struct {
		name  string
		peers []*source
		max   int64
		err   error
		most  int64 // bytes received in all, 0 for any
	}{
		{"one peer", []*source{good()}, 4 << 20, nil, int64(len(content))},
		{"second peer has it", []*source{elsewhere(), good()}, 4 << 20, nil, int64(len(content))},
		{"from several at once", []*source{good(), good(), good()}, 4 << 20, nil, int64(len(content))},
		{"a disk fails", []*source{broken(), good()}, 4 << 20, nil, int64(len(content))},
		{"a lie in a chunk", []*source{sly(), good(), good()}, 4 << 20, nil, int64(len(content)) + wire.MaxRun*wire.BlobChunk},
		{"a lie in the list", []*source{liar(), good()}, 4 << 20, nil, int64(len(content)) + wire.BlobChunk},
		{"two agree on a lie", []*source{liar(), liar(), good()}, 4 << 20, nil, int64(len(content)) + wire.BlobChunk},
		{"only a liar", []*source{liar()}, 4 << 20, ErrBlobHash, 0},
		{"nobody has it", []*source{elsewhere()}, 4 << 20, ErrNoBlob, 0},
		{"too large", []*source{good()}, int64(len(content)) - 1, ErrBlobSize, 0},
		{"no peer", nil, 1, ErrNoBlob, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ids []peer.ID
			for j, s := range c.peers {
				h := start(t, byte(10*i+j+2))
				connect(t, me, h)
				s.serve(h)
				ids = append(ids, h.ID())
			}
			before := me.Stats().Streams[blobName].BytesIn
			var last int64
			got, err := me.FetchSHA256(t.Context(), ids, id, c.max, func(done, total int64) {
				if total != int64(len(content)) || done > total {
					t.Errorf("progress %d of %d", done, total)
				}
				last = done
			})
			if !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if c.err == nil && (!bytes.Equal(got, content) || last != int64(len(content))) {
				t.Fatalf("%d bytes, progress %d", len(got), last)
			}
			const heads = 4096 // of frames, answers and lists
			if in := me.Stats().Streams[blobName].BytesIn - before; c.most > 0 && in > c.most+heads {
				t.Fatalf("%d bytes received, want at most %d", in, c.most)
			}
			if c.name == "from several at once" {
				gave := 0
				for _, s := range c.peers {
					if s.read.Load() > int64(len(content)) { // the list reads it all
						gave++
					}
				}
				if gave < 2 {
					t.Errorf("%d of the peers gave something", gave)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := me.FetchSHA256(ctx, []peer.ID{PeerID([32]byte{2})}, id, 4<<20, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("fetched with a canceled context: %v", err)
	}
}

// A transfer that was cut goes on from the file, and believes nothing in it.
func TestBlobResumes(t *testing.T) {
	t.Parallel()
	content := random(20*wire.BlobChunk + 100)
	s := &source{content: content, id: sha256.Sum256(content)}
	server := start(t, 1)
	s.serve(server)
	path := filepath.Join(t.TempDir(), "blob")
	fetch := func(h *Host, stop int64) (first int64, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var once sync.Once
		err = Fetch{ID: s.id, Peers: []peer.ID{server.ID()}, Max: 1 << 30, Progress: func(done, _ int64) {
			once.Do(func() { first = done })
			if stop > 0 && done >= stop {
				cancel()
			}
		}}.File(ctx, h, path)
		return first, err
	}
	a := start(t, 2)
	connect(t, a, server)
	if _, err := fetch(a, 6*wire.BlobChunk); !errors.Is(err, context.Canceled) {
		t.Fatalf("not cut: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a part passes for the whole: %v", err)
	}
	part, err := os.ReadFile(path + ".part")
	if err != nil || len(part) < 6*wire.BlobChunk {
		t.Fatalf("%d bytes kept, %v", len(part), err)
	}
	if err := os.WriteFile(path+".part", flipped(part, wire.BlobChunk), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, 3) // another process
	connect(t, b, server)
	first, err := fetch(b, 0)
	if err != nil {
		t.Fatal(err)
	}
	if first < 5*wire.BlobChunk || first >= int64(len(part)) {
		t.Fatalf("went on from %d, %d bytes were there, of which a chunk was damaged", first, len(part))
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if in := b.Stats().Streams[blobName].BytesIn; in > int64(len(content))-first+4096 {
		t.Fatalf("%d bytes came, %d were missing", in, int64(len(content))-first)
	}
	// A leftover of something longer does not stay behind the whole.
	other := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(other+".part", append(bytes.Clone(content), 1, 2, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	path = other
	if first, err = fetch(b, 0); err != nil || first != int64(len(content)) {
		t.Fatalf("went on from %d: %v", first, err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// A list that is asked for again is not read from the disk again.
func TestBlobListIsKept(t *testing.T) {
	content := random(wire.BlobChunk + 1)
	s := &source{content: content, id: sha256.Sum256(content)}
	a, b := start(t, 1), start(t, 2)
	s.serve(b)
	connect(t, a, b)
	for range 5 {
		st, err := a.Open(t.Context(), b.ID(), blobName)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Send(wire.BlobRequest{ID: s.id}.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Recv(100); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Recv(100); err != nil {
			t.Fatal(err)
		}
		// What is not there, and what is no request.
		for _, bad := range [][]byte{wire.BlobRequest{ID: s.id, From: 1, Count: 2}.Append(nil), wire.BlobRequest{Count: 1}.Append(nil)} {
			if err := st.Send(bad); err != nil {
				t.Fatal(err)
			}
			raw, err := st.Recv(100)
			if ans, e := wire.DecodeBlobAnswer(raw); err != nil || e != nil || ans.Found {
				t.Fatalf("%x: %+v, %v, %v", bad, ans, err, e)
			}
		}
		if err := st.Send([]byte("?")); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Recv(100); err == nil || err == io.EOF {
			t.Fatalf("nonsense was not refused: %v", err)
		}
		st.Close()
	}
	if n := s.read.Load(); n != int64(len(content)) {
		t.Fatalf("%d bytes read", n)
	}
}
