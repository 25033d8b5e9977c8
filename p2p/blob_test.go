package p2p

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

type blob struct{ *bytes.Reader }

func (blob) Close() error { return nil }

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{5})
	r.Read(b)
	return b
}

func serve(h *Host, content []byte, asked *atomic.Int32) {
	id := sha256.Sum256(content)
	h.ServeBlobs(func(want [32]byte) (io.ReadSeekCloser, int64, error) {
		asked.Add(1)
		if want != id {
			return nil, 0, errors.New("not here")
		}
		return blob{bytes.NewReader(content)}, int64(len(content)), nil
	})
}

// breaks is a blob whose disk fails after n bytes.
type breaks struct {
	blob
	n int64
}

func (b *breaks) Read(p []byte) (int, error) {
	if b.n <= 0 {
		return 0, errors.New("disk failed")
	}
	n, err := b.blob.Read(p[:min(int64(len(p)), b.n)])
	b.n -= int64(n)
	return n, err
}

func TestBlob(t *testing.T) {
	me, good, empty, broken, liar := start(t, 1), start(t, 2), start(t, 3), start(t, 4), start(t, 5)
	for _, h := range []*Host{good, empty, broken, liar} {
		connect(t, me, h)
	}
	content := random(3<<20 + 17)
	id := sha256.Sum256(content)
	var asked [4]atomic.Int32
	serve(good, content, &asked[0])
	serve(empty, nil, &asked[1])
	broken.ServeBlobs(func([32]byte) (io.ReadSeekCloser, int64, error) {
		asked[2].Add(1)
		return &breaks{blob{bytes.NewReader(content)}, 2<<20 + 5}, int64(len(content)), nil
	})
	lie := random(len(content))
	lie[0] ^= 1
	liar.ServeBlobs(func([32]byte) (io.ReadSeekCloser, int64, error) {
		asked[3].Add(1)
		return &breaks{blob{bytes.NewReader(lie)}, 1 << 20}, int64(len(content)), nil
	})

	for _, c := range []struct {
		name  string
		peers []*Host
		max   int64
		err   error
	}{
		{"one peer", []*Host{good}, 4 << 20, nil},
		{"second peer has it", []*Host{empty, good}, 4 << 20, nil},
		{"resumes at the offset reached", []*Host{broken, good}, 4 << 20, nil},
		{"a liar's part is thrown away", []*Host{liar, good}, 4 << 20, nil},
		{"nobody has it", []*Host{empty}, 4 << 20, ErrNoBlob},
		{"too large", []*Host{good}, int64(len(content)) - 1, ErrBlobSize},
		{"no peer", nil, 1, ErrNoBlob},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ids []peer.ID
			for _, h := range c.peers {
				ids = append(ids, h.ID())
			}
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
		})
	}
	// Resuming asked the second peer only for the rest: the whole came in one
	// pass over the two.
	asked[0].Store(0)
	asked[2].Store(0)
	var first, sum int64
	var prev int64
	if _, err := me.Fetch(t.Context(), []peer.ID{broken.ID(), good.ID()}, id, 4<<20, func(done, _ int64) {
		if first == 0 {
			first = done
		}
		sum += done - prev
		prev = done
	}); err != nil || sum != int64(len(content)) || asked[0].Load() != 1 || asked[2].Load() != 1 {
		t.Fatalf("%v, %d bytes received, asked %d and %d", err, sum, asked[0].Load(), asked[2].Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := me.Fetch(ctx, []peer.ID{good.ID()}, id, 4<<20, nil); err == nil {
		t.Fatal("fetched with a canceled context")
	}
}
