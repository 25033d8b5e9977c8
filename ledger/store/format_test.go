package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/ledger"
)

func FuzzSnapshotChunk(f *testing.F) {
	_, chunks := chunksOf([32]byte{}, part{partValue, []byte("a"), false, []byte("1")}, part{partValue, []byte("b"), true, []byte("2")})
	f.Add(chunks[0])
	_, chunks = chunksOf([32]byte{}, part{partBlob, make([]byte, 32), false, []byte("blob")})
	f.Add(chunks[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, err := decodeChunk(b)
		if err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatal(err)
			}
			return
		}
		c := cutter{emit: func(again []byte) error {
			if !bytes.Equal(again, b) {
				t.Fatalf("%x is not canonical, %x is", b, again)
			}
			return nil
		}, count: len(parts)}
		for _, p := range parts {
			c.parts = p.append(c.parts)
		}
		c.flush()
		j := joiner{item: func(kind partKind, key, data []byte) error { return nil }}
		j.chunk(parts)
		j.end()
	})
}

func FuzzSnapshotManifest(f *testing.F) {
	m, _ := chunksOf([32]byte{1}, part{partValue, []byte("a"), false, []byte("1")})
	f.Add(m.Encode())
	f.Add((&Manifest{}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeManifest(b)
		if err == nil && !bytes.Equal(m.Encode(), b) {
			t.Fatalf("%x is not canonical", b)
		}
		if err != nil && !errors.Is(err, ErrSnapshot) && !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
	})
}

func FuzzSnapshotFile(f *testing.F) {
	db := mem(f)
	commit(f, db, 0, put("a", "1"), put("b", "2"))
	raw, _ := export(f, db, []byte("x"))
	f.Add(raw)
	f.Add([]byte(opening + closing))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := openBytes(b)
		if err == nil {
			err = file.Verify(t.Context(), nil)
		}
		if err != nil && !errors.Is(err, ErrSnapshot) && !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
	})
}

// TestSnapshotGolden holds the format: another hash here means another version.
func TestSnapshotGolden(t *testing.T) {
	db := mem(t)
	s, err := db.Stage(0, []ledger.Write{put("a", "1"), put("b", "2")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Keep([]byte("blob")); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	raw, m := export(t, db, []byte("extra"))
	golden := filepath.Join("testdata", "snapshot.bin")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, want) {
		t.Errorf("%x, want %x", raw, want)
	}
	if got := fmt.Sprintf("%x", m.Hash()); got != "da2c3ce1314ff75591dc9f9b4061b78ee568a95d152e6120206e6b4f438820d2" {
		t.Errorf("hash %s", got)
	}
}
