package ledger

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// payoutVector is a case of the reference chain's own tests about the payment of
// an epoch; the folder of package emission has them.
type payoutVector struct {
	Name, Test string
	Input      struct {
		Mechanisms               int
		Alpha                    uint64
		Split                    []uint16
		Stake                    json.RawMessage
		RootStake                []uint64 `json:"root_stake"`
		TAOWeight                float64  `json:"tao_weight"`
		Server                   uint64   `json:"pending_server"`
		Validator                uint64   `json:"pending_validator"`
		PendingAlpha             uint64   `json:"pending_alpha"`
		ValidatorHalf            uint64   `json:"validator_half"`
		PendingValidatorAlpha    uint64   `json:"pending_validator_alpha"`
		PendingRootAlpha         uint64   `json:"pending_root_alpha"`
		Dividend, Incentive, Pad uint64
	}
	Expect struct {
		Out                         []uint64
		Stake                       []uint64
		Both                        *uint64 `json:"dividends_plus_incentives"`
		Total, Dividends, Incentive *uint64
	}
	Tolerance uint64
}

// TestVectors pays epochs as the reference's tests of its payment do. What the
// other packages hold against their vectors is not run again here.
func TestVectors(t *testing.T) {
	files := []string{filepath.Join("emission", "testdata", "emission_and_distribution.json")}
	if dir := os.Getenv("PLEXUS_VECTORS"); dir != "" {
		files = append(files, filepath.Join(dir, "emission_and_distribution.json"))
	}
	ran := 0
	for i, file := range files {
		b, err := os.ReadFile(file)
		if i > 0 && os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var set struct{ Cases []json.RawMessage }
		if err := json.Unmarshal(b, &set); err != nil {
			t.Fatal(err)
		}
		for _, raw := range set.Cases {
			var named struct{ Name, Test string }
			if err := json.Unmarshal(raw, &named); err != nil {
				t.Fatal(err)
			}
			test := named.Test[strings.LastIndexByte(named.Test, ' ')+1:]
			run := map[string]func(*testing.T, payoutVector){
				"split_emissions": splitVector, "test_drain_base": drainVector,
			}[prefixOf(test, "split_emissions", "test_drain_base")]
			if run == nil {
				continue
			}
			var v payoutVector
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatalf("%s: %v", named.Name, err)
			}
			ran++
			t.Run(named.Name, func(t *testing.T) { run(t, v) })
		}
	}
	if ran < 8 {
		t.Fatalf("only %d cases ran", ran)
	}
}

func prefixOf(s string, prefixes ...string) string {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return ""
}

// splitVector divides a pot over mechanisms.
func splitVector(t *testing.T, v payoutVector) {
	s := Subnet{Split: v.Input.Split}
	if s.Split == nil {
		s.Split = make([]uint16, v.Input.Mechanisms)
		for m := range s.Split {
			s.Split[m] = uint16(65535 / v.Input.Mechanisms)
		}
	}
	for m, got := range s.parts(unit.Alpha(v.Input.Alpha)) {
		if uint64(got) != v.Expect.Out[m] {
			t.Errorf("mechanism %d: %d, want %d", m, got, v.Expect.Out[m])
		}
	}
}

// drainVector pays an epoch in which nobody set weights to hotkeys with stake,
// each its own nominator, so that the cut of its owner does not matter; "not
// registered" has no uid.
func drainVector(t *testing.T, v payoutVector) {
	var stake []uint64
	if err := json.Unmarshal(v.Input.Stake, &stake); err != nil {
		t.Fatal(err)
	}
	w := newTown(t)
	s := newState(w.v)
	params := need[Params](s, []byte(prefixParams))
	params.TAOWeight = uint64(min(v.Input.TAOWeight, 0.999999999) * (1 << 63) * 2)
	store(s, []byte(prefixParams), params)
	sub := need[Subnet](s, subnetKey(net))
	var hot []Hotkey
	for i, amount := range stake {
		h, c := seed("drained", i).Public(), seed("holder", i).Public()
		hot = append(hot, h)
		setOwner(s, h, c)
		if err := deposit(s, net, h, c, amount); err != nil {
			t.Fatal(err)
		}
		if i < len(v.Input.RootStake) {
			if err := deposit(s, 0, h, c, v.Input.RootStake[i]); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.Contains(v.Name, "not_registered") {
			m := need[Market](s, marketKey(net))
			enter(s, net, UID(m.Neurons), h, key.Work{}, 0)
		}
	}
	openEpoch(s, net, 1, w.gen.ChainID, [32]byte{})
	m := need[Market](s, marketKey(net))
	m.Pending += unit.Alpha(v.Input.Server + v.Input.Validator)
	store(s, marketKey(net), m)
	store(s, pendingKey(net, 0), Pending{Server: unit.Alpha(v.Input.Server), Validator: unit.Alpha(v.Input.Validator)})
	if err := settle(s, net, 0, 20, &sub, &params); err != nil {
		t.Fatal(err)
	}
	for i, h := range hot {
		pool, _ := fetch[HotkeyPool](s, hotkeyPoolKey(net, h))
		got, want := uint64(pool.Value), v.Expect.Stake[i]
		if got+v.Tolerance < want || got > want+v.Tolerance {
			t.Errorf("hotkey %d has %d alpha, want %d ± %d", i, got, want, v.Tolerance)
		}
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
}
