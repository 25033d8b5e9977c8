// spell: complete words whose letters are partly hidden. It pays nobody for a
// model; it shows every operation that a module may have.
import {
  CheckRequest, Description, MergeRequest, Module, ONE, Rand, Rank, RankRequest, ScoreRequest, SolveRequest, Task, TaskRequest, Verdict,
  editDistance, register,
} from "../plexus/index";
export { plexus_abi_v1, plexus_alloc, plexus_call } from "../plexus/index";

function letters(b: Uint8Array): bool {
  for (let i = 0; i < b.length; i++) if (b[i] < 97 || b[i] > 122) return false;
  return b.length > 0 && b.length <= 64;
}

class Spell extends Module {
  describe(): Description | null {
    return new Description("Spell", "a word of 8 to 24 letters, some hidden behind question marks",
      "the word, in letters a to z", "one less the edit distance as a part of the longer word");
  }

  task(r: TaskRequest): Task | null {
    const rnd = new Rand(r.beta, 0);
    const n = 8 + <i32>rnd.below(17);
    const word = new Uint8Array(n), shown = new Uint8Array(n);
    for (let i = 0; i < n; i++) word[i] = 97 + <u8>rnd.below(26);
    for (let i = 0; i < n; i++) shown[i] = rnd.below(3) == 0 ? 63 : word[i];
    return new Task(shown, word);
  }

  score(r: ScoreRequest): StaticArray<u64> | null {
    const scores = new StaticArray<u64>(r.payloads.length);
    for (let i = 0; i < scores.length; i++) {
      const p = r.payloads[i];
      if (!letters(p)) continue;
      const longer = <u64>max(p.length, r.privatePart.length);
      scores[i] = ONE * (longer - editDistance<Uint8Array>(p, r.privatePart)) / longer;
    }
    return scores;
  }

  // Moves a miner's average an eighth of the way to this epoch's mean, and
  // remembers it in 8 bytes.
  rank(r: RankRequest): Array<Rank> | null {
    const ranks = new Array<Rank>();
    for (let i = 0; i < r.rows.length; i++) {
      const row = r.rows[i];
      let mean: u64 = 0;
      for (let j = 0; j < row.scores.length; j++) mean += row.scores[j];
      if (row.scores.length > 0) mean /= row.scores.length;
      if (row.carry.length == 8) {
        let old: u64 = 0;
        for (let k = 0; k < 8; k++) old = old << 8 | <u64>row.carry[k];
        if (old <= ONE) mean = (7 * old + mean) / 8;
      }
      const carry = new Uint8Array(8);
      for (let k = 0; k < 8; k++) carry[k] = <u8>(mean >> (56 - 8 * k));
      ranks.push(new Rank(mean, carry));
    }
    return ranks;
  }

  check(r: CheckRequest): Verdict | null {
    const ok = letters(r.payload);
    return new Verdict(ok, ok ? "" : "1 to 64 letters from a to z");
  }

  solve(r: SolveRequest): Uint8Array | null {
    const rnd = new Rand(r.seed, 0);
    const word = new Uint8Array(r.publicPart.length);
    for (let i = 0; i < word.length; i++) word[i] = r.publicPart[i] == 63 ? 97 + <u8>rnd.below(26) : r.publicPart[i];
    return word;
  }

  // Keeps the longest word that was ever answered. It shows how miners build one
  // thing together; nothing of spell's tasks needs it.
  merge(r: MergeRequest): Uint8Array | null {
    let merged = new Uint8Array(0);
    let longest = r.artifact.length;
    for (let i = 0; i < r.payloads.length; i++) {
      const p = r.payloads[i];
      if (!letters(p) || p.length <= longest) continue;
      merged = p;
      longest = p.length;
    }
    return merged;
  }
}

register(new Spell());
