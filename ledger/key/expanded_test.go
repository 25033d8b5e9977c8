package key

import (
	"fmt"
	"strings"
	"testing"
)

// TestExpanded: what is computed once changes no signature and no judgement.
func TestExpanded(t *testing.T) {
	s := Seed{1}
	signer, other := s.Expand(), Seed{2}
	msg := []byte("message")
	sig := signer.Sign("work", msg)
	if sig != s.Sign("work", msg) || signer.Public() != s.Public() {
		t.Error("the signer signs otherwise than its seed")
	}
	for _, v := range []any{signer, &signer} {
		if text := fmt.Sprintf("%v %+v %#v", v, v, v); strings.Contains(text, fmt.Sprint(s[0])+" ") || !strings.Contains(text, "secret") {
			t.Errorf("a signer prints as %s", text)
		}
	}
	flipped := sig
	flipped[3] ^= 1
	big := sig
	big[63] |= 0xe0 // a scalar that is not reduced
	for _, id := range []ID{s.Public(), other.Public(), {}, {1}, {2}, {0xff, 0xff}} {
		v := id.Verifier()
		if v.ID() != id {
			t.Error("another key")
		}
		for _, c := range []struct {
			name string
			msg  []byte
			sig  Signature
		}{{"work", msg, sig}, {"tx", msg, sig}, {"work", msg[1:], sig}, {"work", msg, flipped}, {"work", msg, big}, {"work", msg, Signature{}},
			{"work", msg, Signature{1}}} {
			if a, b := id.Verify(c.name, c.msg, c.sig), v.Verify(c.name, c.msg, c.sig); a != b {
				t.Errorf("%x judges %x as %v, its verifier as %v", id[:2], c.sig[:4], a, b)
			}
		}
	}
}
