package learn

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

var tables = flag.Bool("tables", false, "write tables.go anew")

// derive computes the tables of a model: each step of four units is taken in its
// middle.
func derive() (price []uint32, odds []uint16) {
	for i := range 2 * reach / 4 {
		x := float64(4*i+2-reach) / Unit
		price = append(price, uint32(math.Round(math.Log2(1+math.Exp(-x))*(1<<24))))
		odds = append(odds, uint16(math.Round(65536/(1+math.Exp(-x)))))
	}
	return price, odds
}

func TestTables(t *testing.T) {
	price, odds := derive()
	if *tables {
		b := []byte("package learn\n\n// Tables of a model's predictions, derived by TestTables: run it with -tables to write\n// them anew. The steps are of four units, from -reach on.\n\n// cost is -log2 of the probability that a log-odds stands for, in 2^-24.\nvar cost = [...]uint32{")
		for i, v := range price {
			if i%10 == 0 {
				b = append(b, "\n\t"...)
			} else {
				b = append(b, ' ')
			}
			b = fmt.Appendf(b, "%d,", v)
		}
		b = append(b, "\n}\n\n// chance is that probability, in 2^-16.\nvar chance = [...]uint16{"...)
		for i, v := range odds {
			if i%12 == 0 {
				b = append(b, "\n\t"...)
			} else {
				b = append(b, ' ')
			}
			b = fmt.Appendf(b, "%d,", v)
		}
		if err := os.WriteFile("tables.go", append(b, "\n}\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !slices.Equal(price, cost[:]) || !slices.Equal(odds, chance[:]) {
		t.Error("tables.go is not what it should be: run this test with -tables")
	}
}
