package speech

import sdk "github.com/plexus-network/plexus/sdk-wasm/go"

// Rate is the number of samples of a second.
const Rate = 8000

// Voice is how the synthesiser speaks.
type Voice struct {
	Pitch int // of the vocal folds at the beginning of a word, Hz
	Tract int // formants in per cent of a man's: more is a shorter throat
	Speed int // in per cent: more is faster
	Noise int // index of NoiseDB
	Pause int // between two words, ms
}

// NoiseDB are the levels of noise: how many decibels the words' mean power is above
// that of the noise.
var NoiseDB = [4]int{30, 24, 18, 12}

// noiseShare is 10^(-dB/20) in Q16, for NoiseDB.
var noiseShare = [4]int64{2072, 4135, 8250, 16462}

// Bounds of what DrawVoice draws.
const (
	minPitch, maxPitch = 90, 220
	minTract, maxTract = 88, 114
	minPause, maxPause = 60, 160
)

// DrawVoice draws a voice of a level of noise and around a speed in per cent.
func DrawVoice(r *sdk.Rand, noise, speed int) Voice {
	return Voice{
		Pitch: minPitch + r.Intn(maxPitch-minPitch+1),
		Tract: minTract + r.Intn(maxTract-minTract+1),
		Speed: speed - 8 + r.Intn(17),
		Noise: noise,
		Pause: minPause + r.Intn(maxPause-minPause+1),
	}
}

// Say speaks words, given as indices of Words, with silence before and after, and
// returns the samples. The generator varies each sound a little and makes the noise.
func Say(words []int, v Voice, r *sdk.Rand) []int16 {
	s := &synthesiser{voice: v, Rand: r, noise: uint32(r.Uint64()) | 1, tail: resonatorOf(0, 90)}
	s.quiet(100 + r.Intn(100))
	var power, spoken int64
	for i, w := range words {
		if i > 0 {
			s.quiet(v.Pause)
		}
		from := len(s.out)
		s.word(said[w])
		for _, x := range s.out[from:] {
			power += x >> 4 * (x >> 4)
		}
		spoken += int64(len(s.out) - from)
	}
	s.quiet(100 + r.Intn(100))
	return s.finish(power / max(spoken, 1))
}

// synthesiser makes samples phone by phone: pulses of the vocal folds pass through
// three resonances of the tract one after the other, noise of the mouth through one
// of its own beside them.
type synthesiser struct {
	*sdk.Rand
	voice Voice
	noise uint32 // state of the noise
	out   []int64

	formants [3]resonator
	mouth    resonator
	tail     resonator // softens the pulses
	wait     int       // samples until the next pulse, Q8
	last     int64
	now      frame
}

// frame is what the synthesiser does for some milliseconds.
type frame struct {
	f                   [3]int // Hz
	voice, hiss, breath int    // of 64
	center              int    // Hz
}

// step is the number of samples for which a frame is kept.
const step = Rate / 200

// resonator is a digital resonance: y = a·x + b·y' + c·y”, in Q16.
type resonator struct{ a, b, c, y1, y2 int64 }

// cosines holds cos(2π·10n/Rate) in Q30 for multiples of 10 Hz up to half of the
// rate.
var cosines = func() (c [Rate/20 + 1]int64) {
	const first = 1073708707 // cos(2π·10/8000)
	c[0], c[1] = 1<<30, first
	for i := 2; i < len(c); i++ {
		c[i] = 2*first*c[i-1]>>30 - c[i-2]
	}
	return c
}()

// decay returns e^(-π·width/Rate) in Q16.
func decay(width int) int64 {
	const pi = 13493037705 // Q32
	return int64(sdk.Exp(-int64(width)*pi/Rate) >> 16)
}

// resonatorOf returns the resonance at a frequency with a width in Hz.
func resonatorOf(hz, width int) (r resonator) {
	d := decay(width)
	r.tune(hz, d, d*d>>16)
	return r
}

// tune moves the resonance to a frequency, given its decay and the square of that.
func (r *resonator) tune(hz int, d, dd int64) {
	r.b = 2 * d * cosines[min(max(hz/10, 0), len(cosines)-1)] >> 30
	r.c = -dd
	r.a = 1<<16 - r.b - r.c
}

func (r *resonator) pass(x int64) int64 {
	y := (r.a*x + r.b*r.y1 + r.c*r.y2) >> 16
	r.y2, r.y1 = r.y1, y
	return y
}

