//! The workloads of ../go/main.go in Rust.
#![no_std]
extern crate plexus;

const FNV_BYTES: usize = 1 << 16;
const FNV_ROUNDS: usize = 8;
const WORD: usize = 256;
const LEV_ROUNDS: usize = 2;
const ORDER: usize = 64;
const SIEVE_BYTES: usize = 1 << 17;
const FIB_OF: u32 = 25;
const TEXTS: usize = 3;
const TEXT_BYTES: usize = 4096;
const BUCKETS: usize = 4096;

/// All that the workloads write to. A module has one thread.
struct Room {
    alloc: [u8; 1 << 16],
    bytes: [u8; SIEVE_BYTES],
    a: [f64; ORDER * ORDER],
    b: [f64; ORDER * ORDER],
    c: [f64; ORDER * ORDER],
    rows: [[u32; WORD + 1]; 2],
    grams: [[u32; BUCKETS]; 2],
    state: u64,
}

static mut ROOM: Room = Room {
    alloc: [0; 1 << 16],
    bytes: [0; SIEVE_BYTES],
    a: [0.0; ORDER * ORDER],
    b: [0.0; ORDER * ORDER],
    c: [0.0; ORDER * ORDER],
    rows: [[0; WORD + 1]; 2],
    grams: [[0; BUCKETS]; 2],
    state: 0,
};

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn fill(to: &mut [u8], state: &mut u64) {
    for v in to {
        *v = b'a' + (next(state) % 26) as u8;
    }
}

fn fnv(r: &mut Room) -> u64 {
    fill(&mut r.bytes[..FNV_BYTES], &mut r.state);
    let mut h = 14695981039346656037u64;
    for _ in 0..FNV_ROUNDS {
        for v in &r.bytes[..FNV_BYTES] {
            h = (h ^ *v as u64).wrapping_mul(1099511628211);
        }
    }
    h
}

fn distance(rows: &mut [[u32; WORD + 1]; 2], x: &[u8], y: &[u8]) -> u32 {
    let (one, two) = rows.split_at_mut(1);
    let (mut prev, mut row) = (&mut one[0], &mut two[0]);
    for (j, v) in prev.iter_mut().enumerate() {
        *v = j as u32;
    }
    for i in 0..WORD {
        row[0] = i as u32 + 1;
        for j in 0..WORD {
            let d = prev[j] + (x[i] != y[j]) as u32;
            row[j + 1] = d.min(prev[j + 1] + 1).min(row[j] + 1);
        }
        core::mem::swap(&mut prev, &mut row);
    }
    prev[WORD]
}

fn lev(r: &mut Room) -> u64 {
    let mut sum = 0u64;
    for _ in 0..LEV_ROUNDS {
        fill(&mut r.bytes[..2 * WORD], &mut r.state);
        let d = distance(&mut r.rows, &r.bytes[..WORD], &r.bytes[WORD..2 * WORD]);
        sum = sum.wrapping_mul(31).wrapping_add(d as u64);
    }
    sum
}

fn matmul(r: &mut Room) -> u64 {
    for i in 0..ORDER * ORDER {
        r.a[i] = (next(&mut r.state) % 1000) as f64 / 7.0;
        r.b[i] = (next(&mut r.state) % 1000) as f64 / 11.0;
    }
    let mut trace = 0.0;
    for _ in 0..2 {
        for i in 0..ORDER {
            for j in 0..ORDER {
                let mut s = 0.0;
                for k in 0..ORDER {
                    s += r.a[i * ORDER + k] * r.b[k * ORDER + j];
                }
                r.c[i * ORDER + j] = s;
            }
            trace += r.c[i * ORDER + i];
        }
    }
    f64::to_bits(trace)
}

fn sieve(r: &mut Room) -> u64 {
    let mut primes = 0;
    for v in r.bytes.iter_mut() {
        *v = 1;
    }
    for i in 2..SIEVE_BYTES {
        if r.bytes[i] == 0 {
            continue;
        }
        primes += 1;
        let mut j = 2 * i;
        while j < SIEVE_BYTES {
            r.bytes[j] = 0;
            j += i;
        }
    }
    primes
}

#[inline(never)]
fn fib(n: u32) -> u32 {
    if n < 2 {
        return n;
    }
    fib(n - 1) + fib(n - 2)
}

fn count(text: &[u8], to: &mut [u32; BUCKETS]) {
    for v in to.iter_mut() {
        *v = 0;
    }
    for i in 0..TEXT_BYTES - 2 {
        let g = text[i] as usize * 26 * 26 + text[i + 1] as usize * 26 + text[i + 2] as usize;
        to[g % BUCKETS] += 1;
    }
}

fn score(r: &mut Room) -> u64 {
    fill(&mut r.bytes[..TEXTS * TEXT_BYTES], &mut r.state);
    count(&r.bytes[..TEXT_BYTES], &mut r.grams[0]);
    let mut sum = 0u64;
    for t in 0..TEXTS {
        let text = &r.bytes[t * TEXT_BYTES..(t + 1) * TEXT_BYTES];
        count(text, &mut r.grams[1]);
        let (mut dot, mut x, mut y) = (0.0, 0.0, 0.0);
        for i in 0..BUCKETS {
            let (p, q) = (r.grams[0][i] as f64, r.grams[1][i] as f64);
            dot += p * q;
            x += p * p;
            y += q * q;
        }
        let cosine: f64 = dot * dot / (x * y);
        let near = 1.0 - distance(&mut r.rows, &r.bytes[..WORD], &text[..WORD]) as f64 / WORD as f64;
        sum = sum.wrapping_mul(31).wrapping_add((cosine * near).to_bits());
    }
    sum
}

#[no_mangle]
pub extern "C" fn plexus_abi_v1() {}

#[no_mangle]
pub extern "C" fn plexus_alloc(_n: u32) -> u32 {
    unsafe { ROOM.alloc.as_ptr() as u32 }
}

#[no_mangle]
pub extern "C" fn plexus_call(op: u32, _ptr: u32, _n: u32) -> u64 {
    let r = unsafe { &mut ROOM };
    r.state = 88172645463325252;
    match op {
        0 => fnv(r),
        1 => lev(r),
        2 => matmul(r),
        3 => sieve(r),
        4 => fib(FIB_OF) as u64,
        5 => score(r),
        _ => 0,
    }
}
