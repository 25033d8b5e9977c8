package emission

import (
	"encoding/json"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

type vector struct {
	Name      string          `json:"name"`
	Test      string          `json:"test"`
	Input     json.RawMessage `json:"input"`
	Expect    json.RawMessage `json:"expect"`
	Tolerance json.RawMessage `json:"tolerance"`
}

// kinds runs the cases of one test of the reference each; the key is the test's
// name or, for several, what it begins with.
var kinds = map[string]func(t *testing.T, v vector){
	"test_burn_":                            burnVector,
	"test_update_registration_prices":       burnVector,
	"test_burned_register_immediately":      bumpVector,
	"test_zero_tempo":                       scheduleVector,
	"test_regular_case":                     scheduleVector,
	"test_boundary_conditions":              scheduleVector,
	"test_overflow_handling":                scheduleVector,
	"test_epoch_alignment":                  scheduleVector,
	"test_different_network_ids":            scheduleVector,
	"test_large_tempo_values":               scheduleVector,
	"test_consecutive_blocks":               scheduleVector,
	"test_wrap_around_behavior":             scheduleVector,
	"test_coinbase_moving_prices":           priceVector,
	"test_update_moving_price_after_time":   priceVector,
	"test_coinbase_tao_issuance":            issuanceVector,
	"test_coinbase_alpha_issuance":          issuanceVector,
	"test_get_subnet_terms_alpha_emissions": termVector,
	"test_owner_cut_base":                   partVector,
	"test_coinbase_emit_to_subnets_with":    partVector,
	"test_root_proportion":                  rootVector,
}

// notOurs says why the cases of a test are skipped.
var notOurs = map[string]string{
	"get_next_epoch_start_block": "an epoch is not triggered: it ends with its tempo",
	"test_calculate_dividend":    "the ledger's payout, tested there",
	"test_drain_base":            "the ledger's payout, run there",
	"inplace_pow_normalize":      "the flow-based division is not active in the reference",
	"split_emissions":            "the ledger's payout, run there",
	"test_claim_root_block_hash": "there are no root claims",
	"test_exp_decay":             "there are no conviction locks",
	"test_roll_forward":          "there are no conviction locks",
	"test_lock_state_is_zero":    "there are no conviction locks",
	"test_validator_permits":     "an epoch of Yuma",
	"test_register_subnet":       "the life of a subnet is the ledger's",
	"test_migrate_network_lock":  "the life of a subnet is the ledger's",
}

func find[T any](m map[string]T, test string) (found T, ok bool) {
	test = test[strings.LastIndexByte(test, ' ')+1:]
	best := -1
	for k, v := range m {
		if strings.HasPrefix(test, k) && len(k) > best {
			found, ok, best = v, true, len(k)
		}
	}
	return found, ok
}

// TestVectors holds the emission against the numbers and rules of the reference
// chain's own tests, from testdata and from the directory PLEXUS_VECTORS.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("vectors in testdata: %v %v", files, err)
	}
	if dir := os.Getenv("PLEXUS_VECTORS"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(more) == 0 {
			t.Fatalf("PLEXUS_VECTORS=%s: no *.json there: %v", dir, err)
		}
		files = append(files, more...)
	}
	ran, skipped := 0, 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var set struct{ Cases []vector }
		if err := json.Unmarshal(b, &set); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range set.Cases {
			t.Run(filepath.Base(file)+"/"+v.Name, func(t *testing.T) {
				if run, ok := find(kinds, v.Test); ok {
					ran++
					run(t, v)
					return
				}
				skipped++
				why, ok := find(notOurs, v.Test)
				if !ok {
					why = "no test of this package: " + v.Test
				}
				t.Skip(why)
			})
		}
	}
	t.Logf("%d cases ran, %d skipped", ran, skipped)
	if ran < 27+15+15 {
		t.Fatalf("only %d cases ran", ran)
	}
}

func decode(t *testing.T, b json.RawMessage, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
}