// Decays of the formants and the mouth's noise, and their squares.
var (
	decays  = [3]int64{decay(70), decay(100), decay(160)}
	squares = [3]int64{decays[0] * decays[0] >> 16, decays[1] * decays[1] >> 16, decays[2] * decays[2] >> 16}
	wide    = decay(700)
)

// quiet appends silence.
func (s *synthesiser) quiet(ms int) {
	s.glide(frame{f: s.now.f, center: s.now.center}, min(ms, 20))
	s.hold(ms - min(ms, 20))
}

// word says the phones of a word, its pitch falling.
func (s *synthesiser) word(phones []phone) {
	for i, p := range phones {
		t := &targets[p]
		to := frame{voice: t.voice, hiss: t.hiss, center: t.center}
		for k, f := range t.f {
			// Each sound comes out a little differently.
			to.f[k] = min(f*s.voice.Tract*(970+s.Intn(61))/100_000, Rate/2-300)
		}
		ms := t.ms * (90 + s.Intn(21)) / s.voice.Speed
		if i == 0 && !t.stop {
			s.now.f = to.f // the tract is in place before the voice begins
		}
		if t.stop {
			burst := to
			to.voice, to.hiss = t.voice/2, 0
			s.glide(to, 15)
			s.hold(max(ms-40, 15))
			s.glide(burst, 5)
			s.hold(10)
			if t.voice == 0 {
				burst.hiss, burst.breath = t.hiss/3, 10
				s.glide(burst, 5)
				s.hold(20)
			}
			continue
		}
		move := min(45*100/s.voice.Speed, ms*2/3)
		s.glide(to, move)
		s.hold(ms - move)
	}
}

// glide moves to a frame within a time; hold keeps it.
func (s *synthesiser) glide(to frame, ms int) {
	n := max(ms*Rate/1000/step, 1)
	from := s.now
	mix := func(a, b, i int) int { return a + (b-a)*i/n }
	for i := 1; i <= n; i++ {
		for k := range to.f {
			s.now.f[k] = mix(from.f[k], to.f[k], i)
		}
		s.now.voice, s.now.hiss, s.now.breath = mix(from.voice, to.voice, i), mix(from.hiss, to.hiss, i), mix(from.breath, to.breath, i)
		s.now.center = to.center
		if to.center == 0 {
			s.now.center = from.center
		}
		s.make()
	}
}

func (s *synthesiser) hold(ms int) {
	for range ms * Rate / 1000 / step {
		s.make()
	}
}

// make appends step samples of the frame.
func (s *synthesiser) make() {
	for k := range s.formants {
		s.formants[k].tune(s.now.f[k], decays[k], squares[k])
	}
	s.mouth.tune(s.now.center, wide, wide*wide>>16)
	// The pitch wanders by some per cent.
	period := Rate << 8 * 100 / (s.voice.Pitch * (96 + s.Intn(9)))
	for range step {
		var pulse int64
		if s.wait -= 1 << 8; s.wait <= 0 {
			s.wait += period
			pulse = int64(s.now.voice) << 14
		}
		// xorshift, for which any state but 0 will do.
		s.noise ^= s.noise << 13
		s.noise ^= s.noise >> 17
		s.noise ^= s.noise << 5
		hiss := int64(int32(s.noise)) >> 18
		x := s.tail.pass(pulse) + hiss*int64(s.now.breath)>>6
		for k := range s.formants {
			x = s.formants[k].pass(x)
		}
		// The lips let high tones pass more easily: the difference to the sample before.
		y := (x-s.last)*4 + s.mouth.pass(hiss*int64(s.now.hiss)>>10)
		s.last = x
		s.out = append(s.out, y)
	}
}

// finish adds noise, given the words' mean power over 256, and brings the loudest
// sample to 0.7 of the range.
func (s *synthesiser) finish(power int64) []int16 {
	level := int64(sdk.Isqrt(uint64(power))) << 4 * noiseShare[s.voice.Noise]
	var loudest int64 = 1
	for i := range s.out {
		s.noise ^= s.noise << 13
		s.noise ^= s.noise >> 17
		s.noise ^= s.noise << 5
		// Even noise has a third of the power of its greatest value: 1.73 times.
		s.out[i] += int64(int32(s.noise)) >> 16 * (level >> 8) * 443 >> 31
		loudest = max(loudest, s.out[i], -s.out[i])
	}
	samples := make([]int16, len(s.out))
	for i, x := range s.out {
		samples[i] = int16(x * 22938 / loudest)
	}
	return samples
}
