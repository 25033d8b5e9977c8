/** One in Q32.32: the highest score and weight. */
export const ONE: u64 = 1 << 32;

// Bounds of the contract, as in package abi.
export const MAX_MESSAGE: i32 = 16 << 20;
export const MAX_PAYLOAD: i32 = 4 << 20;
export const MAX_PAYLOADS: i32 = 4096;
export const MAX_ROWS: i32 = 4096;
export const MAX_SCORES: i32 = 4096;
export const MAX_CARRY: i32 = 1024;
export const MAX_SLICES: i32 = 4096;
export const MAX_INPUTS: i32 = 64;
export const MAX_ARTIFACT: i32 = 1 << 20;
export const MAX_STATUS: i32 = 1024;

/** Asks for the task of one round. */
export class TaskRequest {
  /** The round's randomness, 32 bytes. */
  beta: Uint8Array = new Uint8Array(0);
  params: Uint8Array = new Uint8Array(0);
  /** Data slices opened for this round. */
  slices: Array<Uint8Array> = [];
  /** The subnet's shared artifact, empty when there is none. */
  artifact: Uint8Array = new Uint8Array(0);
  /** The block at which the round begins: the least height of an input. */
  height: u64 = 0;
  /** The greatest height that scoreAt may name. */
  last: u64 = 0;
}

/** A chain value that scoring needs: the value under key ("R", "price/7") after block height. */
export class Input {
  constructor(public height: u64, public key: string) {}
}

/** What a module draws for a round: public goes to the miners, private is kept. */
export class Task {
  inputs: Array<Input> = [];
  /** Height from which the inputs are known, 0 for at once. */
  scoreAt: u64 = 0;
  constructor(public publicPart: Uint8Array, public privatePart: Uint8Array) {}
}

/** Asks for the scores of a round; payloads stand in the order of their hashes. */
export class ScoreRequest {
  params: Uint8Array = new Uint8Array(0);
  publicPart: Uint8Array = new Uint8Array(0);
  privatePart: Uint8Array = new Uint8Array(0);
  inputs: Array<Uint8Array> = [];
  payloads: Array<Uint8Array> = [];
}

/** One miner, without its name. */
export class Row {
  constructor(public carry: Uint8Array, public scores: StaticArray<u64>) {}
}

/** Asks for the weights of an epoch. */
export class RankRequest {
  params: Uint8Array = new Uint8Array(0);
  rows: Array<Row> = [];
}

/** A weight of at most ONE, of which only proportions count, and what to remember. */
export class Rank {
  constructor(public weight: u64, public carry: Uint8Array) {}
}

/** Asks whether a payload is a well-formed answer worth paying for. */
export class CheckRequest {
  params: Uint8Array = new Uint8Array(0);
  publicPart: Uint8Array = new Uint8Array(0);
  payload: Uint8Array = new Uint8Array(0);
}

/** The reply to a CheckRequest; the reason has at most 256 bytes. */
export class Verdict {
  constructor(public ok: bool, public reason: string) {}
}

/** Asks a solver for an answer. */
export class SolveRequest {
  params: Uint8Array = new Uint8Array(0);
  publicPart: Uint8Array = new Uint8Array(0);
  seed: Uint8Array = new Uint8Array(0);
}

/** Asks for the subnet's next artifact, once for a validator's epoch. */
export class MergeRequest {
  params: Uint8Array = new Uint8Array(0);
  /** In force now, empty when there is none. */
  artifact: Uint8Array = new Uint8Array(0);
  /** Data slices to judge by. */
  slices: Array<Uint8Array> = [];
  /** The distinct answers of the epoch, in the order of their hashes. */
  payloads: Array<Uint8Array> = [];
}

/** Says in words what a subnet asks for. */
export class Description {
  constructor(public title: string, public task: string, public answer: string, public score: string) {}
}
