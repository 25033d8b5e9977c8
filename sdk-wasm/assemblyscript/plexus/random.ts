import { mulHigh } from "./maths";

/**
 * A deterministic generator: chacha8rand over the seed whose last 8 bytes are
 * XORed with the stream. The same numbers come in every language.
 */
export class Rand {
  private seed: StaticArray<u64> = new StaticArray<u64>(4);
  private buf: StaticArray<u64> = new StaticArray<u64>(32);
  private counter: u32 = 0;
  private i: i32 = 0;
  private n: i32 = 32;

  /** The generator of one stream of a seed of 32 bytes, usually a round's beta. */
  constructor(seed: Uint8Array, stream: u64) {
    for (let i = 0; i < 4; i++) {
      let v: u64 = 0;
      for (let k = 7; k >= 0; k--) v = v << 8 | <u64>seed[8 * i + k];
      this.seed[i] = v;
    }
    this.seed[3] ^= stream;
    this.block();
  }

  /** The next 64 bits. */
  next(): u64 {
    if (this.i == this.n) {
      this.counter += 4;
      if (this.counter == 16) {
        for (let k = 0; k < 4; k++) this.seed[k] = this.buf[28 + k];
        this.counter = 0;
      }
      this.block();
      this.i = 0;
      this.n = this.counter == 12 ? 28 : 32;
    }
    return this.buf[this.i++];
  }

  /** A number from 0 to n-1, each equally likely; 0 for n = 0. */
  below(n: u64): u64 {
    let x = this.next();
    if (n == 0) return 0;
    if (x * n < n) {
      const least = (0 - n) % n;
      while (x * n < least) x = this.next();
    }
    return mulHigh(x, n);
  }

  // Four ChaCha8 blocks side by side: word k of block i is the i-th quarter of
  // row k of the buffer.
  private block(): void {
    const key = new StaticArray<u32>(8);
    for (let k = 0; k < 8; k++) key[k] = <u32>(this.seed[k >> 1] >> (32 * (k & 1)));
    const x = new StaticArray<u32>(16);
    for (let i = 0; i < 4; i++) {
      x[0] = 0x61707865;
      x[1] = 0x3320646e;
      x[2] = 0x79622d32;
      x[3] = 0x6b206574;
      for (let k = 0; k < 8; k++) x[4 + k] = key[k];
      x[12] = this.counter + <u32>i;
      x[13] = x[14] = x[15] = 0;
      for (let round = 0; round < 4; round++) {
        for (let k = 0; k < 4; k++) quarter(x, k, 4 + k, 8 + k, 12 + k);
        for (let k = 0; k < 4; k++) quarter(x, k, 4 + ((k + 1) & 3), 8 + ((k + 2) & 3), 12 + ((k + 3) & 3));
      }
      for (let k = 0; k < 8; k++) x[4 + k] += key[k];
      for (let k = 0; k < 16; k++) {
        const at = 2 * k + (i >> 1);
        if ((i & 1) == 0) this.buf[at] = x[k];
        else this.buf[at] |= <u64>x[k] << 32;
      }
    }
  }
}

function quarter(x: StaticArray<u32>, a: i32, b: i32, c: i32, d: i32): void {
  x[a] += x[b];
  x[d] = rotl<u32>(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = rotl<u32>(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = rotl<u32>(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = rotl<u32>(x[b] ^ x[c], 7);
}
