//! Deterministic CBOR, narrowed as Plexus' package cbor says.
use crate::{list, Bytes};

pub struct Reader {
    b: Bytes,
    pub bad: bool,
}

impl Reader {
    pub fn new(b: Bytes) -> Reader {
        Reader { b, bad: false }
    }

    fn take(&mut self, n: usize) -> Bytes {
        if self.bad || n > self.b.len() {
            self.bad = true;
            return &[];
        }
        let (a, b) = self.b.split_at(n);
        self.b = b;
        a
    }

    fn head(&mut self, major: u8) -> u64 {
        let first = match self.take(1) {
            [c] if c >> 5 == major => c & 31,
            _ => {
                self.bad = true;
                return 0;
            }
        };
        if first < 24 {
            return first as u64;
        }
        if first > 27 {
            self.bad = true;
            return 0;
        }
        let mut v = 0u64;
        for c in self.take(1 << (first - 24)) {
            v = v << 8 | *c as u64;
        }
        if v < [24, 1 << 8, 1 << 16, 1 << 32][first as usize - 24] {
            self.bad = true;
        }
        if self.bad {
            0
        } else {
            v
        }
    }

    pub fn uint(&mut self) -> u64 {
        self.head(0)
    }

    pub fn count(&mut self, most: usize) -> usize {
        let n = self.head(4);
        if n > most as u64 {
            self.bad = true;
        }
        if self.bad {
            0
        } else {
            n as usize
        }
    }

    pub fn array(&mut self, n: usize) {
        if self.count(n) != n {
            self.bad = true;
        }
    }

    pub fn version(&mut self, n: usize) {
        self.array(n);
        if self.uint() != 1 {
            self.bad = true;
        }
    }

    pub fn bytes(&mut self, most: usize) -> Bytes {
        let n = self.head(2);
        if n > most as u64 {
            self.bad = true;
            return &[];
        }
        self.take(n as usize)
    }

    pub fn hash(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        let b = self.bytes(32);
        if b.len() == 32 {
            out.copy_from_slice(b);
        } else {
            self.bad = true;
        }
        out
    }

    pub fn list(&mut self, most: usize, size: usize) -> &'static [Bytes] {
        let n = self.count(most);
        let l = list::<Bytes>(n, &[]);
        for v in l.iter_mut() {
            *v = self.bytes(size);
        }
        l
    }

    pub fn end(&self) -> bool {
        !self.bad && self.b.is_empty()
    }
}

/// Appends to memory that grows.
pub struct Writer {
    b: &'static mut [u8],
    n: usize,
}

impl Writer {
    /// A message of n fields, the first of which is the version.
    pub fn message(n: usize) -> Writer {
        let mut w = Writer { b: list(256, 0), n: 0 };
        w.array(n);
        w.uint(1);
        w
    }

    fn more(&mut self, n: usize) -> &mut [u8] {
        if self.b.len() - self.n < n {
            let next = list((self.b.len() + n) * 2, 0);
            next[..self.n].copy_from_slice(&self.b[..self.n]);
            self.b = next;
        }
        self.n += n;
        &mut self.b[self.n - n..self.n]
    }

    fn head(&mut self, major: u8, v: u64) {
        let (info, size) = match v {
            0..=23 => (v as u8, 0),
            24..=0xff => (24, 1),
            0x100..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        let at = self.more(1 + size);
        at[0] = major << 5 | info;
        at[1..].copy_from_slice(&v.to_be_bytes()[8 - size..]);
    }

    pub fn array(&mut self, n: usize) {
        self.head(4, n as u64)
    }

    pub fn uint(&mut self, v: u64) {
        self.head(0, v)
    }

    pub fn bytes(&mut self, b: &[u8]) {
        self.head(2, b.len() as u64);
        self.more(b.len()).copy_from_slice(b);
    }

    pub fn text(&mut self, s: &str) {
        self.head(3, s.len() as u64);
        self.more(s.len()).copy_from_slice(s.as_bytes());
    }

    pub fn bool(&mut self, v: bool) {
        self.more(1)[0] = if v { 0xf5 } else { 0xf4 };
    }

    pub fn done(self) -> Bytes {
        let Writer { b, n } = self;
        &b[..n]
    }
}
