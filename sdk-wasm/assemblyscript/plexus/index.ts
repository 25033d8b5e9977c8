// Plexus SDK for AssemblyScript: write a subnet's module.
//
//   import { Module, register } from "plexus-sdk";
//   export { plexus_abi_v1, plexus_alloc, plexus_call } from "plexus-sdk";
//
//   class Spell extends Module { /* task, score, rank */ }
//   register(new Spell());
//
// An operation returns refuse("why") when the host's data is not what it can work
// with. It must never refuse, nor trap, for what a miner answered: a bad answer
// scores 0. A module is pure: its reply depends only on its input. Use integers.
// Numbers "in Q32.32" are fixed point with 32 binary digits behind the point, so
// that ONE is one.
export * from "./messages";
export * from "./maths";
export * from "./random";
export * from "./operation";
