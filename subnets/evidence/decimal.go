package evidence

import (
	"bytes"
	"math/bits"
	"sort"
	"strconv"

	"github.com/plexus-network/plexus/abi"
)

// Decimal writes a Q32.32 score with six decimals, rounding down.
func Decimal(score uint64) string {
	hi, lo := bits.Mul64(score, 1_000_000)
	v := hi<<32 | lo>>32
	s := strconv.FormatUint(1_000_000+v%1_000_000, 10)
	return strconv.FormatUint(score/abi.One, 10) + "." + s[1:]
}

func sortCarried(c []Carried) {
	sort.Slice(c, func(i, j int) bool { return bytes.Compare(c[i].Hotkey[:], c[j].Hotkey[:]) < 0 })
}
