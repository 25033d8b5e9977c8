package key

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMiniIsSubstratesKey(t *testing.T) {
	// The mini-secret of the well-known development account //Alice.
	m := Mini(unhex(t, "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"))
	if got := m.Public().String(); got != "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY" {
		t.Fatal(got)
	}
	for _, v := range []string{m.String(), fmt.Sprintf("%v %+v %#v", m, m, m)} {
		if v != "(secret)" && v != "(secret) (secret) (secret)" {
			t.Fatalf("a secret printed as %s", v)
		}
	}
}

func TestSchemesAreApart(t *testing.T) {
	for _, s := range []Signer{Seed{1}, Mini{1}} {
		sig := s.Sign("tx", []byte("m"))
		id := s.Public()
		if err := id.VerifyScheme(s.Scheme(), "tx", []byte("m"), sig); err != nil {
			t.Fatal(s.Scheme(), err)
		}
		other := 1 - s.Scheme()
		flipped := sig
		flipped[3] ^= 1
		unmarked := sig
		unmarked[63] ^= 128 // sr25519 marks its signatures there
		for name, err := range map[string]error{
			"other scheme":  id.VerifyScheme(other, "tx", []byte("m"), sig),
			"other tag":     id.VerifyScheme(s.Scheme(), "work", []byte("m"), sig),
			"other message": id.VerifyScheme(s.Scheme(), "tx", []byte("n"), sig),
			"other account": ID{9}.VerifyScheme(s.Scheme(), "tx", []byte("m"), sig),
			"changed":       id.VerifyScheme(s.Scheme(), "tx", []byte("m"), flipped),
			"unmarked":      id.VerifyScheme(s.Scheme(), "tx", []byte("m"), unmarked),
		} {
			if !errors.Is(err, ErrSignature) {
				t.Errorf("%s: %s: %v", s.Scheme(), name, err)
			}
		}
		if err := id.VerifyScheme(2, "tx", []byte("m"), sig); !errors.Is(err, ErrScheme) {
			t.Error(err)
		}
	}
	// Under the neutral element of Ristretto, R = S·B holds for every message.
	r := curve.NewRistrettoPoint().MulBasepoint(curve.RISTRETTO_BASEPOINT_TABLE, scalar.NewFromUint64(5))
	var forged Signature
	var c curve.CompressedRistretto
	c.SetRistrettoPoint(r)
	copy(forged[:32], c[:])
	forged[32], forged[63] = 5, 128
	if err := zero.VerifyScheme(SR25519, "tx", []byte("m"), forged); !errors.Is(err, ErrSignature) {
		t.Fatal("anybody can sign for the zero account")
	}
	var b Batch
	b.Add(zero, SR25519, "tx", []byte("m"), forged)
	if b.Verify()[0] {
		t.Fatal("anybody can sign for the zero account in a batch")
	}
}

