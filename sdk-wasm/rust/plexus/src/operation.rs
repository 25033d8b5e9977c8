use crate::codec::{Reader, Writer};
use crate::*;

const REFUSED: u32 = 1;
const INPUT: u32 = 2;
const UNSUPPORTED: u32 = 3;
const REPLY: u32 = 4;

type Reply = Result<Bytes, (u32, &'static str)>;

const BAD_INPUT: (u32, &str) = (INPUT, "input is not the operation's message");
const BAD_REPLY: (u32, &str) = (REPLY, "reply breaks the contract");
const NO_OPERATION: (u32, &str) = (UNSUPPORTED, "the module has no such operation");

impl From<Refusal> for (u32, &'static str) {
    fn from(r: Refusal) -> (u32, &'static str) {
        match r {
            Refusal::Refused(why) => (REFUSED, cut(why, MAX_STATUS)),
            Refusal::Unsupported => NO_OPERATION,
        }
    }
}

/// At most n bytes of a text, cut between characters.
fn cut(s: &'static str, n: usize) -> &'static str {
    let mut n = n.min(s.len());
    while !s.is_char_boundary(n) {
        n -= 1;
    }
    &s[..n]
}

/// Runs an operation as the sandbox does, for tests on the author's machine:
/// the body, or a status and its explanation.
pub fn call<M: Module>(op: u32, input: Bytes) -> Result<Bytes, (u32, &'static str)> {
    match op {
        1 => describe::<M>(input),
        2 => task::<M>(input),
        3 => score::<M>(input),
        4 => rank::<M>(input),
        5 => check::<M>(input),
        6 => solve::<M>(input),
        7 if input.len() > MAX_PAYLOAD => Err(BAD_INPUT),
        7 => Ok(M::render(input)?.as_bytes()),
        8 => {
            if input.len() > MAX_PAYLOAD {
                return Err(BAD_INPUT);
            }
            payload(M::parse(text_of(input).ok_or(BAD_INPUT)?)?)
        }
        9 => merge::<M>(input),
        _ => Err(NO_OPERATION),
    }
}

/// Runs the call of an export and returns where its envelope lies.
#[cfg(target_arch = "wasm32")]
pub fn serve<M: Module>(op: u32, p: u32, n: u32) -> u64 {
    let reply = match memory::wasm::input(p, n) {
        Some(input) => call::<M>(op, input),
        None => Err((INPUT, "input is not where plexus_alloc put it")),
    };
    let (status, body) = match reply {
        Ok(body) => (0, body),
        Err((status, why)) => (status, why.as_bytes()),
    };
    let out = list(4 + body.len(), 0u8);
    out[0] = status as u8;
    out[4..].copy_from_slice(body);
    (out.as_ptr() as u64) << 32 | out.len() as u64
}

#[cfg(not(target_arch = "wasm32"))]
pub fn serve<M: Module>(_: u32, _: u32, _: u32) -> u64 {
    unimplemented!("only a Wasm build has exports: see call")
}

fn payload(b: Bytes) -> Reply {
    if b.len() > MAX_PAYLOAD {
        return Err(BAD_REPLY);
    }
    Ok(b)
}

fn describe<M: Module>(input: Bytes) -> Reply {
    if !input.is_empty() {
        return Err(BAD_INPUT);
    }
    let d = M::describe()?;
    let mut w = Writer::message(5);
    for s in [d.title, d.task, d.answer, d.score] {
        if s.len() > 4096 {
            return Err(BAD_REPLY);
        }
        w.text(s);
    }
    Ok(w.done())
}

fn task<M: Module>(input: Bytes) -> Reply {
    let mut r = Reader::new(input);
    r.version(7);
    let request = TaskRequest {
        beta: r.hash(),
        params: r.bytes(MAX_MESSAGE),
        slices: r.list(MAX_SLICES, MAX_PAYLOAD),
        artifact: r.bytes(MAX_ARTIFACT),
        height: r.uint(),
        last: r.uint(),
    };
    if !r.end() {
        return Err(BAD_INPUT);
    }
    let t = M::task(&request)?;
    if t.public.len() > MAX_PAYLOAD || t.private.len() > MAX_MESSAGE || t.inputs.len() > MAX_INPUTS {
        return Err(BAD_REPLY);
    }
    let mut w = Writer::message(5);
    w.bytes(t.public);
    w.bytes(t.private);
    w.array(t.inputs.len());
    for input in t.inputs {
        if input.key.len() > 64 {
            return Err(BAD_REPLY);
        }
        w.array(2);
        w.uint(input.height);
        w.text(input.key);
    }
    w.uint(t.score_at);
    Ok(w.done())
}

fn score<M: Module>(input: Bytes) -> Reply {
    let mut r = Reader::new(input);
    r.version(6);
    let request = ScoreRequest {
        params: r.bytes(MAX_MESSAGE),
        public: r.bytes(MAX_PAYLOAD),
        private: r.bytes(MAX_MESSAGE),
        inputs: r.list(MAX_INPUTS, 1024),
        payloads: r.list(MAX_PAYLOADS, MAX_PAYLOAD),
    };
    if !r.end() {
        return Err(BAD_INPUT);
    }
    let scores = M::score(&request)?;
    if scores.len() != request.payloads.len() {
        return Err(BAD_REPLY);
    }
    let mut w = Writer::message(2);
    w.array(scores.len());
    for s in scores {
        if *s > ONE {
            return Err(BAD_REPLY);
        }
        w.uint(*s);
    }
    Ok(w.done())
}

fn rank<M: Module>(input: Bytes) -> Reply {
    let mut r = Reader::new(input);
    r.version(3);
    let params = r.bytes(MAX_MESSAGE);
    let rows = list(r.count(MAX_ROWS), Row { carry: &[], scores: &[] });
    for row in rows.iter_mut() {
        r.array(2);
        row.carry = r.bytes(MAX_CARRY);
        let scores = list(r.count(MAX_SCORES), 0);
        for s in scores.iter_mut() {
            *s = r.uint();
            r.bad |= *s > ONE;
        }
        row.scores = scores;
        if r.bad {
            break;
        }
    }
    if !r.end() {
        return Err(BAD_INPUT);
    }
    let request = RankRequest { params, rows };
    let ranks = M::rank(&request)?;
    if ranks.len() != request.rows.len() {
        return Err(BAD_REPLY);
    }
    let mut w = Writer::message(2);
    w.array(ranks.len());
    for k in ranks {
        if k.weight > ONE || k.carry.len() > MAX_CARRY {
            return Err(BAD_REPLY);
        }
        w.array(2);
        w.uint(k.weight);
        w.bytes(k.carry);
    }
    Ok(w.done())
}

fn check<M: Module>(input: Bytes) -> Reply {
    let mut r = Reader::new(input);
    r.version(4);
    let request = CheckRequest { params: r.bytes(MAX_MESSAGE), public: r.bytes(MAX_PAYLOAD), payload: r.bytes(MAX_PAYLOAD) };
    if !r.end() {
        return Err(BAD_INPUT);
    }
    let v = M::check(&request)?;
    if v.reason.len() > 256 {
        return Err(BAD_REPLY);
    }
    let mut w = Writer::message(3);
    w.bool(v.ok);
    w.text(v.reason);
    Ok(w.done())
}

fn solve<M: Module>(input: Bytes) -> Reply {
    let mut r = Reader::new(input);
    r.version(4);
    let request = SolveRequest { params: r.bytes(MAX_MESSAGE), public: r.bytes(MAX_PAYLOAD), seed: r.hash() };
    if !r.end() {
        return Err(BAD_INPUT);
    }
    payload(M::solve(&request)?)
}

fn merge<M: Module>(input: Bytes) -> Reply {
    let mut r = Reader::new(input);
    r.version(5);
    let request = MergeRequest {
        params: r.bytes(MAX_MESSAGE),
        artifact: r.bytes(MAX_ARTIFACT),
        slices: r.list(MAX_SLICES, MAX_PAYLOAD),
        payloads: r.list(MAX_PAYLOADS, MAX_PAYLOAD),
    };
    if !r.end() {
        return Err(BAD_INPUT);
    }
    let artifact = M::merge(&request)?;
    if artifact.len() > MAX_ARTIFACT {
        return Err(BAD_REPLY);
    }
    let mut w = Writer::message(2);
    w.bytes(artifact);
    Ok(w.done())
}
