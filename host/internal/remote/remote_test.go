package remote

import (
	"bytes"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
)

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
