package yuma

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// vector is one case of a file of vectors, whatever its file.
type vector struct {
	Name      string          `json:"name"`
	Test      string          `json:"test"`
	Function  string          `json:"function"`
	Input     json.RawMessage `json:"input"`
	Expect    json.RawMessage `json:"expect"`
	Tolerance json.RawMessage `json:"tolerance"`

	file  string
	setup json.RawMessage // of the file
}

// eachVector runs every case of testdata and of the directory PLEXUS_VECTORS
// as a subtest, and reports how many ran.
func eachVector(t *testing.T, run func(t *testing.T, v vector)) (ran, skipped int) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors in testdata", err)
	}
	if dir := os.Getenv("PLEXUS_VECTORS"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(more) == 0 {
			t.Fatalf("PLEXUS_VECTORS=%s: no *.json there: %v", dir, err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var set struct {
			Cases []vector
			Setup json.RawMessage
		}
		if err := json.Unmarshal(b, &set); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range set.Cases {
			v.file, v.setup = filepath.Base(file), set.Setup
			t.Run(filepath.Base(file)+"/"+v.Name, func(t *testing.T) {
				defer func() {
					if t.Skipped() {
						skipped++
					} else {
						ran++
					}
				}()
				run(t, v)
			})
		}
	}
	return ran, skipped
}

type pairs [][][2]float64

type epochInput struct {
	N             int             `json:"n"`
	Stakes        []uint64        `json:"stakes"`
	WeightsU16    pairs           `json:"weights_u16"`
	Weights       json.RawMessage `json:"weights"`
	LastUpdate    []uint64        `json:"last_update"`
	Registered    []uint64        `json:"block_at_registration"`
	Now           *uint64         `json:"current_block"`
	LastTempo     uint64          `json:"last_tempo"`
	Cutoff        *uint64         `json:"activity_cutoff"`
	Permits       []bool          `json:"validator_permits"`
	MaxValidators *int            `json:"max_allowed_validators"`
	Kappa         *uint16         `json:"kappa_u16"`
	Average       *uint64         `json:"bonds_moving_average"`
	Penalty       *uint16         `json:"bonds_penalty_u16"`
	Yuma3         bool            `json:"yuma3"`
	Liquid        bool            `json:"liquid_alpha"`
	Emission      *uint64         `json:"emission_rao"`
	BondsBefore   pairs           `json:"bonds_u16_before"`
	Owner         *int            `json:"owner_uid"`
	OwnerStake    uint64          `json:"owner_stake_added"`
	Threshold     uint64          `json:"stake_threshold"`
	Interleave    *int            `json:"interleave"`
	Assignment    string          `json:"assignment"`
	Validators    [][]int         `json:"validator_weights_u16"`
}

func or[T any](p *T, v T) T {
	if p != nil {
		return *p
	}
	return v
}

func rows(p pairs) []Row {
	out := make([]Row, len(p))
	for i, r := range p {
		for _, e := range r {
			out[i] = append(out[i], Entry{uint16(e[0]), uint16(e[1])})
		}
	}
	return out
}

// input turns a case's input into an Input. The bond mask's block is given in
// the files where we take the block of the last step or the tempo.
func (e *epochInput) input() (Input, uint64) {
	in := Input{N: e.N, Stake: e.Stakes, LastUpdate: e.LastUpdate, Registered: e.Registered, Permit: e.Permits,
		Weights: rows(e.WeightsU16), Bonds: rows(e.BondsBefore), Kappa: or(e.Kappa, 32767),
		BondsMovingAverage: or(e.Average, 900_000), BondsPenalty: or(e.Penalty, 65535), Owner: or(e.Owner, -1),
		MaxValidators: or(e.MaxValidators, 64), ActivityCutoff: or(e.Cutoff, 5000), StakeThreshold: e.Threshold}
	for _, u := range e.LastUpdate {
		in.Now = max(in.Now, u)
	}
	in.Now = or(e.Now, in.Now)
	in.Tempo = in.Now - e.LastTempo
	if len(in.Stake) == 0 && e.Owner != nil {
		in.Stake = make([]uint64, e.N)
		in.Stake[*e.Owner] = e.OwnerStake
	}
	return in, or(e.Emission, 1_000_000_000)
}

// TestVectors holds the epoch against the numbers of the reference chain's own
// tests.
func TestVectors(t *testing.T) {
	bonds, cases, bounds, scenarios := 0, 0, 0, newScenarios()
	ran, skipped := eachVector(t, func(t *testing.T, v vector) {
		if v.Function != "" {
			mathVector(t, v)
			return
		}
		var e epochInput
		err := json.Unmarshal(v.Input, &e)
		switch {
		case e.Validators != nil:
			scenarios.run(t, v, &e)
			return
		case strings.HasPrefix(v.Name, "set_alpha_values"):
			alphaBoundsVector(t, v)
			bounds++
			return
		case strings.HasPrefix(v.Name, "test_liquid_alpha_equal"):
			equalAlphasVector(t, v)
			return
		case e.Yuma3 || e.Liquid:
			t.Fatal("a case of Yuma3 outside a scenario: its options are not known")
		case strings.Contains(v.Name, "sniped"):
			t.Skip("rows are read by hotkey: the ledger drops weights toward a new holder of a uid")
		case err == nil && strings.HasPrefix(v.Test, "test_validator_permits"):
			permitVector(t, &e)
		case err != nil || e.N == 0 || e.WeightsU16 == nil && e.Weights == nil:
			t.Skip("not an epoch")
		default:
			epochVector(t, v, &e)
			if strings.HasPrefix(v.Name, "test_bonds") {
				bonds++
			}
		}
		cases++
	})
	t.Logf("%d cases ran: %d classic epochs, %d of them of the bonds test, %d of Yuma3, %d bounds of alpha, the rest helpers; %d skipped",
		ran, cases, bonds, scenarios.epochs, bounds, skipped)
	// What is not ours is skipped by name above; one more or less is to be seen.
	if os.Getenv("PLEXUS_VECTORS") == "" && (ran != 165 || skipped != 98) {
		t.Errorf("%d cases ran and %d were skipped, want 165 and 98", ran, skipped)
	}
	if bonds < 6 || cases < 29 || scenarios.epochs < 30 || bounds < 5 {
		t.Fatalf("only %d steps of the bonds test, %d epochs, %d of Yuma3 and %d bounds of alpha ran", bonds, cases, scenarios.epochs, bounds)
	}
}

func epochVector(t *testing.T, v vector, e *epochInput) {
	in, emission := e.input()
	tr := &trace{map[string]matrix{}, map[string][]unit.I32F32{}}
	out := epoch(in, tr)
	// Not steps of the lean form: the masks before the last one, and the ranks
	// before clipping, made of what it has.
	none := make([]uint64, in.N) // registered at block 0
	before := func(i int) uint64 {
		if i < len(in.Permit) && in.Permit[i] {
			return 1
		}
		return 0
	}
	afterPermit := numbers(in.Weights, in.N, none, func(i int) (uint64, int) { return before(i), -1 })
	afterDiag := numbers(in.Weights, in.N, none, func(i int) (uint64, int) { return before(i), i })
	weights := tr.matrices["weights_row_normalized"]
	preranks := weights.colDot(tr.vectors["active_stake"], in.N)
	server, validator, combined := out.Amounts(emission)
	var expect map[string]json.RawMessage
	if err := json.Unmarshal(v.Expect, &expect); err != nil {
		t.Fatal(err)
	}
	inactive := make([]bool, len(out.Active))
	for i, a := range out.Active {
		inactive[i] = !a
	}
	vectors := map[string][]unit.I32F32{
		"stake_normalized": out.Stake, "active_stake": tr.vectors["active_stake"], "preranks": preranks, "consensus": out.Consensus,
		"validator_trust": out.Trust, "ranks": out.Ranks, "incentive": out.Incentive, "dividends": out.Dividends,
		"combined_emission_normalized": out.Combined, "rank": out.Ranks, "trust": out.Trust,
	}
	shares := map[string][]unit.I32F32{
		"consensus_u16": out.Consensus, "incentive_u16": out.Incentive, "dividends_u16": out.Dividends,
	}
	matrices := tr.matrices
	matrices["weights_after_permit"], matrices["weights_after_diag_mask"] = afterPermit, afterDiag
	checked := 0
	for field, want := range expect {
		checked++
		switch {
		case vectors[field] != nil:
			closeTo(t, field, floats(vectors[field]), want, printed)
		case shares[field] != nil:
			var got []float64
			for _, x := range shares[field] {
				got = append(got, float64(x.U16Share()))
			}
			closeTo(t, field, got, want, exactly)
		case matrices[field].start != nil:
			sameMatrix(t, field, matrices[field], want, printed)
		case field == "emission_rao":
			var got []float64
			for _, x := range combined {
				got = append(got, float64(x))
			}
			closeTo(t, field, got, want, exactly)
		case field == "bonds_u16":
			sameMatrix(t, field, numbers(out.Bonds, in.N, none, func(int) (uint64, int) { return 1, -1 }), want, exactly)
		case field == "bonds_u16_asserted":
			var list []struct{ Validator, Miner, Bond int }
			decode(t, want, &list)
			for _, b := range list {
				if got := bond(out.Bonds[b.Validator], b.Miner); got != b.Bond {
					t.Errorf("bond %d→%d is %d, want %d", b.Validator, b.Miner, got, b.Bond)
				}
			}
		case field == "inactive":
			var list []bool
			decode(t, want, &list)
			if fmt.Sprint(list) != fmt.Sprint(inactive) {
				t.Errorf("inactive %v, want %v", inactive, list)
			}
		case field == "sum_incentive_plus_dividend":
			var want float64
			decode(t, expect[field], &want)
			var total uint64
			for i := range server {
				total += server[i] + validator[i]
			}
			if math.Abs(float64(total)-want) > 1000 {
				t.Errorf("pays %d, want %.0f", total, want)
			}
		case field == "both_incentives_positive":
			if out.Incentive[0] <= 0 || out.Incentive[1] <= 0 {
				t.Errorf("incentives %v", out.Incentive)
			}
		case field == "incentives_equal":
			if out.Incentive[0] != out.Incentive[1] {
				t.Errorf("incentives %v", out.Incentive)
			}
		case field == "trust_legacy":
			checked-- // no longer computed by the reference
		default:
			t.Errorf("the vector has a field %q that is not compared", field)
		}
	}
	if checked == 0 {
		t.Error("nothing was compared")
	}
}

// permitVector runs the reference's permit test: validators have the stake of
// its assignment and get permits when it reaches the threshold; then the
// servers' stake is raised above theirs.
func permitVector(t *testing.T, e *epochInput) {
	k := or(e.MaxValidators, 0)
	validator := func(uid int) bool {
		switch or(e.Interleave, 0) {
		case 0: // validators first
			return uid < k
		case 1: // one, then servers
			return uid%(e.N/k) == 0
		}
		return uid%(e.N/k) == e.N/k-1 // servers, then one
	}
	in := Input{N: e.N, Stake: make([]uint64, e.N), Permit: make([]bool, e.N), MaxValidators: k, Owner: -1,
		Kappa: 32767, BondsMovingAverage: 900_000, BondsPenalty: 65535, StakeThreshold: e.Threshold, ActivityCutoff: 5000}
	for uid := range in.Stake {
		switch one := strings.Contains(e.Assignment, "validator stake = 1"); {
		case one && validator(uid):
			in.Stake[uid] = 1
		case one:
		case validator(uid):
			in.Stake[uid] = uint64(uid + e.N)
		default:
			in.Stake[uid] = uint64(uid)
		}
	}
	first := Epoch(in)
	for uid, got := range first.Permit {
		if want := validator(uid) && in.Stake[uid] >= e.Threshold; got != want {
			t.Errorf("first epoch: uid %d has permit %v, want %v", uid, got, want)
		}
	}
	in.Permit, in.Now = first.Permit, 1
	for uid := range in.Stake {
		if !validator(uid) {
			in.Stake[uid] += uint64(2 * e.N)
		}
	}
	for uid, got := range Epoch(in).Permit {
		if want := !validator(uid) && in.Stake[uid] >= e.Threshold; got != want {
			t.Errorf("second epoch: uid %d has permit %v, want %v", uid, got, want)
		}
	}
}

// within says how near a number must be to the file's.
type within struct {
	abs     float64
	literal bool // or exactly the file's as a 32-bit float, which is how the reference reads its literals
}

// The reference prints the shortest decimals that name one fixed point number:
// a number within half a unit in the last place is exactly the printed one.
var (
	printed = within{abs: 0.5 / (1 << 32) * (1 + 1e-9)}
	exactly = within{}
)

func (w within) holds(got, want float64) bool {
	return math.Abs(got-want) <= w.abs || w.literal && math.Abs(got-float64(float32(want))) <= w.abs
}

func number(x unit.I32F32) float64 { return float64(x) / (1 << 32) }

func floats(v []unit.I32F32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = number(x)
	}
	return out
}

