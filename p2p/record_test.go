package p2p

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multiaddr"
)

// forged is a record of one peer under the signature of another.
func forged(t *testing.T, of peer.ID, seed [32]byte, addrs int) []byte {
	t.Helper()
	key, err := privateKey(seed)
	if err != nil {
		t.Fatal(err)
	}
	info := peer.AddrInfo{ID: of}
	for i := range addrs {
		info.Addrs = append(info.Addrs, multiaddr.StringCast("/ip4/10.0.0."+string(rune('1'+i%9))+"/udp/1/quic-v1"))
	}
	env, err := record.Seal(peer.PeerRecordFromAddrInfo(info), key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := env.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecord(t *testing.T) {
	h := start(t, 1)
	b, err := h.seal()
	if err != nil {
		t.Fatal(err)
	}
	r, err := DecodeRecord(b)
	if err != nil || r.Peer != h.ID() || r.Seq == 0 || len(r.Addrs) != 1 || !r.Addrs[0].Equal(h.Libp2p().Addrs()[0]) {
		t.Fatalf("%+v, %v", r, err)
	}
	later, err := h.seal()
	if err != nil {
		t.Fatal(err)
	}
	if r2, err := DecodeRecord(later); err != nil || r2.Seq <= r.Seq {
		t.Fatalf("the next record has number %d after %d, %v", r2.Seq, r.Seq, err)
	}
	if i, err := (keeper{}).Select("", [][]byte{b, []byte("?"), later}); err != nil || i != 2 {
		t.Fatalf("record %d preferred, %v", i, err)
	}
	other := PeerID([32]byte{2})
	for name, bad := range map[string][]byte{
		"empty":             nil,
		"cut":               b[:len(b)-1],
		"altered":           flipped(b, len(b)/2),
		"signed by another": forged(t, other, [32]byte{3}, 1),
		"many addresses":    forged(t, other, [32]byte{2}, maxRecordAddrs+1),
		"long":              append(bytes.Clone(b), make([]byte, MaxRecord)...),
	} {
		if _, err := DecodeRecord(bad); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (keeper{}).Validate(recordKey(other), b); !errors.Is(err, ErrRecord) {
		t.Errorf("a record under the key of another: %v", err)
	}
	if err := (keeper{}).Validate(recordKey(h.ID()), b); err != nil {
		t.Error(err)
	}
}

// A host that only asks the DHT is found by its record, through a third.
func TestRecordInDHT(t *testing.T) {
	t.Parallel()
	hub := start(t, 1)
	hidden := start(t, 2, func(c *Config) { c.Client, c.Announce = true, true })
	caller := start(t, 3, func(c *Config) { c.Client = true })
	echo(hidden)
	connect(t, hidden, hub)
	connect(t, caller, hub)
	var r Record
	eventually(t, "record in the DHT", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var err error
		r, err = caller.Lookup(ctx, hidden.ID())
		return err == nil
	})
	if r.Peer != hidden.ID() || len(r.Addrs) == 0 {
		t.Fatalf("%+v", r)
	}
	if got, err := Call(t.Context(), caller, hidden.ID(), "echo", []byte("hi"), 10); err != nil || string(got) != "hi" {
		t.Fatalf("%q, %v", got, err)
	}
	if err := caller.dht.PutValue(t.Context(), recordKey(hub.ID()), forged(t, hub.ID(), [32]byte{9}, 1)); err == nil {
		t.Fatal("a forged record was put")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := caller.Lookup(ctx, PeerID([32]byte{77})); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a record that is not there: %v", err)
	}
}

// On a group's topic the record reaches who never met the peer, if the chain
// names it.
func TestRecordOnTopic(t *testing.T) {
	t.Parallel()
	hub, miner, caller, stranger := start(t, 1), start(t, 2), start(t, 3), start(t, 4)
	got := make(chan Record, 10)
	named := func(id peer.ID) bool { return id == miner.ID() }
	var rs []*Records
	for _, h := range []*Host{hub, miner, caller, stranger} {
		if h != hub {
			connect(t, h, hub)
		}
		fn := func(r Record) { got <- r }
		if h != caller {
			fn = nil
		}
		r, err := h.Records("subnet/7", named, fn)
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	eventually(t, "topic", func() bool { return len(rs[0].Peers()) == 3 && len(rs[1].Peers()) > 0 })
	time.Sleep(1200 * time.Millisecond) // a heartbeat, in which a mesh forms
	if err := rs[3].Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := rs[1].Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-got:
		if r.Peer != miner.ID() {
			t.Fatalf("a record of %s, whom nobody named", r.Peer)
		}
	case <-time.After(40 * time.Second):
		t.Fatal("no record")
	}
	if len(caller.Libp2p().Peerstore().Addrs(miner.ID())) == 0 {
		t.Fatal("the addresses were not remembered")
	}
	if len(got) > 0 {
		t.Fatalf("then one of %s", (<-got).Peer)
	}
	for _, r := range rs {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestShelfIsBounded(t *testing.T) {
	s := newShelf()
	ctx := t.Context()
	for i := range recordsKept + 500 {
		if err := s.Put(ctx, ds.NewKey(string(rune(i+1000))), []byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.keys) != recordsKept {
		t.Fatalf("%d records", len(s.keys))
	}
	for k := range s.keys {
		if v, err := s.Get(ctx, k); err != nil || len(v) != 1 {
			t.Fatalf("%v, %v", v, err)
		}
		if err := s.Delete(ctx, k); err != nil {
			t.Fatal(err)
		}
		break
	}
	if len(s.keys) != recordsKept-1 {
		t.Fatalf("%d records after one was deleted", len(s.keys))
	}
}

func FuzzRecord(f *testing.F) {
	h, err := New(Config{Seed: [32]byte{1}})
	if err != nil {
		f.Fatal(err)
	}
	b, err := h.seal()
	h.Close()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRecord(b)
		if err == nil && (r.Peer == "" || len(r.Addrs) > maxRecordAddrs || len(b) > MaxRecord) {
			t.Fatalf("%x: %+v", b, r)
		}
	})
}
