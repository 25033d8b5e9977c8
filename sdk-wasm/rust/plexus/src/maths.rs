//! Integer mathematics, equal in every language. The Go SDK says why it is right.
use crate::{list, ONE};

/// The binary logarithm of a whole number in Q32.32; 0 for 0.
pub fn log2(x: u64) -> u64 {
    if x == 0 {
        return 0;
    }
    let n = 63 - x.leading_zeros();
    let mut m = x << (63 - n) >> 32;
    let mut frac = 0;
    if m != 1 << 31 {
        for _ in 0..32 {
            m = m * m >> 31;
            let bit = m >> 32;
            m >>= bit;
            frac = frac << 1 | bit;
        }
    }
    (n as u64) << 32 | frac
}

const TWO_TO: [u64; 40] = [
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

fn high(x: u64, y: u64) -> u64 {
    (x as u128 * y as u128 >> 64) as u64
}

/// e^x in Q32.32 for x in Q32.32. It saturates.
pub fn exp(x: i64) -> u64 {
    let size = x.unsigned_abs();
    if size >= 1 << 37 {
        return if x < 0 { 0 } else { u64::MAX };
    }
    let mut y = high(size << 26, 0xb8aa3b295c17f0bb);
    let mut n = (y >> 57) as i32;
    if x < 0 {
        y = (y + 2).wrapping_neg();
        n = (y >> 57) as i32 - 128;
    }
    let f = y & ((1 << 57) - 1);
    let mut r = 1u64 << 63;
    for (i, c) in TWO_TO.iter().enumerate() {
        if f >> (56 - i) & 1 == 1 {
            r = high(r, *c) << 1;
        }
    }
    match n {
        32.. => u64::MAX,
        -32..=31 => r >> (31 - n),
        _ => 0,
    }
}

/// The square root in Q32.32, rounded down, of a number in Q32.32.
pub fn sqrt(x: u64) -> u64 {
    root(x, 48)
}

/// The square root of a whole number, rounded down.
pub fn isqrt(x: u64) -> u64 {
    root(x, 32)
}

fn root(mut x: u64, digits: u32) -> u64 {
    let (mut rest, mut r) = (0u64, 0u64);
    for _ in 0..digits {
        rest = rest << 2 | x >> 62;
        x <<= 2;
        r <<= 1;
        let next = r << 1 | 1;
        if rest >= next {
            rest -= next;
            r |= 1;
        }
    }
    r
}

/// e^x/Σ e^x in Q32.32 for each x in Q32.32. The results sum to exactly one: the
/// first of the largest gets what rounding leaves over.
pub fn softmax(x: &[i64]) -> &'static mut [u64] {
    let out = list(x.len(), 0u64);
    if x.is_empty() {
        return out;
    }
    let mut first = 0;
    for i in 1..x.len() {
        if x[i] > x[first] {
            first = i;
        }
    }
    let mut total = 0;
    for (o, v) in out.iter_mut().zip(x) {
        let d = (x[first] as u64).wrapping_sub(*v as u64);
        if d < 1 << 37 {
            *o = exp(-(d as i64));
        }
        total += *o;
    }
    let mut left = ONE;
    for o in out.iter_mut() {
        let e = *o << 31;
        *o = (e / total) << 1 | (e % total << 1 >= total) as u64;
        left = left.wrapping_sub(*o);
    }
    out[first] = out[first].wrapping_add(left);
    out
}

/// The value below which the part q (Q32.32, at most one) of the values lies,
/// interpolated and rounded down; 0 for no values.
pub fn quantile(values: &[u64], q: u64) -> u64 {
    if values.is_empty() {
        return 0;
    }
    let v = list(values.len(), 0u64);
    v.copy_from_slice(values);
    v.sort_unstable();
    let at = q.min(ONE) * (v.len() as u64 - 1);
    let (i, part) = ((at >> 32) as usize, at & 0xffff_ffff);
    if part == 0 {
        return v[i];
    }
    let d = v[i + 1] - v[i];
    v[i] + (d >> 32) * part + ((d & 0xffff_ffff) * part >> 32)
}

/// The least number of insertions, deletions and substitutions that turn a into b.
pub fn edit_distance<T: PartialEq>(a: &[T], b: &[T]) -> u32 {
    let row = list(b.len() + 1, 0u32);
    for (j, v) in row.iter_mut().enumerate() {
        *v = j as u32;
    }
    for (i, x) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i as u32 + 1;
        for (j, y) in b.iter().enumerate() {
            let change = before + (x != y) as u32;
            before = row[j + 1];
            row[j + 1] = change.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// How many runs of n neighbours a list of length elements has.
pub fn ngrams(length: usize, n: usize) -> usize {
    if n == 0 || length < n {
        0
    } else {
        length - n + 1
    }
}

/// The runs of n neighbours that a and b have in common, each as often as it
/// occurs in both.
pub fn ngram_matches<T: Ord>(a: &[T], b: &[T], n: usize) -> usize {
    let (x, y) = (runs(a, n), runs(b, n));
    let (mut i, mut j, mut same) = (0, 0, 0);
    while i < x.len() && j < y.len() {
        let (p, q) = (&a[x[i]..x[i] + n], &b[y[j]..y[j] + n]);
        let (up, down) = (p <= q, p >= q);
        i += up as usize;
        j += down as usize;
        same += (up && down) as usize;
    }
    same
}

fn runs<T: Ord>(v: &[T], n: usize) -> &'static mut [usize] {
    let r = list(ngrams(v.len(), n), 0usize);
    for (i, at) in r.iter_mut().enumerate() {
        *at = i;
    }
    r.sort_unstable_by(|a, b| v[*a..*a + n].cmp(&v[*b..*b + n]));
    r
}
