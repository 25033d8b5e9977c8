// Deterministic CBOR, narrowed as Plexus' package cbor says.

export class Reader {
  bad: bool = false;
  private at: i32 = 0;

  constructor(private b: Uint8Array) {}

  private head(major: u8): u64 {
    if (this.bad || this.at >= this.b.length || this.b[this.at] >> 5 != major) {
      this.bad = true;
      return 0;
    }
    const info = this.b[this.at++] & 31;
    if (info < 24) return info;
    if (info > 27 || this.b.length - this.at < 1 << (info - 24)) {
      this.bad = true;
      return 0;
    }
    let v: u64 = 0;
    for (let i = 1 << (info - 24); i > 0; i--) v = v << 8 | <u64>this.b[this.at++];
    const least: u64 = info == 24 ? 24 : <u64>1 << (4 << (info - 24));
    if (v < least) this.bad = true;
    return this.bad ? 0 : v;
  }

  uint(): u64 {
    return this.head(0);
  }

  count(most: i32): i32 {
    const n = this.head(4);
    if (n > <u64>most) this.bad = true;
    return this.bad ? 0 : <i32>n;
  }

  array(n: i32): void {
    if (this.count(n) != n) this.bad = true;
  }

  version(n: i32): void {
    this.array(n);
    if (this.uint() != 1) this.bad = true;
  }

  bytes(most: i32): Uint8Array {
    const n = this.head(2);
    if (this.bad || n > <u64>most || n > <u64>(this.b.length - this.at)) {
      this.bad = true;
      return new Uint8Array(0);
    }
    this.at += <i32>n;
    return this.b.subarray(this.at - <i32>n, this.at);
  }

  hash(): Uint8Array {
    const h = this.bytes(32);
    if (h.length != 32) this.bad = true;
    return h;
  }

  list(most: i32, size: i32): Array<Uint8Array> {
    const n = this.count(most);
    const l = new Array<Uint8Array>();
    for (let i = 0; i < n && !this.bad; i++) l.push(this.bytes(size));
    return l;
  }

  end(): bool {
    return !this.bad && this.at == this.b.length;
  }
}

export class Writer {
  private b: Uint8Array = new Uint8Array(256);
  private n: i32 = 0;

  /** Begins a message of n fields, the first of which is the version. */
  constructor(n: i32) {
    this.array(n);
    this.uint(1);
  }

  private more(n: i32): i32 {
    if (this.b.length - this.n < n) {
      const next = new Uint8Array((this.b.length + n) * 2);
      next.set(this.done());
      this.b = next;
    }
    this.n += n;
    return this.n - n;
  }

  private put(v: Uint8Array): void {
    const at = this.more(v.length);
    this.b.set(v, at);
  }

  private head(major: u8, v: u64): void {
    const size = v < 24 ? 0 : v <= 0xff ? 1 : v <= 0xffff ? 2 : v <= 0xffffffff ? 4 : 8;
    const info: u8 = size == 0 ? <u8>v : size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;
    const at = this.more(1 + size);
    this.b[at] = major << 5 | info;
    for (let i = size; i > 0; i--) {
      this.b[at + i] = <u8>v;
      v >>= 8;
    }
  }

  array(n: i32): void {
    this.head(4, n);
  }

  uint(v: u64): void {
    this.head(0, v);
  }

  bytes(v: Uint8Array): void {
    this.head(2, v.length);
    this.put(v);
  }

  text(s: string): void {
    const v = Uint8Array.wrap(String.UTF8.encode(s));
    this.head(3, v.length);
    this.put(v);
  }

  bool(v: bool): void {
    const at = this.more(1); // before the buffer is named: more may replace it
    this.b[at] = v ? 0xf5 : 0xf4;
  }

  done(): Uint8Array {
    return this.b.subarray(0, this.n);
  }
}

/** Whether b is UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
export function isUTF8(b: Uint8Array): bool {
  for (let i = 0; i < b.length; ) {
    const c = b[i++];
    if (c < 0x80) continue;
    let rest = c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
    if (rest == 0 || b.length - i < rest) return false;
    let low: u8 = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    let high: u8 = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    for (; rest > 0; rest--, i++) {
      if (b[i] < low || b[i] > high) return false;
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}
