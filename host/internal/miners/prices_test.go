package miners

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestPricesFile: the file grows by whole lines, is halved when it is too long,
// and is gone on with by the next process.
func TestPricesFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "prices.csv")
	p := &prices{file: file}
	if err := p.open(); err != nil {
		t.Fatal(err)
	}
	h := 0
	for ; p.size+64*40 < pricesMost; h += 64 {
		var lines []byte
		for i := range 64 {
			lines = fmt.Appendf(lines, "%d,%d,1.234567891\n", h+i, i%6+1)
		}
		if err := p.append(lines); err != nil {
			t.Fatal(err)
		}
	}
	before := p.size
	long := bytes.Repeat([]byte(fmt.Sprintf("%d,1,0.5\n", h)), 1000)
	if err := p.append(long); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(got)) != p.size || p.size > before || p.size < pricesMost/3 || !bytes.HasSuffix(got, long) {
		t.Errorf("%d bytes, %d counted, %d before", len(got), p.size, before)
	}
	var height, netuid int
	var price float64
	if n, err := fmt.Sscanf(string(got), "%d,%d,%f\n", &height, &netuid, &price); n != 3 || err != nil || price != 1.234567891 {
		t.Errorf("the first line is no whole one: %.40q", got)
	}
	next := &prices{file: file}
	if err := next.open(); err != nil || next.last != uint64(h) || next.size != p.size {
		t.Errorf("gone on from block %d with %d bytes, want %d and %d (%v)", next.last, next.size, h, p.size, err)
	}
}
