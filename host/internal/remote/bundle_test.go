package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// file serves a blob and stops after some bytes, as a line does that breaks.
type file struct {
	*bytes.Reader
	left *int
}

func (f file) Read(b []byte) (int, error) {
	if *f.left <= 0 {
		return 0, errors.New("broken line")
	}
	n, err := f.Reader.Read(b)
	*f.left -= n
	return n, err
}

func (file) Close() error { return nil }

// TestBundleFile: an interrupted fetch goes on where it stopped, from the author
// of the evidence who is searched for, and what comes is checked.
func TestBundleFile(t *testing.T) {
	data := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)
	b := &evidence.Bundle{ChainID: "test-1", NetUID: 1, Epoch: 2, Rounds: []evidence.Round{{Slices: []evidence.Slice{{Data: data[:1<<20]}, {Data: data[1<<20 : 2<<20]}, {Data: data[2<<20:]}}}}}
	content, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	root := b.Root()
	start := func(i byte) *p2p.Host {
		h, err := p2p.New(p2p.Config{Seed: key.Seed{i}, Genesis: [32]byte{7}, Client: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		return h
	}
	server, me := start(1), start(2)
	left, served := len(content)+1<<20, 0 // the chunk list takes a whole reading
	server.ServeBlobs(func(id [32]byte) (io.ReadSeekCloser, int64, error) {
		if id != root {
			return nil, 0, os.ErrNotExist
		}
		served++
		return file{bytes.NewReader(content), &left}, int64(len(content)), nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := me.Connect(ctx, server.Addrs()...); err != nil {
		t.Fatal(err)
	}
	r := &Remote{Net: me}
	author := key.Seed{1}.Public()
	if size, at, err := r.BundleAt(ctx, root, author); err != nil || size != int64(len(content)) || len(at) != 1 || at[0] != server.ID() {
		t.Fatal(size, at, err)
	}
	if _, _, err := r.BundleAt(ctx, [32]byte{1}, author); !errors.Is(err, p2p.ErrNoBlob) {
		t.Error(err)
	}
	name := filepath.Join(t.TempDir(), "x.bundle")
	if err := r.BundleFile(ctx, root, name, nil, author); err == nil {
		t.Fatal("fetched over a broken line")
	}
	part, err := os.Stat(name + ".part")
	if err != nil || part.Size() == 0 || part.Size() >= int64(len(content)) {
		t.Fatal(part, err)
	}
	// One byte of what is there is altered: it is fetched again, and the rest not.
	f, err := os.OpenFile(name+".part", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte{0xff, 0xff, 0xff}, 5)
	f.Close()
	left = 1 << 30
	var first int64 = -1
	if err := r.BundleFile(ctx, root, name, func(done, total int64) {
		if first < 0 {
			first = done
		}
	}, author); err != nil {
		t.Fatal(err)
	}
	if first < part.Size()/2 {
		t.Errorf("it began with %d bytes of %d that were there", first, part.Size())
	}
	got, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, content) {
		t.Fatal("another file", err)
	}
	if back, err := r.Bundle(ctx, root, nil, author); err != nil || back.Root() != root {
		t.Error(err)
	}
	// Another's content under this root is refused, and leaves no file.
	content = append([]byte(nil), content...)
	content[len(content)/2] ^= 1
	os.Remove(name)
	if err := r.BundleFile(ctx, root, name, nil, author); !errors.Is(err, p2p.ErrBlobHash) {
		t.Error(err)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("a wrong file is there")
	}
}