// crafted makes an ed25519 signature whose key and R carry the i-th and j-th
// multiple of a point of order 8.
func crafted(t *testing.T, msg []byte, a, r uint64, i, j int) (ID, Signature) {
	t.Helper()
	var order8 curve.EdwardsPoint
	var c curve.CompressedEdwardsY
	copy(c[:], unhex(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
	if _, err := order8.SetCompressedY(&c); err != nil {
		t.Fatal(err)
	}
	point := func(x uint64, torsion int) (out [32]byte) {
		p := curve.NewEdwardsPoint()
		if x != 0 {
			p.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, scalar.NewFromUint64(x))
		}
		for range torsion {
			p.Add(p, &order8)
		}
		var c curve.CompressedEdwardsY
		c.SetEdwardsPoint(p)
		return [32]byte(c)
	}
	A, R := point(a, i), point(r, j)
	h := sha512.Sum512(append(append(append([]byte(nil), R[:]...), A[:]...), msg...))
	k, err := scalar.NewFromBytesModOrderWide(h[:])
	if err != nil {
		t.Fatal(err)
	}
	s := scalar.New().Mul(k, scalar.NewFromUint64(a))
	s.Add(s, scalar.NewFromUint64(r))
	var sig Signature
	copy(sig[:32], R[:])
	if err := s.ToBytes(sig[32:]); err != nil {
		t.Fatal(err)
	}
	return A, sig
}

// Signatures that verifiers are known to disagree about have one answer, alone
// and in a batch, whatever else is in it.
func TestCraftedSignaturesHaveOneAnswer(t *testing.T) {
	msg := []byte("m")
	type vector struct {
		name string
		id   ID
		sig  Signature
		want bool
	}
	var all []vector
	for i := range 8 {
		for j := range 8 {
			id, sig := crafted(t, tagged("tx", msg), 7, 11, i, j)
			all = append(all, vector{fmt.Sprintf("mixed order %d %d", i, j), id, sig, true})
			id, sig = crafted(t, tagged("tx", msg), 0, 11, i, j)
			all = append(all, vector{fmt.Sprintf("key of small order %d %d", i, j), id, sig, false})
			id, sig = crafted(t, tagged("tx", msg), 7, 0, i, j)
			all = append(all, vector{fmt.Sprintf("R of small order %d %d", i, j), id, sig, true})
		}
	}
	// y = 1 in the encoding p+1, and the neutral element with the sign set.
	for name, e := range map[string]string{
		"non-canonical neutral": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"negative zero":         "0100000000000000000000000000000000000000000000000000000000000080",
	} {
		all = append(all, vector{name + " key", ID(unhex(t, e)), Signature{0: 1}, false})
		id, sig := crafted(t, tagged("tx", msg), 7, 0, 0, 0)
		copy(sig[:32], unhex(t, e))
		all = append(all, vector{name + " R", id, sig, false})
	}
	good, goodSig := Seed{1}.Public(), Seed{1}.Sign("tx", msg)
	sr, srSig := Mini{1}.Public(), Mini{1}.Sign("tx", msg)
	var everything Batch
	for _, v := range all {
		alone := v.id.Verify("tx", msg, v.sig) == nil
		if alone != v.want {
			t.Errorf("%s: holds alone: %v", v.name, alone)
		}
		if expanded := v.id.Verifier().Verify("tx", msg, v.sig) == nil; expanded != v.want {
			t.Errorf("%s: holds for a verifier: %v", v.name, expanded)
		}
		for _, company := range []int{0, 1, 20} {
			var b Batch
			for range company {
				b.Add(good, ED25519, "tx", msg, goodSig)
				b.Add(sr, SR25519, "tx", msg, srSig)
			}
			b.Add(v.id, ED25519, "tx", msg, v.sig)
			got := b.Verify()
			if got[b.Len()-1] != alone {
				t.Errorf("%s: holds alone: %v, beside %d others: %v", v.name, alone, company, !alone)
			}
			for i := range b.Len() - 1 {
				if !got[i] {
					t.Fatalf("%s: spoils signature %d beside it", v.name, i)
				}
			}
		}
		everything.Add(v.id, ED25519, "tx", msg, v.sig)
	}
	for i, ok := range everything.Verify() {
		if ok != all[i].want {
			t.Errorf("%s: %v among all", all[i].name, ok)
		}
	}
	var junk Batch
	junk.Add(ID{0xff, 1}, SR25519, "tx", msg, Signature{})
	junk.Add(good, 7, "tx", msg, goodSig)
	if got := junk.Verify(); len(got) != 2 || got[0] || got[1] {
		t.Fatal(got)
	}
}

func FuzzVerifyScheme(f *testing.F) {
	s, m := Seed{1}, Mini{1}
	for _, k := range []Signer{s, m} {
		id, sig := k.Public(), k.Sign("tx", []byte("m"))
		f.Add(uint8(k.Scheme()), id[:], sig[:])
	}
	f.Fuzz(func(t *testing.T, scheme uint8, id, sig []byte) {
		if len(id) != 32 || len(sig) != SignatureSize {
			return
		}
		alone := ID(id).VerifyScheme(Scheme(scheme), "tx", []byte("m"), Signature(sig)) == nil
		var b Batch
		b.Add(ID(id), Scheme(scheme), "tx", []byte("m"), Signature(sig))
		if b.Verify()[0] != alone {
			t.Fatalf("holds alone: %v, in a batch: %v", alone, !alone)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, s := range []Signer{Seed{1}, Mini{1}} {
		id, sig := s.Public(), s.Sign("tx", make([]byte, 200))
		b.Run(s.Scheme().String()+"/single", func(b *testing.B) {
			for b.Loop() {
				if id.VerifyScheme(s.Scheme(), "tx", make([]byte, 200), sig) != nil {
					b.Fatal("refused")
				}
			}
		})
		b.Run(s.Scheme().String()+"/batch-256", func(b *testing.B) {
			for b.Loop() {
				var batch Batch
				for range 256 {
					batch.Add(id, s.Scheme(), "tx", make([]byte, 200), sig)
				}
				if !batch.Verify()[255] {
					b.Fatal("refused")
				}
			}
			b.ReportMetric(float64(b.N*256)/b.Elapsed().Seconds(), "signatures/s")
		})
	}
}
