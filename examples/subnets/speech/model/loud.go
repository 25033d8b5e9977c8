package model

// slots is the number of moments at which loudness compares a word.
const slots = 12

// loud cuts the frames where it is quiet and takes for each piece the word whose
// template has the most similar loudness in four bands, both stretched to the same
// length.
func loud(frames []Frame, list []Template) (words []string) {
	t := threshold(frames)
	for from := 0; from < len(frames); {
		if loudness(&frames[from]) < t {
			from++
			continue
		}
		to := from
		for quiet := 0; to < len(frames) && quiet < 4; to++ { // 64 ms
			if quiet++; loudness(&frames[to]) >= t {
				quiet = 0
			}
		}
		if piece := trim(frames[from:to]); len(piece) > 5 {
			words = append(words, closest(piece, list))
		}
		from = to
	}
	return words
}

func closest(piece []Frame, list []Template) (word string) {
	least := far
	for i := range list {
		sum := 0
		for s := range slots {
			a := &piece[s*len(piece)/slots]
			b := &list[i].Frames[s*len(list[i].Frames)/slots]
			for k := 2 * cepstra; k < features; k++ {
				d := int(a[k]) - int(b[k])
				sum += max(d, -d)
			}
		}
		if sum < least {
			least, word = sum, list[i].Word
		}
	}
	return word
}
