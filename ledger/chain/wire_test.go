package chain

import (
	"bytes"
	"errors"
	"testing"
)

func TestConsensusPrefix(t *testing.T) {
	// The same string is held by a test of package p2p.
	if got := consensusPrefix([32]byte{0x01, 0xab, 0xff}); got != "/plexus/01abff0000000000/consensus/" {
		t.Fatal(got)
	}
}

func TestAnswers(t *testing.T) {
	for _, e := range []error{ErrRequest, ErrUnavailable, ErrTooLarge} {
		if _, err := decodeAnswer(encodeAnswer([]byte("x"), e)); !errors.Is(err, e) {
			t.Errorf("%v came back as %v", e, err)
		}
	}
	if b, err := decodeAnswer(encodeAnswer([]byte("x"), nil)); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := decodeAnswer(encodeAnswer(nil, errors.Join(ErrUnavailable, errors.New(string(bytes.Repeat([]byte("ü"), 500)))))); !errors.Is(err, ErrUnavailable) {
		t.Errorf("long detail: %v", err)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte{0x0a, 0x02, 0x0a, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := decodeHeader(b, "test"); err != nil && !errors.Is(err, ErrVerify) {
			t.Fatal(err)
		}
	})
}
