// Tests of the built module in Node, without the sandbox: npm test.
import assert from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const dir = mkdtempSync(join(tmpdir(), "spell-"));
try {
  const file = join(dir, "module.wasm");
  execFileSync(process.env.PLEXUS_ASC ?? "node_modules/.bin/asc", ["--outFile", file], { stdio: "inherit" });
  const compiled = new WebAssembly.Module(readFileSync(file));
  // As in the sandbox, every call begins in a fresh instance.
  const call = (op, input) => {
    const { memory, plexus_alloc, plexus_call } = new WebAssembly.Instance(compiled).exports;
    const at = plexus_alloc(input.length);
    new Uint8Array(memory.buffer).set(input, at);
    const where = BigInt.asUintN(64, plexus_call(op, at, input.length));
    const reply = new Uint8Array(memory.buffer).slice(Number(where >> 32n), Number((where >> 32n) + (where & 0xffffffffn)));
    return { status: reply[0], body: reply.slice(4) };
  };
  const describe = call(1, []);
  assert.equal(describe.status, 0);
  assert.match(new TextDecoder().decode(describe.body), /Spell/);
  const beta = new Uint8Array(32).fill(7);
  const task = call(2, [0x87, 1, 0x58, 32, ...beta, 0x40, 0x80, 0x40, 1, 9]);
  assert.equal(task.status, 0);
  assert.deepEqual(task, call(2, [0x87, 1, 0x58, 32, ...beta, 0x40, 0x80, 0x40, 1, 9]));
  assert.equal(call(3, [1, 2, 3]).status, 2);
  assert.equal(call(7, []).status, 3);
  console.log("ok");
} finally {
  rmSync(dir, { recursive: true });
}
