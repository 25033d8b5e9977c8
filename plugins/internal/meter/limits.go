package meter

// Version numbers the schedule of weights and the bounds below. Any change to
// what a module costs, or to whether it is accepted, raises it.
const Version = 1

// Revision numbers the form of rewritten modules, which no node sees of another:
// any change to what the rewriter emits raises it, so that none kept from before
// is taken for one of today.
const Revision = 3

// Bounds of a module. They are part of Version: all nodes must agree on which
// modules exist.
const (
	MaxModule    = 16 << 20 // bytes
	MaxCode      = 8 << 20  // bytes of the code section
	MaxTypes     = 4096     // function types
	MaxArity     = 128      // parameters, and results, of one type
	MaxImports   = 64       // imported functions
	MaxFuncs     = 65536    // defined functions
	MaxGlobals   = 4096     // globals
	MaxExports   = 1024     // exports
	MaxName      = 1024     // bytes of an imported or exported name
	MaxTables    = 8        // tables
	MaxTable     = 1 << 17  // elements of one table
	MaxSegments  = 1 << 17  // data segments, and element segments
	MaxElements  = 1 << 18  // elements of all element segments
	MaxLocals    = 4096     // parameters and locals of one function
	MaxBody      = 1 << 19  // bytes of one function
	MaxInstrs    = 1 << 16  // instructions of one function
	MaxNesting   = 4096     // blocks inside each other
	MaxOperands  = 1024     // operands waiting on the stack of one function
	MaxBranches  = 32768    // targets of all br_table instructions of one function
	MaxBranchSum = 1 << 20  // targets of all br_table instructions of the module
	MaxWork      = 3e6      // estimated microseconds to compile one function
	MaxWorkSum   = 20e6     // and the module
	MaxDepth     = 1500     // frames on the call stack, larger frames counting more
	frameSlots   = 256      // locals and operands that make a frame count once more
)

// What the engine's compiler takes for a function, in microseconds, as measured
// at the worst shapes found: it grows with the square of the basic blocks, and
// with loops times blocks. The estimate is for the slowest of them; typical code
// compiles ten times faster.
const (
	workInstr        = 1  // per instruction
	workMemory       = 10 // per load, store, call
	workBranch       = 10 // per br_table target
	workBranchSquare = 1000
	workBlockSquare  = 100 // blocks squared, divided by this
	workLoopBlocks   = 9   // loops times blocks, divided by this
	workReach        = 2   // per block between two uses of a local: each may need a phi
	workPassed       = 2   // per operand handed to a block, a label or a call
	workScan         = 64  // locals looked through at a loop's end, divided by this: our own work
)

// reserved begins the names of what the rewriter exports for the host. A module
// that exports such a name is refused.
const reserved = "plexus."

// Names of what the rewriter exports for the host.
const (
	ExportFuel  = "plexus.fuel"  // mutable i64: fuel left; negative when it ran out
	ExportDepth = "plexus.depth" // mutable i32: frames left; negative when they ran out
	ExportFull  = "plexus.full"  // mutable i32: 1 after a memory.grow was refused
	ExportStart = "plexus.start" // the module's start function, which the host runs itself
	ExportFresh = "plexus.fresh" // there when the module can change more of itself than memory and numbers

	// ExportGlobal and a number, counted from 0, name the module's own mutable
	// globals, which the host puts back between calls.
	ExportGlobal = "plexus.global."
)