type burnInput struct {
	HalfLife      uint16 `json:"half_life"`
	Increase      uint64 `json:"increase_mult"`
	Min           uint64 `json:"min_burn"`
	Max           uint64 `json:"max_burn"`
	Burn          uint64
	Op            string
	Initial       uint64 `json:"initial_burn"`
	Blocks        int
	Registrations int
}

// ruleFactor is the decay factor by the rule's words, in big integers.
func ruleFactor(halfLife uint16) *big.Int {
	one := big.NewInt(1 << 32)
	if halfLife == 0 {
		return one
	}
	pow := func(base *big.Int) *big.Int {
		result, square := new(big.Int).Set(one), new(big.Int).Set(base)
		for e := int(halfLife); e > 0; e /= 2 {
			if e%2 == 1 {
				result.Rsh(result.Mul(result, square), 32)
			}
			square = new(big.Int).Mul(square, square)
			square.Rsh(square, 32)
		}
		return result
	}
	low, high := big.NewInt(0), new(big.Int).Set(one)
	for new(big.Int).Sub(high, low).Cmp(big.NewInt(1)) > 0 {
		mid := new(big.Int).Add(low, high)
		mid.Rsh(mid, 1)
		if pow(mid).Cmp(big.NewInt(1<<31)) > 0 {
			high = mid
		} else {
			low = mid
		}
	}
	return low
}

func burnVector(t *testing.T, v vector) {
	var in burnInput
	decode(t, v.Input, &in)
	least, most := unit.TAO(in.Min), unit.TAO(in.Max)
	if in.Blocks > 0 { // the rule, block by block
		factor, burn := ruleFactor(in.HalfLife), unit.TAO(in.Initial)
		for block := range in.Blocks {
			want := new(big.Int).Mul(factor, new(big.Int).SetUint64(uint64(burn)))
			want.Rsh(want, 32)
			burn = DecayBurn(burn, in.HalfLife, least, most)
			if w := max(min(want.Uint64(), in.Max), in.Min); uint64(burn) != w {
				t.Fatalf("block %d: %d, want %d", block, burn, w)
			}
		}
		return
	}
	var want struct{ Burn uint64 }
	decode(t, v.Expect, &want)
	burn := unit.TAO(in.Burn)
	switch in.Op {
	case "register":
		burn = RaiseBurn(burn, in.Increase<<32, least, most)
	case "two blocks":
		burn = DecayBurn(burn, in.HalfLife, least, most)
		fallthrough
	case "one block":
		burn = DecayBurn(burn, in.HalfLife, least, most)
	default:
		t.Fatalf("operation %q", in.Op)
	}
	if uint64(burn) != want.Burn {
		t.Errorf("%d after %s, want %d", burn, in.Op, want.Burn)
	}
}

func bumpVector(t *testing.T, v vector) {
	var in burnInput
	decode(t, v.Input, &in)
	burn, want := unit.TAO(in.Initial), new(big.Int).SetUint64(in.Initial)
	for i := range in.Registrations {
		burn = RaiseBurn(burn, in.Increase<<32, unit.TAO(in.Min), unit.TAO(in.Max))
		want.Mul(want, new(big.Int).SetUint64(max(in.Increase, 1)))
		if want.Cmp(new(big.Int).SetUint64(in.Max)) > 0 {
			want.SetUint64(in.Max)
		}
		if want.Cmp(new(big.Int).SetUint64(in.Min)) < 0 {
			want.SetUint64(in.Min)
		}
		if uint64(burn) != want.Uint64() {
			t.Fatalf("after registration %d: %d, want %s", i, burn, want)
		}
	}
}

func scheduleVector(t *testing.T, v vector) {
	var in struct {
		Last  uint64 `json:"last_epoch_block"`
		Tempo uint16
		Block uint64
	}
	var want struct {
		Until *uint64 `json:"blocks_until_next_auto_epoch"`
	}
	decode(t, v.Input, &in)
	decode(t, v.Expect, &want)
	if want.Until == nil {
		t.Fatal("nothing is expected")
	}
	if got := UntilEpoch(in.Last, in.Tempo, in.Block); got != *want.Until {
		t.Errorf("%d blocks, want %d", got, *want.Until)
	}
}

