package node

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/round"
)

// An artifact is served by whoever voted for it, fetched by its hash, checked, and
// kept for as long as an epoch uses it.
func TestArtifacts(t *testing.T) {
	open := func(i byte) *artifacts {
		net, err := p2p.New(p2p.Config{Seed: key.Seed{i, 9}, Genesis: [32]byte{1}, Client: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { net.Close() })
		a := &artifacts{t.TempDir(), net}
		net.ServeBlobs(func(id [32]byte) (io.ReadSeekCloser, int64, error) { return a.open(id) })
		return a
	}
	one, two := open(1), open(2)
	if err := two.net.Connect(t.Context(), one.net.Addrs()...); err != nil {
		t.Fatal(err)
	}
	built := []byte("what all have built")
	hash := round.ArtifactHash(built)
	if _, err := two.get(t.Context(), 6, 3, hash); err == nil {
		t.Fatal("an artifact that nobody has was found")
	}
	if err := one.put(6, 1, hash, built); err != nil {
		t.Fatal(err)
	}
	for range 2 { // from the other, then from the own folder
		if b, err := two.get(t.Context(), 6, 3, hash); err != nil || string(b) != string(built) {
			t.Fatalf("%q, %v", b, err)
		}
	}
	file := filepath.Join(two.dir, artifactName(6, 3, hash))
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := two.get(t.Context(), 6, 4, hash); err != nil || string(b) != string(built) {
		t.Fatalf("after damage: %q, %v", b, err)
	}
	// One that is used does not age, one that is not goes.
	other := round.ArtifactHash([]byte("other"))
	if err := two.put(6, 4, other, []byte("other")); err != nil {
		t.Fatal(err)
	}
	if _, err := two.get(t.Context(), 6, 30, hash); err != nil {
		t.Fatal(err)
	}
	newest := round.ArtifactHash([]byte("newest"))
	if err := two.put(6, 31, newest, []byte("newest")); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(two.dir, "*"))
	if err != nil || len(left) != 2 || strings.Contains(strings.Join(left, " "), "other") {
		t.Errorf("left are %v, %v", left, err)
	}
	if _, _, err := two.open(other); err == nil {
		t.Error("what was dropped is served")
	}
}
