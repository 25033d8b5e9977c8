package unit

// Alpha is an amount of one subnet's token in its smallest unit, 1e-9 alpha.
// Alphas of different subnets share this type: an amount never travels without
// its netuid.
type Alpha uint64

// Add returns a+b, and false instead of a wrapped sum.
func (a Alpha) Add(b Alpha) (Alpha, bool) {
	s := a + b
	return s, s >= a
}

// Sub returns a-b, and false when b is larger than a.
func (a Alpha) Sub(b Alpha) (Alpha, bool) {
	if b > a {
		return 0, false
	}
	return a - b, true
}

// String writes the amount in whole tokens without trailing zeros: "0.25 alpha".
func (a Alpha) String() string { return formatCoins(uint64(a)) + " alpha" }

// ParseAlpha reads a decimal amount with at most nine decimals, the unit being
// optional: "0.25 alpha" or "0.25".
func ParseAlpha(s string) (Alpha, error) {
	v, err := parseCoins(s, "alpha")
	return Alpha(v), err
}
