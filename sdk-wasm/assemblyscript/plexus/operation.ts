import { Reader, Writer, isUTF8 } from "./codec";
import {
  CheckRequest, Description, MAX_ARTIFACT, MAX_CARRY, MAX_INPUTS, MAX_MESSAGE, MAX_PAYLOAD, MAX_PAYLOADS, MAX_ROWS, MAX_SCORES,
  MAX_SLICES, MAX_STATUS, MergeRequest, ONE, Rank, RankRequest, Row, ScoreRequest, SolveRequest, Task, TaskRequest, Verdict,
} from "./messages";

const REFUSED: u8 = 1;
const INPUT: u8 = 2;
const UNSUPPORTED: u8 = 3;
const REPLY: u8 = 4;

// What the running call ends with, if not with success.
let status: u8 = 0;
let why: string = "";

/** Ends an operation with an explanation: `refuse("no slices"); return null;` */
export function refuse(reason: string): void {
  fail(REFUSED, reason);
}

function fail(s: u8, reason: string): Uint8Array {
  status = s;
  why = reason;
  return new Uint8Array(0);
}

function badInput(): Uint8Array {
  return fail(INPUT, "input is not the operation's message");
}

function badReply(): Uint8Array {
  return fail(REPLY, "reply breaks the contract");
}

function unsupported(): void {
  fail(UNSUPPORTED, "the module has no such operation");
}

/** The operations of a module. Those left out are refused. */
export class Module {
  describe(): Description | null { unsupported(); return null; }
  task(r: TaskRequest): Task | null { unsupported(); return null; }
  /** One score per payload, each at most ONE. */
  score(r: ScoreRequest): StaticArray<u64> | null { unsupported(); return null; }
  /** One rank per row. */
  rank(r: RankRequest): Array<Rank> | null { unsupported(); return null; }
  check(r: CheckRequest): Verdict | null { unsupported(); return null; }
  solve(r: SolveRequest): Uint8Array | null { unsupported(); return null; }
  render(payload: Uint8Array): string | null { unsupported(); return null; }
  parse(text: string): Uint8Array | null { unsupported(); return null; }
  /** The next artifact, at most MAX_ARTIFACT bytes; empty leaves what is in force. */
  merge(r: MergeRequest): Uint8Array | null { unsupported(); return null; }
}

let module: Module = new Module();

/** Names the program's module. Call it once, at the top level. */
export function register(m: Module): void {
  module = m;
}

let given: ArrayBuffer = new ArrayBuffer(0);
let reply: Uint8Array = new Uint8Array(0);

export function plexus_abi_v1(): void {}

export function plexus_alloc(n: u32): usize {
  given = new ArrayBuffer(max(<i32>n, 1));
  return changetype<usize>(given);
}

export function plexus_call(op: u32, p: usize, n: u32): u64 {
  status = 0;
  why = "";
  let body: Uint8Array;
  if (p != changetype<usize>(given) || n > <u32>given.byteLength) body = fail(INPUT, "input is not where plexus_alloc put it");
  else body = call(op, Uint8Array.wrap(given, 0, n));
  if (status != 0) {
    body = Uint8Array.wrap(String.UTF8.encode(why));
    if (body.length > MAX_STATUS) body = body.subarray(0, MAX_STATUS);
  }
  reply = new Uint8Array(4 + body.length);
  reply[0] = status;
  reply.set(body, 4);
  return <u64>reply.dataStart << 32 | <u64>reply.length;
}

/** Runs an operation as the sandbox does, for tests. */
export function call(op: u32, input: Uint8Array): Uint8Array {
  switch (op) {
    case 1: return describe(input);
    case 2: return task(input);
    case 3: return score(input);
    case 4: return rank(input);
    case 5: return check(input);
    case 6: return solve(input);
    case 7: {
      if (input.length > MAX_PAYLOAD) return badInput();
      const s = module.render(input);
      return s === null ? input : Uint8Array.wrap(String.UTF8.encode(s));
    }
    case 8: {
      if (input.length > MAX_PAYLOAD || !isUTF8(input)) return badInput();
      return payload(module.parse(String.UTF8.decodeUnsafe(input.dataStart, input.length)));
    }
    case 9: return merge(input);
  }
  unsupported();
  return input;
}

function payload(b: Uint8Array | null): Uint8Array {
  if (b === null) return new Uint8Array(0);
  return b.length > MAX_PAYLOAD ? badReply() : b;
}

function describe(input: Uint8Array): Uint8Array {
  if (input.length > 0) return badInput();
  const d = module.describe();
  if (d === null) return input;
  const w = new Writer(5);
  const texts = [d.title, d.task, d.answer, d.score];
  for (let i = 0; i < texts.length; i++) {
    if (String.UTF8.byteLength(texts[i]) > 4096) return badReply();
    w.text(texts[i]);
  }
  return w.done();
}

