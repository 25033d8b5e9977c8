package node

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/store"
)

// usedHome is a home that was stopped and started some times, so that its store
// has tables as well as a log, and the root at each height.
func usedHome(t *testing.T) (string, map[uint64][32]byte) {
	t.Helper()
	home := newHome(t, testGenesis(t, "one"))
	all := map[uint64][32]byte{}
	for range 3 {
		some, err := roots(t, home, 6)
		if err != nil {
			t.Fatal(err)
		}
		for h, r := range some {
			all[h] = r
		}
	}
	return home, all
}

// TestDamagedStore damages each file of the chain's store in several ways. A
// node may refuse to start, by an error that says so, or come up with the state
// that it had; it never goes on from another.
func TestDamagedStore(t *testing.T) {
	t.Parallel()
	home, want := usedHome(t)
	files, err := filepath.Glob(filepath.Join(home, "chain", "*"))
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(files)
	kinds := map[string]int{}
	var refused, came atomic.Int32
	t.Run("files", func(t *testing.T) { // ends when all of the parallel ones have
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(file) == "LOCK" || info.Size() == 0 {
				continue
			}
			kinds[strings.TrimLeft(filepath.Base(file), "0123456789")]++
			for _, how := range []string{"first byte", "middle", "end", "last byte", "cut", "zeros", "gone"} {
				name := filepath.Base(file) + " " + how
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					copied := t.TempDir()
					if err := os.CopyFS(copied, os.DirFS(home)); err != nil {
						t.Fatal(err)
					}
					private(t, copied)
					damage(t, filepath.Join(copied, "chain", filepath.Base(file)), how)
					got, err := roots(t, copied, 2)
					switch {
					case errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrFormat), errors.Is(err, chain.ErrBroken), errors.Is(err, ledger.ErrBroken):
						refused.Add(1)
					case err != nil:
						t.Errorf("an error of no family: %v", err)
					default:
						came.Add(1)
					}
					common := 0
					for h, r := range got {
						if was, ok := want[h]; ok {
							common++
							if was != r {
								t.Errorf("height %d: root %x, was %x", h, r, was)
							}
						}
					}
					if err == nil && common == 0 {
						t.Error("came up with no height in common")
					}
					t.Logf("%d heights, %d in common, error %v", len(got), common, err)
				})
			}
		}
	})
	t.Logf("files %v, refused %d, came up %d", kinds, refused.Load(), came.Load())
	if refused.Load() == 0 || came.Load() == 0 || kinds[".sst"] == 0 || kinds[".log"] == 0 {
		t.Errorf("nothing was refused, or not all kinds of files were there: %v", kinds)
	}
}

// private gives copied files the mode that they had.
func private(t *testing.T, dir string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(p, 0o600)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func damage(t *testing.T, file, how string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) { b[max(0, min(at, len(b)-1))] ^= 0x5a }
	switch how {
	case "first byte":
		flip(0)
	case "last byte":
		flip(len(b) - 1)
	case "middle":
		for i := range 16 {
			flip(len(b)/2 + i)
		}
	case "end":
		flip(len(b) - len(b)/8)
	case "cut":
		b = b[:len(b)-len(b)/4-1]
	case "zeros":
		clear(b[len(b)*7/8:])
	case "gone":
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedWork does the same to the second database and to what consensus
// keeps in files.
func TestDamagedWork(t *testing.T) {
	t.Parallel()
	home, want := usedHome(t)
	work, err := kv.Open(filepath.Join(home, "work"))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		v := make([]byte, 500)
		for j := range v {
			v[j] = byte(r.Uint32())
		}
		if err := work.Put(fmt.Appendf(nil, "key %d", i), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := work.Close(); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, glob := range []string{"work/*", "consensus/*.json", "consensus/wal/*"} {
		found, err := filepath.Glob(filepath.Join(home, glob))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		rel, _ := filepath.Rel(home, file)
		if info, err := os.Stat(file); err != nil || info.Size() == 0 || filepath.Base(file) == "LOCK" {
			continue
		}
		for _, how := range []string{"first byte", "middle", "last byte", "cut"} {
			t.Run(rel+" "+how, func(t *testing.T) {
				t.Parallel()
				copied := t.TempDir()
				if err := os.CopyFS(copied, os.DirFS(home)); err != nil {
					t.Fatal(err)
				}
				private(t, copied)
				damage(t, filepath.Join(copied, rel), how)
				got, err := roots(t, copied, 2)
				if errors.Is(err, errNoBlocks) && strings.HasPrefix(rel, "consensus/wal/") {
					// What was cut off may be the vote of the height under way. Alone, the
					// node may then not vote again, and stands still rather than sign twice.
					err = nil
				}
				if err != nil {
					if !errors.Is(err, kv.ErrCorrupt) && !errors.Is(err, chain.ErrBroken) {
						t.Errorf("an error of no family: %v", err)
					}
					if strings.HasPrefix(rel, "work/") != errors.Is(err, kv.ErrCorrupt) {
						t.Errorf("the error blames the wrong one: %v", err)
					}
				}
				for h, r := range got {
					if was, ok := want[h]; ok && was != r {
						t.Errorf("height %d: root %x, was %x", h, r, was)
					}
				}
				t.Logf("%d heights, error %v", len(got), err)
			})
		}
	}
}

func TestPortInUse(t *testing.T) {
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	quicAddr := fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", udp.LocalAddr().(*net.UDPAddr).Port)
	tcpAddr := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", tcp.Addr().(*net.TCPAddr).Port)
	const free = "/ip4/127.0.0.1/udp/0/quic-v1"
	for name, listen := range map[string][]string{"quic": {quicAddr}, "tcp": {tcpAddr}, "one of two": {free, tcpAddr}, "the other of two": {quicAddr, free}} {
		t.Run(name, func(t *testing.T) {
			c, err := config.Load(newHome(t, testGenesis(t, "one")), map[string]any{"listen": listen})
			if err != nil {
				t.Fatal(err)
			}
			n, err := openConfig(t, c)
			if err == nil {
				n.Close()
				t.Fatalf("listens on %v", n.Addrs())
			}
			bad := quicAddr
			if listen[0] == tcpAddr || listen[len(listen)-1] == tcpAddr {
				bad = tcpAddr
			}
			wantError(t, err, nil, bad, "address already in use")
			// What was opened before is closed: the home can be used at once.
			c.Listen = []string{free}
			if n, err = openConfig(t, c); err != nil {
				t.Fatal(err)
			}
			n.Close()
		})
	}
}
