// Command kernels is a module of small workloads, the same in each language, on
// which the price of rewriting is measured. plexus_call runs the workload of that
// number and returns a number that depends on all of it.
package main

import (
	"math"
	"unsafe"
)

func main() {}

const (
	fnvBytes   = 1 << 16
	fnvRounds  = 8
	word       = 256
	levRounds  = 2
	order      = 64
	sieveBytes = 1 << 17
	fibOf      = 25
	texts      = 3
	textBytes  = 4096
	buckets    = 4096
)

var (
	room    [1 << 16]byte
	bytes   [sieveBytes]byte
	a, b, c [order * order]float64
	rows    [2][word + 1]uint32
	grams   [2][buckets]uint32
	state   uint64
)

//go:wasmexport plexus_abi_v1
func marker() {}

//go:wasmexport plexus_alloc
func alloc(n uint32) uint32 { return uint32(uintptr(unsafe.Pointer(&room[0]))) }

//go:wasmexport plexus_call
func call(op, ptr, n uint32) uint64 {
	state = 88172645463325252
	switch op {
	case 0:
		return fnv()
	case 1:
		return lev()
	case 2:
		return matmul()
	case 3:
		return sieve()
	case 4:
		return uint64(fib(fibOf))
	case 5:
		return score()
	}
	return 0
}

func next() uint64 {
	state ^= state << 13
	state ^= state >> 7
	state ^= state << 17
	return state
}

func fill(to []byte) {
	for i := range to {
		to[i] = 'a' + byte(next()%26)
	}
}

func fnv() uint64 {
	fill(bytes[:fnvBytes])
	h := uint64(14695981039346656037)
	for range fnvRounds {
		for _, v := range bytes[:fnvBytes] {
			h = (h ^ uint64(v)) * 1099511628211
		}
	}
	return h
}

func distance(x, y []byte) uint32 {
	prev, row := &rows[0], &rows[1]
	for j := range prev {
		prev[j] = uint32(j)
	}
	for i := range x {
		row[0] = uint32(i) + 1
		for j := range y {
			d := prev[j]
			if x[i] != y[j] {
				d++
			}
			d = min(d, prev[j+1]+1, row[j]+1)
			row[j+1] = d
		}
		prev, row = row, prev
	}
	return prev[len(y)]
}

func lev() (sum uint64) {
	for range levRounds {
		fill(bytes[:2*word])
		sum = sum*31 + uint64(distance(bytes[:word], bytes[word:2*word]))
	}
	return sum
}

func matmul() uint64 {
	for i := range a {
		a[i], b[i] = float64(next()%1000)/7, float64(next()%1000)/11
	}
	var trace float64
	for range 2 {
		for i := range order {
			for j := range order {
				var s float64
				for k := range order {
					s += a[i*order+k] * b[k*order+j]
				}
				c[i*order+j] = s
			}
			trace += c[i*order+i]
		}
	}
	return math.Float64bits(trace)
}

func sieve() (primes uint64) {
	for i := range bytes {
		bytes[i] = 1
	}
	for i := 2; i < sieveBytes; i++ {
		if bytes[i] == 0 {
			continue
		}
		primes++
		for j := 2 * i; j < sieveBytes; j += i {
			bytes[j] = 0
		}
	}
	return primes
}

func fib(n uint32) uint32 {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

func count(text []byte, to *[buckets]uint32) {
	clear(to[:])
	for i := range len(text) - 2 {
		g := uint32(text[i])*26*26 + uint32(text[i+1])*26 + uint32(text[i+2])
		to[g%buckets]++
	}
}

func score() (sum uint64) {
	fill(bytes[:texts*textBytes])
	first := bytes[:textBytes]
	count(first, &grams[0])
	for t := range texts {
		text := bytes[t*textBytes : (t+1)*textBytes]
		count(text, &grams[1])
		var dot, x, y float64
		for i := range buckets {
			p, q := float64(grams[0][i]), float64(grams[1][i])
			dot += p * q
			x += p * p
			y += q * q
		}
		cosine := dot * dot / (x * y)
		near := 1 - float64(distance(first[:word], text[:word]))/word
		sum = sum*31 + math.Float64bits(cosine*near)
	}
	return sum
}
