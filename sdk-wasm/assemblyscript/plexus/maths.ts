// Integer mathematics, equal in every language. The Go SDK says why it is right.
import { ONE } from "./messages";

/** The upper half of a 128-bit product. */
export function mulHigh(x: u64, y: u64): u64 {
  const x0 = x & 0xffffffff, x1 = x >> 32, y0 = y & 0xffffffff, y1 = y >> 32;
  const t = x1 * y0 + (x0 * y0 >> 32);
  const w = (t & 0xffffffff) + x0 * y1;
  return x1 * y1 + (t >> 32) + (w >> 32);
}

/** The binary logarithm of a whole number in Q32.32; 0 for 0. */
export function log2(x: u64): u64 {
  if (x == 0) return 0;
  const n = 63 - clz<u64>(x);
  let m = x << (63 - n) >> 32, frac: u64 = 0;
  if (m != 1 << 31) {
    for (let i = 0; i < 32; i++) {
      m = m * m >> 31;
      const bit = m >> 32;
      m >>= bit;
      frac = frac << 1 | bit;
    }
  }
  return n << 32 | frac;
}

const TWO_TO: StaticArray<u64> = [
  0xb504f333f9de6484, 0x9837f0518db8a96f, 0x8b95c1e3ea8bd6e6, 0x85aac367cc487b14,
  0x82cd8698ac2ba1d7, 0x8164d1f3bc030773, 0x80b1ed4fd999ab6c, 0x8058d7d2d5e5f6b0,
  0x802c6436d0e04f50, 0x8016302f17467628, 0x800b179c82028fd0, 0x80058baf7fee3b5d,
  0x8002c5d00fdcfcb6, 0x800162e61bed4a48, 0x8000b17292f702a3, 0x800058b92abbae02,
  0x80002c5c8dade4d7, 0x8000162e44eaf636, 0x80000b1721fa7c18, 0x8000058b90de7e4c,
  0x800002c5c8678f36, 0x80000162e431db9f, 0x800000b1721872d0, 0x80000058b90c1aa8,
  0x8000002c5c8605a4, 0x800000162e4300e6, 0x8000000b17217ff8, 0x800000058b90bfdd,
  0x80000002c5c85fe6, 0x8000000162e42ff1, 0x80000000b17217f8, 0x8000000058b90bfc,
  0x800000002c5c85fd, 0x80000000162e42fe, 0x800000000b17217f, 0x80000000058b90bf,
  0x8000000002c5c85f, 0x800000000162e42f, 0x8000000000b17217, 0x800000000058b90b,
];

/** e^x in Q32.32 for x in Q32.32. It saturates. */
export function exp(x: i64): u64 {
  const size: u64 = x < 0 ? 0 - <u64>x : <u64>x;
  if (size >= 1 << 37) return x < 0 ? 0 : u64.MAX_VALUE;
  let y = mulHigh(size << 26, 0xb8aa3b295c17f0bb);
  let n = <i32>(y >> 57);
  if (x < 0) {
    y = 0 - (y + 2);
    n = <i32>(y >> 57) - 128;
  }
  const f = y & ((1 << 57) - 1);
  let r: u64 = <u64>1 << 63;
  for (let i = 0; i < 40; i++) {
    if ((f >> (56 - i) & 1) == 1) r = mulHigh(r, TWO_TO[i]) << 1;
  }
  if (n > 31) return u64.MAX_VALUE;
  if (n < -32) return 0;
  return r >> (31 - n);
}

/** The square root in Q32.32, rounded down, of a number in Q32.32. */
export function sqrt(x: u64): u64 {
  return root(x, 48);
}

/** The square root of a whole number, rounded down. */
export function isqrt(x: u64): u64 {
  return root(x, 32);
}

