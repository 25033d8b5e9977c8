package validator

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

func sampleAsked() *asked {
	return &asked{task: abi.Task{Public: []byte("q"), Private: []byte("a"), Inputs: []abi.Input{{Height: 7, Key: "R"}}, ScoreAt: 9},
		r: &evidence.Round{Round: 3, Proof: key.Proof{1}, Task: [32]byte{2}, TaskFuel: 4, Slices: []evidence.Slice{},
			Responses: []evidence.Response{{Leaf: evidence.Leaf{Round: 3, Status: evidence.None}, Request: round.Signed{Body: []byte("r")}}}}}
}

func TestAskedSurvives(t *testing.T) {
	want := sampleAsked()
	b := want.append(nil)
	got, err := decodeAsked(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range b {
		if _, err := decodeAsked(b[:i]); err == nil {
			t.Fatalf("the first %d bytes were accepted", i)
		}
	}
}

func FuzzDecodeAsked(f *testing.F) {
	f.Add(sampleAsked().append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := decodeAsked(b); err == nil && !bytes.Equal(a.append(nil), b) {
			t.Fatalf("%x re-encodes to %x", b, a.append(nil))
		}
	})
}

// The loop says once that its permit is gone, and once that it is back.
func TestPermit(t *testing.T) {
	var told []string
	v := New(Config{Hotkey: key.Seed{1}, Notify: func(e Event) { told = append(told, e.Kind) }})
	at := func(e ledger.Epoch, permit, member bool) {
		j := &job{rec: &ledger.EpochRecord{Epoch: e}}
		if member {
			j.roster = ledger.Roster{{Hotkey: key.ID{9}, Permit: true}, {Hotkey: v.self, Permit: permit}}
		}
		v.permitted(j)
	}
	at(1, true, true)
	at(2, true, true)
	if len(told) != 0 || v.permit != permitHeld {
		t.Fatal(told)
	}
	at(3, false, true)
	at(4, false, false) // the uid is gone too
	at(5, true, true)
	at(6, true, true)
	if want := []string{"permit-gone", "permit-back"}; !slices.Equal(told, want) || v.permit != permitHeld {
		t.Errorf("told %q", told)
	}
}
