package model

import (
	"math/bits"

	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const (
	window = 256 // samples that a frame is made of, 32 ms
	hop    = 128 // samples from one frame to the next

	filters  = 20 // bands of the mel scale
	cepstra  = 12 // numbers that describe a frame's spectrum, and as many its change
	bands    = 4  // numbers that say how loud it is where
	features = 2*cepstra + bands
)

// Frame describes 32 ms of sound: cepstra, their change over 96 ms, and the loudness
// in four bands.
type Frame [features]int8

// sine holds sin(2πn/window) in Q14.
var sine = func() (s [window]int32) {
	// The recurrence of Chebyshev: sin((n+1)x) = 2·cos(x)·sin(nx) - sin((n-1)x), Q30.
	const first, cosine = 26350943, 1073418433 // of 2π/256
	a, b := int64(0), int64(first)
	for i := range s {
		s[i] = int32((a + 1<<15) >> 16)
		a, b = b, 2*cosine*b>>30-a
	}
	return s
}()

// taper holds Hann's window in Q14: (1 - cos(2πn/window))/2.
var taper = func() (t [window]int32) {
	for i := range t {
		t[i] = (1<<14 - sine[(i+window/4)%window]) / 2
	}
	return t
}()

// edges are the bins at which the filters begin, peak and end: equal steps of the
// mel scale from 100 to 3,900 Hz, in bins of 31.25 Hz.
var edges = [filters + 2]int{3, 6, 8, 11, 14, 18, 22, 26, 30, 35, 40, 46, 52, 58, 65, 72, 79, 88, 96, 105, 114, 124}

// lifter weighs the cepstra so that each varies about as much as the others.
var lifter = [cepstra]int64{10, 14, 17, 20, 22, 23, 24, 23, 22, 20, 17, 14}

// transform replaces numbers by their spectrum, in place: a plain radix-2 FFT.
func transform(re, im *[window]int64) {
	for i := range uint(window) {
		if j := bits.Reverse8(uint8(i)); uint(j) > i {
			re[i], re[j] = re[j], re[i]
			im[i], im[j] = im[j], im[i]
		}
	}
	for size := 2; size <= window; size *= 2 {
		half, turn := size/2, window/size
		for k := range half {
			// e^(-2πik/size)
			wr, wi := int64(sine[(k*turn+window/4)%window]), -int64(sine[k*turn])
			for i := k; i < window; i += size {
				j := i + half
				tr := (re[j]*wr - im[j]*wi) >> 14
				ti := (re[j]*wi + im[j]*wr) >> 14
				re[j], im[j] = re[i]-tr, im[i]-ti
				re[i], im[i] = re[i]+tr, im[i]+ti
			}
		}
	}
}

// Frames describes samples. What is quieter than the noise, taken from the first
// 80 ms, counts as noise.
func Frames(samples []int16) []Frame {
	n := (len(samples)-window)/hop + 1
	if n < 1 {
		return nil
	}
	power := make([][filters]int64, n)
	for i := 0; i < n; i += 2 {
		two := mel(samples, i*hop, min(i+1, n-1)*hop)
		power[i], power[min(i+1, n-1)] = two[0], two[1]
	}
	var noise [filters]int64
	first := min(n, 4)
	for _, p := range power[:first] {
		for k, v := range p {
			noise[k] += v / int64(first)
		}
	}
	out := make([]Frame, n)
	cep := make([][cepstra]int64, n)
	for i, p := range power {
		var logs [filters]int64
		for k, v := range p {
			v = max(v-noise[k], noise[k]>>1, 1<<16)
			logs[k] = int64(sdk.Log2(uint64(v)) >> 24) // Q8
		}
		for q := range cep[i] {
			var sum int64
			for k, l := range logs {
				// cos(π(q+1)(k+½)/filters), from the table of sines of a turn in 256 parts
				sum += l * int64(sine[((q+1)*(2*k+1)*window/(4*filters)+window/4)%window])
			}
			cep[i][q] = sum >> 14
		}
		for b := range bands {
			var sum int64
			for _, l := range logs[b*filters/bands : (b+1)*filters/bands] {
				sum += l
			}
			out[i][2*cepstra+b] = small(sum*bands/filters/32 - 160)
		}
	}
	for i := range cep {
		before, after := max(i-2, 0), min(i+2, n-1)
		for q, v := range cep[i] {
			out[i][q] = small(v * lifter[q] >> 10)
			out[i][cepstra+q] = small((cep[after][q] - cep[before][q]) * lifter[q] >> 10)
		}
	}
	return out
}

func small(v int64) int8 { return int8(max(min(v, 127), -127)) }

// mel returns the power by bands of the windows that begin at two places of the
// samples. One transform does for both, as the spectrum of real samples is symmetric:
// the one is its even, the other its odd part.
func mel(samples []int16, one, other int) (out [2][filters]int64) {
	var re, im [window]int64
	shape(&re, samples[one:])
	shape(&im, samples[other:])
	transform(&re, &im)
	var power [2][window / 2]int64
	for i := edges[0]; i < window/2; i++ {
		a, b, c, d := re[i], im[i], re[window-i], im[window-i]
		power[0][i] = (a+c)*(a+c) + (b-d)*(b-d)
		power[1][i] = (b+d)*(b+d) + (c-a)*(c-a)
	}
	for w := range out {
		for k := range out[w] {
			a, b, c := edges[k], edges[k+1], edges[k+2]
			var up, down int64
			for i := a + 1; i <= b; i++ {
				up += power[w][i] * int64(i-a)
			}
			for i := b + 1; i < c; i++ {
				down += power[w][i] * int64(c-i)
			}
			out[w][k] = (up/int64(b-a) + down/int64(c-b)) >> 2
		}
	}
	return out
}

// shape takes a window of samples, with high tones raised and its ends faded out.
func shape(to *[window]int64, samples []int16) {
	var last int32
	for i := range to {
		x := int32(samples[i])
		to[i] = int64(x-last*31/32) * int64(taper[i]) >> 14
		last = x
	}
}