func fixed(f float64) unit.I32F32 { return unit.I32F32(math.RoundToEven(f * (1 << 32))) }

func priceOf(f float64) unit.Price { return unit.PriceFromNano(uint64(math.Round(f * 1e9))) }

func priceVector(t *testing.T, v vector) {
	var in struct {
		Price, Old float64
		First      uint64 `json:"first_emission_block"`
		Block      uint64
		Alpha      any
		Updates    int     `json:"updates_at_same_block"`
		Halving    *uint64 `json:"ema_price_halving_blocks"`
	}
	var want struct {
		Price float64 `json:"moving_price"`
	}
	decode(t, v.Input, &in)
	decode(t, v.Expect, &want)
	smoothing, halving := fixed(0.000003), uint64(201_600)
	if a, ok := in.Alpha.(float64); ok {
		smoothing = fixed(a)
	}
	if in.Halving != nil {
		halving = *in.Halving
	}
	got := fixed(in.Old)
	for range max(1, in.Updates) {
		got = MovePrice(got, priceOf(in.Price), smoothing, in.Block-(in.First-1), halving)
	}
	if diff := math.Abs(float64(got)/(1<<32) - want.Price); diff > tolerance(t, v, "") {
		t.Errorf("%s, want %g", got, want.Price)
	}
}

func tolerance(t *testing.T, v vector, field string) float64 {
	var one float64
	if json.Unmarshal(v.Tolerance, &one) == nil {
		return one
	}
	var many map[string]float64
	decode(t, v.Tolerance, &many)
	if x, ok := many[field]; ok {
		return x
	}
	return many["totals"]
}

// residues are the cases whose last unit the reference drops and Plexus pays to
// the largest remainder (differences, residues), with what Plexus gives.
var residues = map[string][]float64{"alpha_in_prices_1_2": {333333, 666667}}

func issuanceVector(t *testing.T, v vector) {
	var in struct {
		Emission uint64
		Subnets  int
		PoolTAO  []uint64  `json:"pool_tao"`
		Pool     []uint64  `json:"pool_alpha"`
		Moving   []float64 `json:"moving_price"`
	}
	decode(t, v.Input, &in)
	n := max(in.Subnets, len(in.PoolTAO))
	ask := make([]Subnet, n)
	for i := range ask {
		ask[i].Price = unit.OneI32F32
		if i < len(in.Moving) {
			ask[i].Price = fixed(in.Moving[i])
		}
		if i >= len(in.PoolTAO) {
			in.PoolTAO, in.Pool = append(in.PoolTAO, 1e12), append(in.Pool, 1e12)
		}
	}
	var taoIn, taoAfter, alphaAfter []float64
	total := 0.0
	for i, give := range Divide(unit.TAO(in.Emission), ask) {
		inj := Inject(give, unit.TAO(in.PoolTAO[i]), unit.Alpha(in.Pool[i]), unit.OneU96F32, 0)
		if inj.Excess != 0 {
			t.Errorf("subnet %d: excess %d", i, inj.Excess)
		}
		taoIn = append(taoIn, float64(inj.TAO))
		taoAfter = append(taoAfter, float64(in.PoolTAO[i])+float64(inj.TAO))
		alphaAfter = append(alphaAfter, float64(in.Pool[i])+float64(inj.Alpha))
		total += float64(inj.TAO)
	}
	var expect map[string]json.RawMessage
	decode(t, v.Expect, &expect)
	for field, raw := range expect {
		var got, want []float64
		switch field {
		case "subnet_tao_delta", "each":
			got = taoIn
		case "total_issuance_delta", "total_stake_delta", "total_issuance", "total_stake":
			got = []float64{total}
		case "subnet_tao":
			got = taoAfter
		case "tao_in":
			got = taoIn
			if r, ok := residues[v.Name]; ok {
				want = r
			}
		case "alpha_in":
			got = alphaAfter
		default:
			t.Fatalf("the vector has a field %q that is not compared", field)
		}
		if want == nil {
			var one float64
			if json.Unmarshal(raw, &one) == nil {
				for range got {
					want = append(want, one)
				}
			} else {
				decode(t, raw, &want)
			}
		}
		for i := range got {
			if math.Abs(got[i]-want[i]) > tolerance(t, v, field) {
				t.Errorf("%s[%d] = %.0f, want %.0f", field, i, got[i], want[i])
			}
		}
	}
}

