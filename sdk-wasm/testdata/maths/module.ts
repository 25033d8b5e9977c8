// maths: what the SDK's mathematics gives for arguments drawn from a seed. The
// same module stands here in every language; their replies must be equal.
import {
  Module, ONE, Rand, SolveRequest, editDistance, exp, isqrt, log2, ngramMatches, ngrams, quantile, register, softmax, sqrt,
} from "../plexus/index";
export { plexus_abi_v1, plexus_alloc, plexus_call } from "../plexus/index";

class Maths extends Module {
  solve(r: SolveRequest): Uint8Array | null {
    const rnd = new Rand(r.seed, 1);
    const out = new Array<u64>();
    for (let turn = 0; turn < 64; turn++) {
      const bits = rnd.next();
      const x = bits >> rnd.below(64);
      out.push(log2(x));
      out.push(exp(<i64>rnd.below(60 << 32) - (30 << 32)));
      out.push(sqrt(x));
      out.push(isqrt(x));
      const n = 1 + <i32>rnd.below(12);
      const logits = new StaticArray<i64>(n), values = new StaticArray<u64>(n);
      for (let i = 0; i < n; i++) logits[i] = <i64>rnd.below(16 << 32) - (8 << 32);
      for (let i = 0; i < n; i++) values[i] = rnd.next();
      const soft = softmax(logits);
      for (let i = 0; i < n; i++) out.push(soft[i]);
      out.push(quantile(values, rnd.below(ONE + 1)));
      const an = <i32>rnd.below(25), bn = <i32>rnd.below(25);
      const a = new StaticArray<u32>(an), b = new StaticArray<u32>(bn);
      for (let i = 0; i < an; i++) a[i] = <u32>rnd.below(3);
      for (let i = 0; i < bn; i++) b[i] = <u32>rnd.below(3);
      out.push(editDistance<StaticArray<u32>>(a, b));
      for (let k = 1; k <= 4; k++) out.push(ngramMatches(a, b, k));
      out.push(ngrams(an, 3));
    }
    const bytes = new Uint8Array(out.length * 8);
    for (let i = 0; i < out.length; i++) {
      for (let k = 0; k < 8; k++) bytes[8 * i + k] = <u8>(out[i] >> (8 * k));
    }
    return bytes;
  }
}

register(new Maths());
