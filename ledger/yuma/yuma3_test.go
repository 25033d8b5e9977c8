package yuma

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// scenarios runs the sequences of Yuma3: each case is one epoch, over the
// bonds that the one before it left.
type scenarios struct {
	name   string // of the sequence that is under way
	in     Input
	epochs int
}

func newScenarios() *scenarios { return &scenarios{} }

func (s *scenarios) run(t *testing.T, v vector, e *epochInput) {
	var setup struct {
		Kappa   uint16  `json:"kappa_u16"`
		Average uint64  `json:"bonds_moving_average"`
		Penalty uint16  `json:"bonds_penalty_u16"`
		Steep   int16   `json:"alpha_sigmoid_steepness"`
		Low     float64 `json:"alpha_low"`
		High    float64 `json:"alpha_high"`
		Max     int     `json:"max_allowed_validators"`
		Tempo   uint64  `json:"tempo"`
		Yuma3   bool    `json:"yuma3"`
	}
	decode(t, v.setup, &setup)
	var at struct {
		Miners  []uint16 `json:"miner_uids"`
		Changed bool     `json:"weights_changed_before_epoch"`
		Epoch   uint64   `json:"epoch_index"`
	}
	decode(t, v.Input, &at)
	name := v.file + v.Name[:strings.LastIndex(v.Name, "_epoch_")]
	if at.Epoch == 0 {
		s.name = name
		s.in = Input{N: e.N, Stake: e.Stakes, LastUpdate: make([]uint64, e.N), Registered: make([]uint64, e.N), Owner: -1,
			Now: 2, Tempo: setup.Tempo, ActivityCutoff: 5000, Kappa: setup.Kappa, MaxValidators: setup.Max,
			BondsMovingAverage: setup.Average, BondsPenalty: setup.Penalty, Yuma3: setup.Yuma3, LiquidAlpha: e.Liquid,
			AlphaLow: uint16(setup.Low * 65535), AlphaHigh: uint16(setup.High * 65535), Steepness: setup.Steep}
		for i := range s.in.Registered {
			s.in.Registered[i], s.in.LastUpdate[i] = 1, 1
		}
		first := Epoch(s.in) // without weights, for the permits
		s.in.Permit, s.in.Bonds = first.Permit, first.Bonds
	} else if s.name != name || s.in.Now != 2+at.Epoch {
		t.Fatalf("%s comes after block %d of %s", v.Name, s.in.Now, s.name)
	}
	s.in.Now = 3 + at.Epoch
	s.in.Weights = make([]Row, e.N)
	for i, row := range e.Validators {
		for k, w := range row {
			s.in.Weights[i] = append(s.in.Weights[i], Entry{at.Miners[k], uint16(w)})
		}
		if at.Changed {
			s.in.LastUpdate[i] = 2 + at.Epoch
		}
	}
	out := Epoch(s.in)
	s.in.Permit, s.in.Bonds = out.Permit, out.Bonds
	s.epochs++

	var want struct {
		Dividends json.RawMessage
		Bonds     struct {
			Rows [][]float64 `json:"validators_by_miner"`
		} `json:"bonds_target"`
	}
	decode(t, v.Expect, &want)
	var near struct {
		Dividends float64
		Bonds     float64 `json:"bonds_target"`
	}
	decode(t, v.Tolerance, &near)
	closeTo(t, "dividends", floats(out.Dividends), want.Dividends, within{abs: near.Dividends})
	if len(want.Bonds.Rows) != len(e.Validators) {
		t.Fatalf("%d rows of bonds", len(want.Bonds.Rows))
	}
	for i, row := range want.Bonds.Rows {
		for k, b := range row {
			if got := float64(bond(out.Bonds[i], int(at.Miners[k]))) / 65535; math.Abs(got-b) > near.Bonds {
				t.Errorf("bond %d→%d is %.6f, want %.4f", i, at.Miners[k], got, b)
			}
		}
	}
}

func alphaBoundsVector(t *testing.T, v vector) {
	var c struct {
		Low  uint16 `json:"alpha_low_u16"`
		High uint16 `json:"alpha_high_u16"`
		On   bool   `json:"liquid_alpha_enabled"`
	}
	decode(t, v.Input, &c)
	var want string
	decode(t, v.Expect, &want)
	wanted, ok := map[string]error{"ok": nil, "AlphaHighTooLow": ErrAlphaHigh, "AlphaLowOutOfRange": ErrAlphaLow,
		"LiquidAlphaDisabled": ErrAlphaOff}[want]
	if err := CheckAlpha(c.On, c.Low, c.High); !ok || !errors.Is(err, wanted) {
		t.Errorf("%+v: %v, want %s", c, err, want)
	}
}

