package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/round"
)

// epoch is a bundle as a validator has it at the end of an epoch, with real keys,
// signatures and payloads that do not compress, so that its size is that of real
// ones.
func epoch(rounds, asked, payload int) *Bundle {
	noise := func(n int, at ...uint64) []byte {
		var out []byte
		for i := uint64(0); len(out) < n; i++ {
			var b []byte
			for _, v := range append(at, i) {
				b = binary.BigEndian.AppendUint64(b, v)
			}
			h := key.Hash("noise", b)
			out = append(out, h[:]...)
		}
		return out[:n]
	}
	seed := func(i uint64) key.Seed { return key.Seed(noise(32, 1, i)) }
	hot := seed(0)
	b := &Bundle{ChainID: "plexus-main-1", NetUID: 7, Epoch: 1234, Validator: hot.Public(), RankFuel: 1e6}
	dense := make([]uint64, asked)
	for r := range rounds {
		task := key.Hash("task", noise(8, 2, uint64(r)))
		rd := Round{Round: uint16(r), Proof: key.Proof(noise(len(key.Proof{}), 3, uint64(r))), Task: task, TaskFuel: 1e6 + uint64(r), ScoreFuel: 1e7 + uint64(r)}
		for m := range asked {
			miner := seed(uint64(m + 1))
			req := round.Request{ChainID: b.ChainID, NetUID: 7, Module: [32]byte(noise(32, 4)), Epoch: b.Epoch, Round: uint16(r), Task: task, Caller: b.Validator,
				Callee: miner.Public(), DeadlineMS: 12_000, ID: [16]byte(noise(16, 5, uint64(r), uint64(m)))}
			signed := round.SignRequest(hot, &req)
			p := round.Payload{Salt: [32]byte(noise(32, 6, uint64(r), uint64(m))), Data: noise(payload, 7, uint64(r), uint64(m))}
			a := round.SignAnswer(miner, round.Answer{Request: round.RequestHash(signed.Body), Hash: round.SaltedHash(p.Salt, p.Data)})
			rd.Responses = append(rd.Responses, Response{Leaf: Leaf{Round: uint16(r), Index: uint16(m), Hash: round.SaltedHash(p.Salt, p.Data),
				Score: binary.BigEndian.Uint64(noise(8, 8, uint64(r), uint64(m))) >> 32}, Request: signed, Answer: &a, Receipt: round.SignReceipt(hot, a), Payload: &p})
			dense[m] = uint64(m + 1)
		}
		b.Rounds = append(b.Rounds, rd)
	}
	for m := range asked {
		b.CarryIn = append(b.CarryIn, Carried{Hotkey: seed(uint64(m + 1)).Public(), Carry: noise(16, 9, uint64(m))})
	}
	sortCarried(b.CarryIn)
	b.CarryOut = b.CarryIn
	b.Row = ledger.NewRow(dense)
	return b
}

