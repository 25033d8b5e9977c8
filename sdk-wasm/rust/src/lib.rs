//! spell: complete words whose letters are partly hidden. It pays nobody for a
//! model; it shows every operation that a module may have.
#![cfg_attr(target_arch = "wasm32", no_std)]
use plexus::*;

pub struct Spell;

plexus::export!(Spell);

fn letters(b: Bytes) -> bool {
    !b.is_empty() && b.len() <= 64 && b.iter().all(|c| (b'a'..=b'z').contains(c))
}

impl Module for Spell {
    fn describe() -> Result<Description, Refusal> {
        Ok(Description {
            title: "Spell",
            task: "a word of 8 to 24 letters, some hidden behind question marks",
            answer: "the word, in letters a to z",
            score: "one less the edit distance as a part of the longer word",
        })
    }

    fn task(r: &TaskRequest) -> Result<Task, Refusal> {
        let mut rnd = Rand::new(&r.beta, 0);
        let n = 8 + rnd.below(17) as usize;
        let word = list(n, 0);
        for c in word.iter_mut() {
            *c = b'a' + rnd.below(26) as u8;
        }
        let shown = list(n, b'?');
        for (s, c) in shown.iter_mut().zip(word.iter()) {
            if rnd.below(3) != 0 {
                *s = *c;
            }
        }
        Ok(Task { public: shown, private: word, inputs: &[], score_at: 0 })
    }

    fn score(r: &ScoreRequest) -> Result<&'static [u64], Refusal> {
        let scores = list(r.payloads.len(), 0);
        for (s, p) in scores.iter_mut().zip(r.payloads) {
            if letters(p) {
                let longer = p.len().max(r.private.len()) as u64;
                *s = ONE * (longer - edit_distance(p, r.private) as u64) / longer;
            }
        }
        Ok(scores)
    }

    // Moves a miner's average an eighth of the way to this epoch's mean, and
    // remembers it in 8 bytes.
    fn rank(r: &RankRequest) -> Result<&'static [Rank], Refusal> {
        let ranks = list(r.rows.len(), Rank { weight: 0, carry: &[] });
        for (k, row) in ranks.iter_mut().zip(r.rows) {
            let mut mean = row.scores.iter().sum::<u64>() / (row.scores.len() as u64).max(1);
            if row.carry.len() == 8 {
                let old = row.carry.iter().fold(0, |v, c| v << 8 | *c as u64);
                if old <= ONE {
                    mean = (7 * old + mean) / 8;
                }
            }
            let carry = list(8, 0);
            carry.copy_from_slice(&mean.to_be_bytes());
            *k = Rank { weight: mean, carry };
        }
        Ok(ranks)
    }

    fn check(r: &CheckRequest) -> Result<Verdict, Refusal> {
        let ok = letters(r.payload);
        Ok(Verdict { ok, reason: if ok { "" } else { "1 to 64 letters from a to z" } })
    }

    fn solve(r: &SolveRequest) -> Result<Bytes, Refusal> {
        let mut rnd = Rand::new(&r.seed, 0);
        let word = list(r.public.len(), 0);
        for (w, c) in word.iter_mut().zip(r.public) {
            *w = if *c == b'?' { b'a' + rnd.below(26) as u8 } else { *c };
        }
        Ok(word)
    }

    // Keeps the longest word that was ever answered. It shows how miners build one
    // thing together; nothing of spell's tasks needs it.
    fn merge(r: &MergeRequest) -> Result<Bytes, Refusal> {
        let mut longest = r.artifact.len();
        let mut merged: Bytes = &[];
        for p in r.payloads {
            if letters(p) && p.len() > longest {
                longest = p.len();
                merged = p;
            }
        }
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solved_word_scores() {
        let task = Spell::task(&TaskRequest { beta: [7; 32], params: &[], slices: &[], artifact: &[], height: 1, last: 9 }).ok().unwrap();
        let payloads = list::<Bytes>(3, task.private);
        payloads[1] = &[];
        payloads[2] = b"no word";
        let scores = Spell::score(&ScoreRequest { params: &[], public: task.public, private: task.private, inputs: &[], payloads });
        assert_eq!(scores.ok().unwrap(), &[ONE, 0, 0]);
    }
}
