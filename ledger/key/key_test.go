package key

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi/cbor"
)

func TestSS58(t *testing.T) {
	// The well-known development account //Alice of Substrate tools.
	b, _ := hex.DecodeString("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
	const alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	if got := ID(b).String(); got != alice {
		t.Fatalf("got %s, want %s", got, alice)
	}
	id, err := Parse(alice)
	if err != nil || id != ID(b) {
		t.Fatal(id, err)
	}
	for _, bad := range []string{"", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ", alice[:47], alice + "1", "0OIl", strings.Repeat("1", 100)} {
		if _, err := Parse(bad); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Hash is one function whatever its length: that of the canonical array.
func TestHash(t *testing.T) {
	for _, sizes := range [][]int{nil, {0}, {3, 0, 40}, {4000, 100}, {1 << 16}, {32, 1<<20 + 1, 0, 9}, {1 << 24}} {
		var parts [][]byte
		b := cbor.AppendText(cbor.AppendArray(nil, 1+len(sizes)), "plexus/some-name/v1")
		for _, n := range sizes {
			p := bytes.Repeat([]byte{byte(n), 7}, (n+1)/2)[:n]
			parts = append(parts, p)
			b = cbor.AppendBytes(b, p)
		}
		if got, want := Hash("some-name", parts...), sha256.Sum256(b); got != want {
			t.Errorf("parts of %d bytes: %x, want %x", sizes, got, want)
		}
	}
}

func TestSignatureIsBoundToTag(t *testing.T) {
	s := Seed{1}
	sig := s.Sign("tx", []byte("m"))
	if err := s.Public().Verify("tx", []byte("m"), sig); err != nil {
		t.Fatal(err)
	}
	if s.Public().Verify("work", []byte("m"), sig) == nil || s.Public().Verify("tx", []byte("n"), sig) == nil ||
		(Seed{2}).Public().Verify("tx", []byte("m"), sig) == nil {
		t.Fatal("a signature verified for another tag, message or key")
	}
	// S + L is the same scalar in a non-canonical form.
	mal := sig
	l := [32]byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	c := 0
	for i := range 32 {
		c += int(mal[32+i]) + int(l[i])
		mal[32+i] = byte(c)
		c >>= 8
	}
	if s.Public().Verify("tx", []byte("m"), mal) == nil {
		t.Fatal("a malleable signature verified")
	}
	// The neutral element signs everything if small orders are let in.
	small := ID{1}
	if small.Verify("tx", []byte("m"), Signature{0: 1}) == nil {
		t.Fatal("a small-order key verified")
	}
}

func TestVRF(t *testing.T) {
	v := (Seed{3}).VRF()
	p, beta := v.Prove([]byte("alpha"))
	got, err := v.Public().VerifyVRF([]byte("alpha"), p)
	if err != nil || got != beta {
		t.Fatal(err)
	}
	if _, err := v.Public().VerifyVRF([]byte("other"), p); err == nil {
		t.Fatal("a proof verified for another input")
	}
	for i := range p {
		bad := p
		bad[i] ^= 1
		if _, err := v.Public().VerifyVRF([]byte("alpha"), bad); err == nil {
			t.Fatalf("a proof with byte %d changed verified", i)
		}
	}
}

func TestPossession(t *testing.T) {
	s := Seed{4}
	w, p := s.Work(true)
	if err := p.Verify(s.Public(), w); err != nil {
		t.Fatal(err)
	}
	if p.Verify((Seed{5}).Public(), w) == nil {
		t.Fatal("possession held for another hotkey")
	}
	other, _ := (Seed{5}).Work(true)
	for i, x := range []Work{{other.VRF, w.Enc, w.Peer}, {w.VRF, other.Enc, w.Peer}, {w.VRF, w.Enc, other.Peer}} {
		if p.Verify(s.Public(), x) == nil {
			t.Fatalf("case %d: a stranger's key was accepted", i)
		}
	}
	if w.VRF == w.Enc || w.VRF == s.Public() || w.Peer == w.Enc {
		t.Fatal("derived keys share a secret")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := Seed{0xab, 0xcd}
	for _, v := range []string{s.String(), fmt.Sprintf("%v %+v %#v", s, s, s), fmt.Sprintf("%v %#v", s.VRF(), s.VRF())} {
		if strings.Contains(v, "ab") || strings.Contains(v, "171") {
			t.Fatalf("a secret printed as %s", v)
		}
	}
}