// finished finishes the rounds of a bundle, as a validator does one by one.
func finished(t testing.TB, b *Bundle) []*Finished {
	t.Helper()
	var out []*Finished
	for i := range b.Rounds {
		f, err := Finish(&b.Rounds[i])
		if err == nil {
			f, err = DecodeFinished(f.Append(nil)) // as it is kept
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// The file written while the epoch ran is the one made of the whole, has the
// same root, and holds the same rounds.
func TestClose(t *testing.T) {
	b := epoch(4, 8, 100)
	b.Rounds[2] = Round{Round: 2, Skipped: true}
	done := finished(t, b)
	head := *b
	head.Rounds = nil
	var file bytes.Buffer
	root, err := head.Close(&file, len(done), func(i int) (*Finished, error) { return done[i], nil })
	if err != nil || root != b.Root() {
		t.Fatalf("%v, root %x, want %x", err, root, b.Root())
	}
	if whole, err := b.Encode(); err != nil || !bytes.Equal(whole, file.Bytes()) {
		t.Errorf("the file written round by round is not the one of the whole: %v", err)
	}
	back, err := Decode(file.Bytes(), root)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range done {
		r, err := f.Open()
		if err != nil || !bytes.Equal(EncodeRound(r), EncodeRound(&b.Rounds[i])) || !bytes.Equal(EncodeRound(r), EncodeRound(&back.Rounds[i])) {
			t.Errorf("round %d is not what was finished: %v", i, err)
		}
		if f.Skipped != (i == 2) || int(f.Round) != i || !reflect.DeepEqual(f.Leaves, b.Rounds[i].Leaves()) {
			t.Errorf("round %d: %+v", i, f)
		}
	}
	// A round that was mixed up in the keep is not passed off as another.
	done[0].Frame = done[1].Frame
	if _, err := done[0].Open(); !errors.Is(err, ErrBundle) {
		t.Error(err)
	}
	broken := errors.New("no more")
	if _, err := head.Close(io.Discard, 4, func(int) (*Finished, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// What a bundle needs beside payloads is bounded, for many asked and for few.
func TestOverhead(t *testing.T) {
	for _, c := range []struct{ rounds, asked, most int }{{12, 64, 512}, {8, 4, 512}, {8, 1, 1024}} {
		const payload = 256
		file, err := epoch(c.rounds, c.asked, payload).Encode()
		if err != nil {
			t.Fatal(err)
		}
		n := c.rounds * c.asked
		over := (len(file) - n*payload) / n
		t.Logf("%d rounds of %d responses: %d bytes each beside payloads", c.rounds, c.asked, over)
		if over > c.most {
			t.Errorf("%d rounds of %d responses: %d bytes each beside payloads, at most %d", c.rounds, c.asked, over, c.most)
		}
	}
}

// Closing an epoch costs a small part of what making the bundle costs.
func TestClosingIsCheap(t *testing.T) {
	b := epoch(12, 64, 1024)
	done := finished(t, b)
	quickest := func(f func()) time.Duration {
		best := time.Hour
		for range 5 {
			began := time.Now()
			f()
			best = min(best, time.Since(began))
		}
		return best
	}
	whole := quickest(func() { b.Encode() })
	closing := quickest(func() { b.Close(io.Discard, len(done), func(i int) (*Finished, error) { return done[i], nil }) })
	if closing*4 > whole {
		t.Errorf("closing takes %v, making the bundle at once %v", closing, whole)
	}
}

// Closing an epoch of 3,072 leaves whose rounds are finished, and the same work
// done at once.
func BenchmarkClose3072(b *testing.B) {
	e := epoch(48, 64, 1024)
	done := finished(b, e)
	var kept [][]byte
	for _, f := range done {
		kept = append(kept, f.Append(nil))
	}
	b.Run("finished", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Close(io.Discard, len(kept), func(i int) (*Finished, error) { return DecodeFinished(kept[i]) }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("at once", func(b *testing.B) {
		for b.Loop() {
			if _, err := e.Encode(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A bundle that nobody could unpack is not published.
func TestTooLargeToPublish(t *testing.T) {
	big, err := Finish(&Round{Slices: []Slice{{Data: make([]byte, 1<<20)}}})
	if err != nil {
		t.Fatal(err)
	}
	b := &Bundle{ChainID: "test-1"}
	at := func(i int) (*Finished, error) { return big, nil }
	if _, err := b.Close(io.Discard, MaxBundle>>20-1, at); err != nil {
		t.Error(err)
	}
	if _, err := b.Close(io.Discard, MaxBundle>>20, at); !errors.Is(err, ErrLarge) {
		t.Error(err)
	}
}

func FuzzDecodeFinished(f *testing.F) {
	for i := range sample().Rounds {
		r, err := Finish(&sample().Rounds[i])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := DecodeFinished(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Append(nil), raw) {
			t.Fatal("not canonical")
		}
		if o, err := r.Open(); err == nil && o.hash() != r.Node {
			t.Fatal("another round was opened")
		}
	})
}
