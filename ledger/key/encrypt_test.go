package key

import (
	"crypto/ecdh"
	"errors"
	"testing"
)

// The encryption key of a registration, and the secret derived from the hotkey's
// seed, agree with what X25519 itself makes of the secret.
func TestX25519(t *testing.T) {
	for i := range byte(20) {
		s := Seed{i}
		w, _ := s.Work(false)
		pub, err := w.Enc.X25519()
		if err != nil {
			t.Fatal(err)
		}
		own, secret := s.Decryption()
		if own != pub {
			t.Fatalf("seed %d: the registered key is not that of the secret", i)
		}
		k, err := ecdh.X25519().NewPrivateKey(secret[:])
		if err != nil {
			t.Fatal(err)
		}
		if got := [32]byte(k.PublicKey().Bytes()); got != pub {
			t.Fatalf("seed %d: x25519 makes %x of the secret, want %x", i, got, pub)
		}
	}
	if _, err := (ID{2}).X25519(); !errors.Is(err, ErrPoint) {
		t.Errorf("no point: %v", err)
	}
}
