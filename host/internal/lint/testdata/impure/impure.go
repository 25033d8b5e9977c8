// Package impure does what the ledger's rules may not, one sin a line.
package impure

import (
	"context"     // bad
	"crypto/rand" // bad
	"log/slog"    // bad
	"maps"
	randv2 "math/rand/v2" // bad
	"net/netip"           // bad
	"os"                  // bad
	"slices"
	"sync/atomic" // bad
	"time"        // bad
)

type amount uint64

const coin amount = 1e9 // written as a float, but it is an integer

const half = 0.5 // bad

type ratio float64 // bad

var precise complex128 // bad

var _, _, _, _, _, _, _, _ = context.Background, rand.Reader, slog.Info, randv2.Int, netip.Addr{}, os.Args, time.Now, atomic.AddInt64

func share(a, b amount) amount {
	return amount(ratio(a) / ratio(b)) // bad
}

func start() {
	go start() // bad
}

var queue any = (chan int)(nil) // bad

func send(q any) {
	select { // bad
	default:
	}
}

type ledger map[string]amount

func total(l ledger) (sum amount) {
	for _, a := range l { // bad
		sum += a
	}
	for k := range maps.Keys(l) { // bad
		sum += l[k]
	}
	for _, k := range slices.Sorted(maps.Keys(l)) {
		sum += l[k]
	}
	var keys []string
	for k := range l { // sorted below
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		sum += l[k]
	}
	return sum * coin
}

func generic[M ~map[string]amount](m M) (n int) {
	for range m { // bad
		n++
	}
	return n
}
