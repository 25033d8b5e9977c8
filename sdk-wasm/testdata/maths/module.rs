//! maths: what the SDK's mathematics gives for arguments drawn from a seed. The
//! same module stands here in every language; their replies must be equal.
#![cfg_attr(target_arch = "wasm32", no_std)]
use plexus::*;

pub struct Maths;

plexus::export!(Maths);

struct Out {
    b: &'static mut [u8],
    n: usize,
}

impl Out {
    fn put(&mut self, v: u64) {
        self.b[self.n..self.n + 8].copy_from_slice(&v.to_le_bytes());
        self.n += 8;
    }
}

impl Module for Maths {
    fn solve(r: &SolveRequest) -> Result<Bytes, Refusal> {
        let mut rnd = Rand::new(&r.seed, 1);
        let mut out = Out { b: list(64 * 28 * 8, 0), n: 0 };
        for _ in 0..64 {
            let x = rnd.next();
            let x = x >> rnd.below(64);
            out.put(log2(x));
            out.put(exp(rnd.below(60 << 32) as i64 - (30 << 32)));
            out.put(sqrt(x));
            out.put(isqrt(x));
            let n = 1 + rnd.below(12) as usize;
            let logits = list(n, 0i64);
            for v in logits.iter_mut() {
                *v = rnd.below(16 << 32) as i64 - (8 << 32);
            }
            let values = list(n, 0u64);
            for v in values.iter_mut() {
                *v = rnd.next();
            }
            for v in softmax(logits).iter() {
                out.put(*v);
            }
            out.put(quantile(values, rnd.below(ONE + 1)));
            let an = rnd.below(25) as usize;
            let bn = rnd.below(25) as usize;
            let a = list(an, 0u32);
            let b = list(bn, 0u32);
            for v in a.iter_mut() {
                *v = rnd.below(3) as u32;
            }
            for v in b.iter_mut() {
                *v = rnd.below(3) as u32;
            }
            out.put(edit_distance(a, b) as u64);
            for k in 1..=4 {
                out.put(ngram_matches(a, b, k) as u64);
            }
            out.put(ngrams(an, 3) as u64);
        }
        let Out { b, n } = out;
        Ok(&b[..n])
    }
}
