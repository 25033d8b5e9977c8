package speech

import (
	"encoding/binary"
	"errors"
)

// Errors of a WAV file.
var (
	ErrWAV    = errors.New("speech: not a WAV file of one channel and 16-bit samples; convert it: ffmpeg -i IN -ac 1 -ar 8000 -c:a pcm_s16le OUT.wav")
	ErrRate   = errors.New("speech: WAV file has a rate that is not 8, 16, 24, 32, 40 or 48 kHz; convert it: ffmpeg -i IN -ac 1 -ar 8000 -c:a pcm_s16le OUT.wav")
	ErrLength = errors.New("speech: recording is silent, or longer than 8 s: cut it into pieces")
)

// WAV returns samples as a WAV file of one channel.
func WAV(samples []int16, rate int) []byte {
	n := 2 * len(samples)
	le := binary.LittleEndian
	b := append(make([]byte, 0, 44+n), "RIFF"...)
	b = le.AppendUint32(b, uint32(36+n))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1) // channel
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(2*rate))
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(n))
	for _, x := range samples {
		b = le.AppendUint16(b, uint16(x))
	}
	return b
}

// DecodeWAV reads a WAV file of one channel and 16-bit samples, and brings it to
// Rate if its rate is a multiple of that, up to six times. Samples alias nothing.
func DecodeWAV(b []byte) ([]int16, error) {
	le := binary.LittleEndian
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, ErrWAV
	}
	b = b[12:]
	rate := 0
	for len(b) >= 8 {
		name, n := string(b[:4]), le.Uint32(b[4:])
		b = b[8:]
		// A recorder that was interrupted leaves a length of nothing or of too much.
		body := b[:min(uint64(n), uint64(len(b)))]
		switch name {
		case "fmt ":
			if len(body) < 16 || le.Uint16(body) != 1 || le.Uint16(body[2:]) != 1 || le.Uint16(body[14:]) != 16 {
				return nil, ErrWAV
			}
			if rate = int(le.Uint32(body[4:])); rate == 0 || rate%Rate != 0 || rate > 6*Rate {
				return nil, ErrRate
			}
		case "data":
			if rate == 0 {
				return nil, ErrWAV
			}
			samples := make([]int16, len(body)/2)
			for i := range samples {
				samples[i] = int16(le.Uint16(body[2*i:]))
			}
			return thin(samples, rate/Rate), nil
		}
		b = b[min(len(body)+len(body)%2, len(b)):]
	}
	return nil, ErrWAV
}

// thin takes one of n samples, after a low-pass that keeps tones above half of the
// new rate from coming out as lower ones: two running means over n samples.
func thin(x []int16, n int) []int16 {
	if n == 1 {
		return x
	}
	out := make([]int16, 0, len(x)/n)
	for i := 0; i+n <= len(x); i += n {
		var sum, weights int64
		for k := -n + 1; k < n; k++ {
			at := i + n/2 + k
			if at < 0 || at >= len(x) {
				continue
			}
			w := int64(n - max(k, -k))
			sum, weights = sum+w*int64(x[at]), weights+w
		}
		out = append(out, int16(sum/weights))
	}
	return out
}
