package round

import (
	"bytes"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
)

func held() *Held {
	caller, callee := key.Seed{1}, key.Seed{2}
	req := SignRequest(caller, &Request{ChainID: "test-1", NetUID: 1, Epoch: 4, Round: 2, Caller: caller.Public(), Callee: callee.Public(), DeadlineMS: 1000})
	a := SignAnswer(callee, Answer{Request: RequestHash(req.Body), Hash: [32]byte{7}})
	return &Held{Request: req, Answer: a, Receipt: SignReceipt(caller, a)}
}

// A receipt kept and read again proves the same; with any bit changed it proves
// nothing.
func TestHeld(t *testing.T) {
	raw := held().Append(nil)
	if len(raw) > MaxHeld {
		t.Fatalf("%d bytes", len(raw))
	}
	back, err := DecodeHeld(raw)
	if err != nil {
		t.Fatal(err)
	}
	if r, a, err := back.Open(); err != nil || r.Round != 2 || a.Hash != ([32]byte{7}) {
		t.Error(r, a, err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if h, err := DecodeHeld(bad); err == nil {
			if _, _, err := h.Open(); err == nil {
				t.Errorf("byte %d is bound by nothing", i)
			}
		}
	}
}

func FuzzDecodeHeld(f *testing.F) {
	f.Add(held().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := DecodeHeld(b); err == nil && !bytes.Equal(h.Append(nil), b) {
			t.Fatalf("%x re-encodes differently", b)
		}
	})
}
