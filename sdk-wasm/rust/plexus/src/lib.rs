//! Plexus SDK for Rust: write a subnet's module with core alone, no crates.
//!
//! Implement [`Module`] for a type and export it:
//!
//! ```ignore
//! #![cfg_attr(target_arch = "wasm32", no_std)]
//! use plexus::*;
//! struct Spell;
//! impl Module for Spell { /* task, score, rank */ }
//! plexus::export!(Spell);
//! ```
//!
//! Memory comes from [`list`] and is never freed, because every call begins in a
//! fresh instance. An operation returns `Err(Refusal::Refused("why"))` when the
//! host's data is not what it can work with. It must never refuse, nor panic, for
//! what a miner answered: a bad answer scores 0.
//!
//! A module is pure: its reply depends only on its input. Use integers. Numbers
//! "in Q32.32" are fixed point with 32 binary digits behind the point, so that
//! [`ONE`] is one.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod codec;
mod maths;
mod memory;
mod operation;
mod random;

pub use maths::*;
pub use memory::{list, log, text_of};
pub use operation::{call, serve};
pub use random::Rand;

/// One in Q32.32: the highest score and weight.
pub const ONE: u64 = 1 << 32;

/// Bounds of the contract, as in package abi.
pub const MAX_MESSAGE: usize = 16 << 20;
pub const MAX_PAYLOAD: usize = 4 << 20;
pub const MAX_PAYLOADS: usize = 4096;
pub const MAX_ROWS: usize = 4096;
pub const MAX_SCORES: usize = 4096;
pub const MAX_CARRY: usize = 1024;
pub const MAX_SLICES: usize = 4096;
pub const MAX_INPUTS: usize = 64;
pub const MAX_ARTIFACT: usize = 1 << 20;
pub const MAX_STATUS: usize = 1024;

/// Bytes of a message; they live until the call ends.
pub type Bytes = &'static [u8];

/// Asks for the task of one round.
pub struct TaskRequest {
    /// The round's randomness.
    pub beta: [u8; 32],
    /// The subnet's parameters.
    pub params: Bytes,
    /// Data slices opened for this round.
    pub slices: &'static [Bytes],
    /// The subnet's shared artifact, empty when there is none.
    pub artifact: Bytes,
    /// The block at which the round begins: the least height of an input.
    pub height: u64,
    /// The greatest height that score_at may name.
    pub last: u64,
}

/// A chain value that scoring needs: the value under key ("R", "price/7") after
/// block height.
#[derive(Clone, Copy)]
pub struct Input {
    pub height: u64,
    pub key: &'static str,
}

/// What a module draws for a round.
pub struct Task {
    /// Sent to the miners.
    pub public: Bytes,
    /// Kept by the validator until the evidence appears.
    pub private: Bytes,
    pub inputs: &'static [Input],
    /// Height from which the inputs are known, at most the request's last; 0 for at once.
    pub score_at: u64,
}

/// Asks for the scores of a round; payloads stand in the order of their hashes.
pub struct ScoreRequest {
    pub params: Bytes,
    pub public: Bytes,
    pub private: Bytes,
    pub inputs: &'static [Bytes],
    pub payloads: &'static [Bytes],
}

/// One miner, without its name.
#[derive(Clone, Copy)]
pub struct Row {
    pub carry: Bytes,
    pub scores: &'static [u64],
}

/// Asks for the weights of an epoch.
pub struct RankRequest {
    pub params: Bytes,
    pub rows: &'static [Row],
}

/// A judgement of one row: a weight of at most [`ONE`], of which only the
/// proportions count, and what to remember of the miner.
#[derive(Clone, Copy)]
pub struct Rank {
    pub weight: u64,
    pub carry: Bytes,
}

/// Asks whether a payload is a well-formed answer worth paying for.
pub struct CheckRequest {
    pub params: Bytes,
    pub public: Bytes,
    pub payload: Bytes,
}

/// The reply to a [`CheckRequest`].
pub struct Verdict {
    pub ok: bool,
    /// Why not, at most 256 bytes.
    pub reason: &'static str,
}

/// Asks a solver for an answer.
pub struct SolveRequest {
    pub params: Bytes,
    pub public: Bytes,
    pub seed: [u8; 32],
}

/// Asks for the subnet's next artifact, once for a validator's epoch.
pub struct MergeRequest {
    pub params: Bytes,
    /// In force now, empty when there is none.
    pub artifact: Bytes,
    /// Data slices to judge by.
    pub slices: &'static [Bytes],
    /// The distinct answers of the epoch, in the order of their hashes.
    pub payloads: &'static [Bytes],
}

/// Says in words what a subnet asks for.
pub struct Description {
    pub title: &'static str,
    pub task: &'static str,
    pub answer: &'static str,
    pub score: &'static str,
}

/// Why an operation has no result.
pub enum Refusal {
    /// The host's data is not what the module can work with.
    Refused(&'static str),
    /// The module has no such operation; the manifest must not name it.
    Unsupported,
}

/// The operations of a module. Those left out are refused.
pub trait Module {
    fn describe() -> Result<Description, Refusal> {
        Err(Refusal::Unsupported)
    }
    fn task(_: &TaskRequest) -> Result<Task, Refusal> {
        Err(Refusal::Unsupported)
    }
    /// One score per payload, each at most [`ONE`].
    fn score(_: &ScoreRequest) -> Result<&'static [u64], Refusal> {
        Err(Refusal::Unsupported)
    }
    /// One rank per row.
    fn rank(_: &RankRequest) -> Result<&'static [Rank], Refusal> {
        Err(Refusal::Unsupported)
    }
    fn check(_: &CheckRequest) -> Result<Verdict, Refusal> {
        Err(Refusal::Unsupported)
    }
    fn solve(_: &SolveRequest) -> Result<Bytes, Refusal> {
        Err(Refusal::Unsupported)
    }
    fn render(_: Bytes) -> Result<&'static str, Refusal> {
        Err(Refusal::Unsupported)
    }
    fn parse(_: &'static str) -> Result<Bytes, Refusal> {
        Err(Refusal::Unsupported)
    }
    /// The next artifact, at most [`MAX_ARTIFACT`] bytes; empty leaves what is in force.
    fn merge(_: &MergeRequest) -> Result<Bytes, Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// Makes the exports of a module.
#[macro_export]
macro_rules! export {
    ($module:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[no_mangle]
        pub extern "C" fn plexus_abi_v1() {}

        #[cfg(target_arch = "wasm32")]
        #[no_mangle]
        pub extern "C" fn plexus_call(op: u32, p: u32, n: u32) -> u64 {
            $crate::serve::<$module>(op, p, n)
        }
    };
}
