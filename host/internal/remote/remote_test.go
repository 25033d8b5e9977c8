package remote

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
)

const hash = "1a61c4507dbbb892c0d62c394e01cfd252b35b86247be2e83cef87b2ca28ac18"

func TestJoin(t *testing.T) {
	one := "plexus://" + hash + "/ip4/127.0.0.1/udp/1/quic-v1/p2p/12D3KooWHg8hG3uWAStfxevsyq5dCVRj56rfTRb8UWStHrBNo3QL"
	two := one + ",/ip4/127.0.0.1/udp/2/quic-v1/p2p/12D3KooWAwRfi1qVF7d5eUbthXhHaUDZYr2dXcwxtEKa1iuuD8Fr"
	anchored := strings.Replace(two, hash+"/", hash+"@812:"+hash+"/", 1)
	for _, s := range []string{one, two, anchored} {
		j, err := ParseJoin(s)
		if err != nil || j.String() != s {
			t.Errorf("%s: %v, %s", s, err, j)
		}
	}
	for _, bad := range []string{"", "http://x", "plexus://", "plexus://" + hash, "plexus://" + hash[:60] + "/ip4/1/p2p/x",
		"plexus://" + strings.Repeat("z", 64) + "/ip4/127.0.0.1/p2p/x", "plexus://" + hash + "/ip4/127.0.0.1/udp/1/quic-v1", one + ",",
		strings.Replace(one, hash, hash+"@", 1), strings.Replace(one, hash, hash+"@0:"+hash, 1), strings.Replace(one, hash, hash+"@012:"+hash, 1),
		strings.Replace(one, hash, hash+"@12", 1), strings.Replace(one, hash, hash+"@12:"+hash[:62], 1), strings.Replace(one, hash, hash+"@x:"+hash, 1),
		strings.Replace(one, hash, hash+"@"+strings.Repeat("9", 30)+":"+hash, 1)} {
		if _, err := ParseJoin(bad); !errors.Is(err, ErrJoin) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseJoin(f *testing.F) {
	f.Add("plexus://" + hash + "@12:" + hash + "/ip4/127.0.0.1/udp/1/quic-v1/p2p/x,/ip4/1.2.3.4/tcp/1/p2p/y")
	f.Fuzz(func(t *testing.T, s string) {
		if j, err := ParseJoin(s); err == nil {
			if again, err := ParseJoin(j.String()); err != nil || again.String() != j.String() {
				t.Fatalf("%q: %v", s, err)
			}
		}
	})
}

func TestReplyIsItsError(t *testing.T) {
	for _, r := range []reply{{state: chain.Pending}, {state: chain.Included, height: 7},
		{state: chain.Dropped, code: ledger.CodeLowBalance, detail: "poor"}, {state: chain.Dropped, detail: "pool is full"}} {
		back, err := decodeReply(r.append(nil))
		if err != nil || back != r {
			t.Fatalf("%+v: %+v, %v", r, back, err)
		}
	}
	r := reply{code: ledger.CodeLowBalance}
	if !errors.Is(r.err(), &ledger.Reject{Code: ledger.CodeLowBalance}) {
		t.Error(r.err())
	}
	if (&reply{state: chain.Dropped}).err() == nil || (&reply{state: chain.Included}).err() != nil {
		t.Error("a refused transaction is no error, or an included one is")
	}
}

func FuzzDecodeReply(f *testing.F) {
	f.Add((&reply{state: chain.Included, height: 7, detail: "x"}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeReply(b); err == nil && !bytes.Equal(r.append(nil), b) {
			t.Fatalf("%x re-encodes differently", b)
		}
	})
}