// equalAlphasVector: with equal bounds, liquid alpha is a fixed one.
func equalAlphasVector(t *testing.T, v vector) {
	var c struct {
		Weights, Bonds [][]float64
		Consensus      []float64
		Low            uint16 `json:"alpha_low_u16"`
		High           uint16 `json:"alpha_high_u16"`
		Average        uint64 `json:"bonds_moving_average"`
	}
	decode(t, v.Input, &c)
	var near float64
	decode(t, v.Tolerance, &near)
	sparse := func(dense [][]float64) matrix {
		m := newMatrix(len(dense), 0)
		for _, row := range dense {
			for j, x := range row {
				m.col, m.val = append(m.col, uint16(j)), append(m.val, fixed(float64(float32(x))))
			}
			m.endRow(len(m.col))
		}
		return m
	}
	w, b, n := sparse(c.Weights), sparse(c.Bonds), len(c.Weights[0])
	l, consensus := newLiquid(c.Low, c.High, 1000), fixedVec(c.Consensus)
	on := averageBy(&w, &b, n, func(_ int, j uint16, w, b unit.I32F32) unit.I32F32 { return l.alpha(w, b, consensus[j]) })
	off := average(&w, &b, n, unit.OneI32F32.Sub(unit.Ratio(c.Average, 1_000_000)))
	if !reflect.DeepEqual(on.col, off.col) || len(on.col) == 0 {
		t.Fatalf("entries %v and %v", on.col, off.col)
	}
	for k := range on.val {
		if math.Abs(number(on.val[k])-number(off.val[k])) > near {
			t.Errorf("entry %d is %s, and %s with liquid alpha off", k, on.val[k], off.val[k])
		}
	}
}

// TestBondWithoutWeightDecays: under liquid alpha a bond toward a miner that
// the validator no longer names goes the way of one toward a miner with an
// explicit weight of 0; it does not vanish.
func TestBondWithoutWeightDecays(t *testing.T) {
	in := Input{N: 4, Stake: []uint64{5, 5, 0, 0}, LastUpdate: []uint64{9, 9, 9, 9}, Registered: []uint64{1, 1, 1, 1},
		Permit: []bool{true, true, false, false}, Now: 10, Tempo: 5, ActivityCutoff: 100, Kappa: 32767, MaxValidators: 2,
		Owner: -1, BondsPenalty: 65535, Yuma3: true, LiquidAlpha: true, AlphaLow: 6553, AlphaHigh: 19660, Steepness: 1000,
		Weights: []Row{{{3, 65535}}, {{3, 65535}}}, Bonds: []Row{{{2, 60_000}}, {{3, 100}}}}
	absent := Epoch(in)
	in.Weights[0] = Row{{2, 0}, {3, 65535}}
	if zero := Epoch(in); !reflect.DeepEqual(zero, absent) {
		t.Fatalf("%+v, with an explicit zero %+v", absent, zero)
	}
	// At a difference of nearly 1 alpha is nearly high: 0.3 of the bond goes.
	if got := bond(absent.Bonds[0], 2); got < 60_000*69/100 || got > 60_000*71/100 {
		t.Errorf("the bond of 60000 became %d", got)
	}
}

// TestOptionsAreOffByDefault: without Yuma3 its options change no bit.
func TestOptionsAreOffByDefault(t *testing.T) {
	r := rand.New(rand.NewSource(12))
	changed := 0
	for range 200 {
		in := randomInput(r)
		out := Epoch(in)
		with := withYuma3(r, in)
		if !reflect.DeepEqual(Epoch(with), out) {
			changed++
		}
		with.Yuma3 = false
		if got := Epoch(with); !reflect.DeepEqual(got, out) {
			t.Fatalf("%+v: %+v, want %+v", with, got, out)
		}
	}
	if changed < 100 {
		t.Errorf("Yuma3 changed only %d of 200 epochs", changed)
	}
}

func TestResetBonds(t *testing.T) {
	bonds := []Row{{{1, 5}, {2, 6}, {3, 7}}, nil, {{2, 9}}, {{1, 4}}}
	got := ResetBonds(bonds, 2)
	want := []Row{{{1, 5}, {3, 7}}, nil, nil, {{1, 4}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if !reflect.DeepEqual(bonds[0], Row{{1, 5}, {2, 6}, {3, 7}}) || len(bonds[2]) != 1 {
		t.Errorf("the argument became %v", bonds)
	}
}