func termVector(t *testing.T, v vector) {
	var in struct {
		Price uint64
		TAO   uint64 `json:"tao_emission"`
	}
	var expect struct {
		AlphaIn any `json:"alpha_in"`
	}
	decode(t, v.Input, &in)
	decode(t, v.Expect, &expect)
	root := unit.U96F32Ratio(3, 7)
	got := Inject(unit.TAO(in.TAO), unit.TAO(in.Price*1e15), 1e15, root, 0)
	want, isNumber := expect.AlphaIn.(float64)
	if !isNumber { // root_proportion * alpha_emission
		want = float64(root.Mul(unit.U96F32From(PerBlock)).Floor())
	}
	if float64(got.Alpha) != want || got.TAO+got.Excess != unit.TAO(in.TAO) || uint64(got.TAO) != uint64(got.Alpha)*in.Price {
		t.Errorf("%+v, want alpha %.0f", got, want)
	}
}

func partVector(t *testing.T, v vector) {
	var in struct {
		Cut   uint16 `json:"owner_cut_u16"`
		Alpha uint64 `json:"alpha_emission"`
		Sells bool   `json:"root_sell_flag"`
	}
	decode(t, v.Input, &in)
	if in.Alpha == 0 {
		in.Alpha = PerBlock
	}
	p := Part(unit.Alpha(in.Alpha), in.Cut, unit.U96F32{}, in.Sells) // no TAO on root
	near := func(what string, got unit.Alpha, want float64) {
		if math.Abs(float64(got)-want) > tolerance(t, v, "") {
			t.Errorf("%s %d, want %.1f", what, got, want)
		}
	}
	owner := float64(in.Alpha) * float64(in.Cut) / 65535
	near("owner", p.Owner, owner)
	near("server", p.Server, (float64(in.Alpha)-owner)/2)
	near("validator", p.Validator, (float64(in.Alpha)-owner)/2)
	near("root", p.Root, 0)
	if p.Owner+p.Server+p.Validator+p.Root+p.Burned != unit.Alpha(in.Alpha) {
		t.Errorf("%+v does not sum to %d", p, in.Alpha)
	}
}

func rootVector(t *testing.T, v vector) {
	var in struct {
		Root   uint64 `json:"root_tao"`
		Weight uint64 `json:"tao_weight_u64"`
		Alpha  uint64 `json:"alpha_in"`
	}
	decode(t, v.Input, &in)
	one := new(big.Int).Lsh(big.NewInt(1), 32)
	n := func(x uint64) *big.Int { return new(big.Int).SetUint64(x) }
	// The rule in U96F32: each number times 2^32, each quotient rounded down.
	w := new(big.Int).Quo(new(big.Int).Mul(n(in.Weight), one), n(math.MaxUint64))
	stake := new(big.Int).Mul(w, n(in.Root))
	sum := new(big.Int).Add(stake, new(big.Int).Mul(n(in.Alpha), one))
	want := new(big.Int).Quo(new(big.Int).Mul(stake, one), sum)
	got := RootProportion(unit.TAO(in.Root), in.Weight, unit.Alpha(in.Alpha))
	if (unit.U128(got)).String() != want.String() {
		t.Errorf("%v, want %s", got, want)
	}
}
