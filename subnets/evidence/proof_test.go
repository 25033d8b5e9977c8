package evidence

import (
	"bytes"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
)

// Every leaf is proved under its root, under no other, and as nothing else.
func TestProof(t *testing.T) {
	b := epoch(5, 7, 20)
	b.Rounds[3] = Round{Round: 3, Skipped: true}
	root := b.Root()
	for r := range b.Rounds {
		for i := range b.Rounds[r].Responses {
			p, err := b.Prove(r, i)
			if err != nil {
				t.Fatal(err)
			}
			p, err = DecodeProof(p.Append(nil))
			if err != nil || p.Leaf != b.Rounds[r].Responses[i].Leaf || p.Validator != b.Validator || p.Epoch != b.Epoch {
				t.Fatalf("%v %+v", err, p)
			}
			if err := p.Verify(root); err != nil {
				t.Errorf("round %d place %d: %v", r, i, err)
			}
			if p.Verify([32]byte{1}) == nil {
				t.Error("proved under another root")
			}
		}
	}
	for name, change := range map[string]func(p *Proof){
		"chain": func(p *Proof) { p.ChainID += "x" }, "netuid": func(p *Proof) { p.NetUID++ }, "epoch": func(p *Proof) { p.Epoch++ },
		"validator": func(p *Proof) { p.Validator = key.ID{} }, "score": func(p *Proof) { p.Leaf.Score++ }, "hash": func(p *Proof) { p.Leaf.Hash[0]++ },
		"status": func(p *Proof) { p.Leaf.Status = None }, "miner": func(p *Proof) { p.Leaf.Index++ }, "leaf's round": func(p *Proof) { p.Leaf.Round++ },
		"place": func(p *Proof) { p.place++ }, "leaves": func(p *Proof) { p.leaves++ }, "round": func(p *Proof) { p.round-- }, "rounds": func(p *Proof) { p.rounds-- },
		"sibling": func(p *Proof) { p.inRound[0][3]++ }, "sibling of the round": func(p *Proof) { p.inEpoch[0][3]++ }, "a sibling less": func(p *Proof) { p.inEpoch = p.inEpoch[1:] },
		"node": func(p *Proof) { p.node[4]++ }, "rest": func(p *Proof) { p.rest[4]++ }, "fuel": func(p *Proof) { p.rankFuel++ }, "row": func(p *Proof) { p.opening[5]++ },
	} {
		p, err := b.Prove(1, 2)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		if err := p.Verify(root); !errors.Is(err, ErrProof) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	for _, at := range [][2]int{{-1, 0}, {5, 0}, {3, 0}, {0, 7}, {0, -1}} {
		if _, err := b.Prove(at[0], at[1]); err == nil {
			t.Errorf("proved %v", at)
		}
	}
	p, err := b.Prove(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	good := p.Append(nil)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if p, err := DecodeProof(bad); err == nil && p.Verify(root) == nil {
			t.Errorf("byte %d of %d may be another", i, len(good))
		}
		if _, err := DecodeProof(good[:i]); err == nil {
			t.Errorf("%d of %d bytes are accepted", i, len(good))
		}
	}
	if _, err := DecodeProof(make([]byte, MaxProof+1)); !errors.Is(err, ErrProof) {
		t.Error(err)
	}
}

func FuzzDecodeProof(f *testing.F) {
	b := sample()
	root := b.Root()
	for i := range b.Rounds[0].Responses {
		p, err := b.Prove(0, i)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := DecodeProof(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Append(nil), raw) {
			t.Fatal("not canonical")
		}
		if p.Verify(root) == nil && p.Leaf != b.Rounds[0].Responses[p.place].Leaf {
			t.Fatal("proved what is not there")
		}
	})
}