func bond(r Row, uid int) int {
	for _, e := range r {
		if int(e.UID) == uid {
			return int(e.Value)
		}
	}
	return 0
}

func decode(t *testing.T, b json.RawMessage, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
}

// closeTo compares a list; null in the file means that the test does not say.
func closeTo(t *testing.T, field string, got []float64, want json.RawMessage, near within) {
	t.Helper()
	var list []*float64
	decode(t, want, &list)
	if len(list) != len(got) {
		t.Fatalf("%s has %d entries, want %d", field, len(got), len(list))
	}
	for i, w := range list {
		if w != nil && !near.holds(got[i], *w) {
			t.Errorf("%s[%d] = %.12f, want %.10f", field, i, got[i], *w)
		}
	}
}

func sameMatrix(t *testing.T, field string, got matrix, want json.RawMessage, near within) {
	t.Helper()
	var list pairs
	decode(t, want, &list)
	if len(list) != got.rows() {
		t.Fatalf("%s has %d rows, want %d", field, got.rows(), len(list))
	}
	for i, row := range list {
		col, val := got.row(i)
		if len(row) != len(col) {
			t.Errorf("%s[%d] = %v %v, want %v", field, i, col, val, row)
			continue
		}
		for k, e := range row {
			if int(col[k]) != int(e[0]) || !near.holds(number(val[k]), e[1]) {
				t.Errorf("%s[%d] has (%d, %.12f), want (%.0f, %.10f)", field, i, col[k], number(val[k]), e[0], e[1])
			}
		}
	}
}