function task(input: Uint8Array): Uint8Array {
  const r = new Reader(input);
  const request = new TaskRequest();
  r.version(7);
  request.beta = r.hash();
  request.params = r.bytes(MAX_MESSAGE);
  request.slices = r.list(MAX_SLICES, MAX_PAYLOAD);
  request.artifact = r.bytes(MAX_ARTIFACT);
  request.height = r.uint();
  request.last = r.uint();
  if (!r.end()) return badInput();
  const t = module.task(request);
  if (t === null) return input;
  if (t.publicPart.length > MAX_PAYLOAD || t.privatePart.length > MAX_MESSAGE || t.inputs.length > MAX_INPUTS) return badReply();
  const w = new Writer(5);
  w.bytes(t.publicPart);
  w.bytes(t.privatePart);
  w.array(t.inputs.length);
  for (let i = 0; i < t.inputs.length; i++) {
    if (String.UTF8.byteLength(t.inputs[i].key) > 64) return badReply();
    w.array(2);
    w.uint(t.inputs[i].height);
    w.text(t.inputs[i].key);
  }
  w.uint(t.scoreAt);
  return w.done();
}

function score(input: Uint8Array): Uint8Array {
  const r = new Reader(input);
  const request = new ScoreRequest();
  r.version(6);
  request.params = r.bytes(MAX_MESSAGE);
  request.publicPart = r.bytes(MAX_PAYLOAD);
  request.privatePart = r.bytes(MAX_MESSAGE);
  request.inputs = r.list(MAX_INPUTS, 1024);
  request.payloads = r.list(MAX_PAYLOADS, MAX_PAYLOAD);
  if (!r.end()) return badInput();
  const scores = module.score(request);
  if (scores === null) return input;
  if (scores.length != request.payloads.length) return badReply();
  const w = new Writer(2);
  w.array(scores.length);
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] > ONE) return badReply();
    w.uint(scores[i]);
  }
  return w.done();
}

function rank(input: Uint8Array): Uint8Array {
  const r = new Reader(input);
  const request = new RankRequest();
  r.version(3);
  request.params = r.bytes(MAX_MESSAGE);
  const n = r.count(MAX_ROWS);
  for (let i = 0; i < n && !r.bad; i++) {
    r.array(2);
    const carry = r.bytes(MAX_CARRY);
    const scores = new StaticArray<u64>(r.count(MAX_SCORES));
    for (let j = 0; j < scores.length; j++) {
      scores[j] = r.uint();
      if (scores[j] > ONE) r.bad = true;
    }
    request.rows.push(new Row(carry, scores));
  }
  if (!r.end()) return badInput();
  const ranks = module.rank(request);
  if (ranks === null) return input;
  if (ranks.length != request.rows.length) return badReply();
  const w = new Writer(2);
  w.array(ranks.length);
  for (let i = 0; i < ranks.length; i++) {
    if (ranks[i].weight > ONE || ranks[i].carry.length > MAX_CARRY) return badReply();
    w.array(2);
    w.uint(ranks[i].weight);
    w.bytes(ranks[i].carry);
  }
  return w.done();
}

function check(input: Uint8Array): Uint8Array {
  const r = new Reader(input);
  const request = new CheckRequest();
  r.version(4);
  request.params = r.bytes(MAX_MESSAGE);
  request.publicPart = r.bytes(MAX_PAYLOAD);
  request.payload = r.bytes(MAX_PAYLOAD);
  if (!r.end()) return badInput();
  const v = module.check(request);
  if (v === null) return input;
  if (String.UTF8.byteLength(v.reason) > 256) return badReply();
  const w = new Writer(3);
  w.bool(v.ok);
  w.text(v.reason);
  return w.done();
}

function solve(input: Uint8Array): Uint8Array {
  const r = new Reader(input);
  const request = new SolveRequest();
  r.version(4);
  request.params = r.bytes(MAX_MESSAGE);
  request.publicPart = r.bytes(MAX_PAYLOAD);
  request.seed = r.hash();
  if (!r.end()) return badInput();
  return payload(module.solve(request));
}

function merge(input: Uint8Array): Uint8Array {
  const r = new Reader(input);
  const request = new MergeRequest();
  r.version(5);
  request.params = r.bytes(MAX_MESSAGE);
  request.artifact = r.bytes(MAX_ARTIFACT);
  request.slices = r.list(MAX_SLICES, MAX_PAYLOAD);
  request.payloads = r.list(MAX_PAYLOADS, MAX_PAYLOAD);
  if (!r.end()) return badInput();
  const artifact = module.merge(request);
  if (artifact === null) return input;
  if (artifact.length > MAX_ARTIFACT) return badReply();
  const w = new Writer(2);
  w.bytes(artifact);
  return w.done();
}

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: u32, list: usize, count: u32, written: usize): u32;

/** A line for the author's eyes. The host keeps the first few kilobytes of a call. */
export function log(line: string): void {
  const text = String.UTF8.encode(line + "\n");
  const list = new StaticArray<u32>(3);
  list[0] = <u32>changetype<usize>(text);
  list[1] = <u32>text.byteLength;
  fd_write(2, changetype<usize>(list), 1, changetype<usize>(list) + 8);
}
