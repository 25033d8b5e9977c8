/// A deterministic generator: chacha8rand over the seed whose last 8 bytes are
/// XORed with the stream. The same numbers come in every language.
pub struct Rand {
    seed: [u64; 4],
    buf: [u64; 32],
    counter: u32,
    i: usize,
    n: usize,
}

impl Rand {
    /// The generator of one stream of a seed, which is usually a round's beta.
    pub fn new(seed: &[u8; 32], stream: u64) -> Rand {
        let mut r = Rand { seed: [0; 4], buf: [0; 32], counter: 0, i: 0, n: 32 };
        for (i, s) in r.seed.iter_mut().enumerate() {
            for k in (0..8).rev() {
                *s = *s << 8 | seed[8 * i + k] as u64;
            }
        }
        r.seed[3] ^= stream;
        r.block();
        r
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        if self.i == self.n {
            self.counter += 4;
            if self.counter == 16 {
                self.seed.copy_from_slice(&self.buf[28..]);
                self.counter = 0;
            }
            self.block();
            self.i = 0;
            self.n = if self.counter == 12 { 28 } else { 32 };
        }
        self.i += 1;
        self.buf[self.i - 1]
    }

    /// A number from 0 to n-1, each equally likely; 0 for n = 0.
    pub fn below(&mut self, n: u64) -> u64 {
        let mut p = self.next() as u128 * n as u128;
        if (p as u64) < n {
            let least = n.wrapping_neg() % n;
            while (p as u64) < least {
                p = self.next() as u128 * n as u128;
            }
        }
        (p >> 64) as u64
    }

    // Four ChaCha8 blocks side by side: word k of block i is the i-th quarter of
    // row k of the buffer.
    fn block(&mut self) {
        let mut key = [0u32; 8];
        for (k, v) in key.iter_mut().enumerate() {
            *v = (self.seed[k / 2] >> (32 * (k & 1))) as u32;
        }
        for i in 0..4u32 {
            let mut x = [0u32; 16];
            x[..4].copy_from_slice(&[0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
            x[4..12].copy_from_slice(&key);
            x[12] = self.counter + i;
            for _ in 0..4 {
                for k in 0..4 {
                    quarter(&mut x, k, 4 + k, 8 + k, 12 + k);
                }
                for k in 0..4 {
                    quarter(&mut x, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
                }
            }
            for k in 0..8 {
                x[4 + k] = x[4 + k].wrapping_add(key[k]);
            }
            for (k, v) in x.iter().enumerate() {
                let at = &mut self.buf[2 * k + i as usize / 2];
                if i % 2 == 0 {
                    *at = *v as u64;
                } else {
                    *at |= (*v as u64) << 32;
                }
            }
        }
    }
}

fn quarter(x: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    for (a, b, d, n) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        x[a] = x[a].wrapping_add(x[b]);
        x[d] = (x[d] ^ x[a]).rotate_left(n);
    }
}
