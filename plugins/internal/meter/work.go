package meter

// work estimates what compiling the function takes.
func (d *body) work() int {
	blocks := len(d.blocks)
	return d.count*workInstr + d.heavy*workMemory + d.targets*workBranch + d.targets*d.targets/workBranchSquare +
		blocks*blocks/workBlockSquare + d.rounds*blocks/workLoopBlocks + d.reach*workReach + d.passed*workPassed
}

// local notes the use of a local. The compiler looks for its value backwards
// through all blocks since the last use.
func (d *body) local(x int) {
	if d.r.err == nil && !d.dead {
		d.reach += d.cur - int(d.touched[x])
		d.touched[x] = int32(d.cur)
	}
}

// back notes the end of a loop that is branched to: each local used inside is
// looked for once more, from there.
func (d *body) back(first int) {
	d.reach += len(d.touched) / workScan
	for _, b := range d.touched {
		if int(b) >= first {
			d.reach += d.cur - first + 1
		}
	}
	if d.reach*workReach > MaxWork {
		d.r.fail("too much to compile: locals used across too many blocks")
	}
}
