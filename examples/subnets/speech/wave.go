package speech

// Waves returns the clips of a task as WAV files at twice the rate, 16 kHz, which
// programs that recognise speech expect. AppendTexts makes an answer of what they
// write.
func Waves(public []byte) ([][]byte, error) {
	clips, err := DecodeTask(public)
	if err != nil {
		return nil, err
	}
	files := make([][]byte, len(clips))
	for i, c := range clips {
		files[i] = WAV(double(Unpack(c)), 2*Rate)
	}
	return files, nil
}

// double puts a sample between any two, as a polynomial through the eight around it
// has it.
func double(x []int16) []int16 {
	weights := [8]int{-5, 49, -245, 1225, 1225, -245, 49, -5} // of 2048
	out := make([]int16, 0, 2*len(x))
	for i := range x {
		sum := 0
		for k, w := range weights {
			if at := i + k - 3; at >= 0 && at < len(x) {
				sum += w * int(x[at])
			}
		}
		out = append(out, x[i], int16(max(min(sum>>11, 32767), -32768)))
	}
	return out
}
