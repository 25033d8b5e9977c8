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
	"exp_safe": "exponentials come with liquid alpha", "sigmoid_safe": "sigmoids come with liquid alpha",
	"mat_ema_alpha": "liquid alpha", "mat_ema_alpha_sparse": "liquid alpha",
	"matmul": "dense form", "interpolate": "dense form", "weighted_median_col": "dense form",
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
		sameMatrix(t, v.Function, mat(0).rowNormalize(), v.Expect, tolerance)
	case "inplace_col_normalize_sparse":
		sameMatrix(t, v.Function, mat(0).colNormalize(int(num(1))), v.Expect, tolerance)
	case "inplace_col_max_upscale_sparse":
		sameMatrix(t, v.Function, mat(0).colMaxUpscale(int(num(1))), v.Expect, tolerance)
	case "mask_rows_sparse":
		var mask []bool
		arg(0, &mask)
		sameMatrix(t, v.Function, mat(1).filter(func(i, _ int) bool { return !mask[i] }), v.Expect, tolerance)
	case "mask_diag_sparse":
		sameMatrix(t, v.Function, mat(0).filter(func(i, j int) bool { return i != j }), v.Expect, tolerance)
	case "mask_diag_sparse_except_index":
		keep := int(num(1))
		sameMatrix(t, v.Function, mat(0).filter(func(i, j int) bool { return i != j || i == keep }), v.Expect, tolerance)
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
		sameMatrix(t, v.Function, mat(0).filter(func(i, j int) bool { return !drop(i, j) }), v.Expect, tolerance)
	case "row_hadamard_sparse":
		sameMatrix(t, v.Function, mat(0).scaleRows(vec(1)), v.Expect, tolerance)
	case "row_sum_sparse":
		closeTo(t, v.Function, floats(mat(0).rowSums()), v.Expect, tolerance)
	case "matmul_sparse":
		closeTo(t, v.Function, floats(mat(0).colDot(vec(1), int(num(2)))), v.Expect, tolerance)
	case "matmul_transpose_sparse":
		closeTo(t, v.Function, floats(mat(0).rowDot(vec(1))), v.Expect, tolerance)
	case "col_clip_sparse":
		sameMatrix(t, v.Function, mat(0).clip(vec(1)), v.Expect, tolerance)
	case "interpolate_sparse":
		sameMatrix(t, v.Function, interpolate(mat(0), mat(1), int(num(2)), fixed(num(3))), v.Expect, tolerance)
	case "weighted_median":
		stake := fixedVec(in.Stake)
		got := weightedMedian(stake, fixedVec(in.Score), in.Indices, unit.OneI32F32.Sub(fixed(float64(float32(in.Majority)))), 0, sum(stake))
		closeTo(t, v.Function, []float64{number(got)}, list(v.Expect), tolerance)
	case "weighted_median_col_sparse":
		got := colMedians(vec(0), mat(1), int(num(2)), fixed(num(3)))
		closeTo(t, v.Function, floats(got), v.Expect, tolerance)
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
	out := make(matrix, len(p))
	for i, row := range p {
		for _, e := range row {
			out[i] = append(out[i], cell{int(e[0]), fixed(float64(float32(e[1])))})
		}
	}
	return out
}