function root(x: u64, digits: i32): u64 {
  let rest: u64 = 0, r: u64 = 0;
  for (let i = 0; i < digits; i++) {
    rest = rest << 2 | x >> 62;
    x <<= 2;
    r <<= 1;
    const next = r << 1 | 1;
    if (rest >= next) {
      rest -= next;
      r |= 1;
    }
  }
  return r;
}

/**
 * e^x/Σ e^x in Q32.32 for each x in Q32.32. The results sum to exactly one: the
 * first of the largest gets what rounding leaves over.
 */
export function softmax(x: StaticArray<i64>): StaticArray<u64> {
  const out = new StaticArray<u64>(x.length);
  if (x.length == 0) return out;
  let first = 0;
  for (let i = 1; i < x.length; i++) if (x[i] > x[first]) first = i;
  let total: u64 = 0, left = ONE;
  for (let i = 0; i < x.length; i++) {
    const d = <u64>x[first] - <u64>x[i];
    out[i] = d < 1 << 37 ? exp(0 - <i64>d) : 0;
    total += out[i];
  }
  for (let i = 0; i < x.length; i++) {
    const e = out[i] << 31;
    let q = e / total << 1;
    if (e % total << 1 >= total) q |= 1;
    out[i] = q;
    left -= q;
  }
  out[first] += left;
  return out;
}

/**
 * The value below which the part q (Q32.32, at most one) of the values lies,
 * interpolated and rounded down; 0 for no values.
 */
export function quantile(values: StaticArray<u64>, q: u64): u64 {
  if (values.length == 0) return 0;
  const v = values.slice<Array<u64>>();
  v.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const at = min(q, ONE) * <u64>(v.length - 1);
  const i = <i32>(at >> 32), part = at & 0xffffffff;
  if (part == 0) return v[i];
  const d = v[i + 1] - v[i];
  return v[i] + (d >> 32) * part + ((d & 0xffffffff) * part >> 32);
}

/** The least number of insertions, deletions and substitutions that turn a into b. */
export function editDistance<T extends ArrayLike<number>>(a: T, b: T): u32 {
  const row = new StaticArray<u32>(b.length + 1);
  for (let j = 0; j < row.length; j++) row[j] = j;
  for (let i = 0; i < a.length; i++) {
    let before = row[0];
    row[0] = i + 1;
    for (let j = 0; j < b.length; j++) {
      const change = before + (a[i] != b[j] ? 1 : 0);
      before = row[j + 1];
      row[j + 1] = min(change, min(before + 1, row[j] + 1));
    }
  }
  return row[b.length];
}

/** How many runs of n neighbours a list of length elements has. */
export function ngrams(length: i32, n: i32): i32 {
  return n < 1 || length < n ? 0 : length - n + 1;
}

// What runs compares; an instance runs one call at a time.
let compared: StaticArray<u32> = [];
let width: i32 = 0;

function compareRuns(a: StaticArray<u32>, i: i32, b: StaticArray<u32>, j: i32, n: i32): i32 {
  for (let k = 0; k < n; k++) {
    if (a[i + k] != b[j + k]) return a[i + k] < b[j + k] ? -1 : 1;
  }
  return 0;
}

function runs(v: StaticArray<u32>, n: i32): Array<i32> {
  const r = new Array<i32>();
  for (let i = 0; i < ngrams(v.length, n); i++) r.push(i);
  compared = v;
  width = n;
  r.sort((a, b) => compareRuns(compared, a, compared, b, width));
  return r;
}

/**
 * The runs of n neighbours that a and b have in common, each as often as it
 * occurs in both.
 */
export function ngramMatches(a: StaticArray<u32>, b: StaticArray<u32>, n: i32): i32 {
  const x = runs(a, n), y = runs(b, n);
  let same = 0;
  for (let i = 0, j = 0; i < x.length && j < y.length; ) {
    const c = compareRuns(a, x[i], b, y[j], n);
    if (c <= 0) i++;
    if (c >= 0) j++;
    if (c == 0) same++;
  }
  return same;
}
