package unit

// Coin is how many smallest units make one TAO or one alpha.
const Coin = 1_000_000_000

// TAO is an amount of the network's coin in rao, 1e-9 TAO.
type TAO uint64

// Add returns a+b, and false instead of a wrapped sum.
func (a TAO) Add(b TAO) (TAO, bool) {
	s := a + b
	return s, s >= a
}

// Sub returns a-b, and false when b is larger than a.
func (a TAO) Sub(b TAO) (TAO, bool) {
	if b > a {
		return 0, false
	}
	return a - b, true
}

// String writes the amount in whole coins without trailing zeros: "12.5 TAO".
func (a TAO) String() string { return formatCoins(uint64(a)) + " TAO" }

// ParseTAO reads a decimal amount with at most nine decimals, the unit being
// optional: "12.5 TAO" or "12.5".
func ParseTAO(s string) (TAO, error) {
	v, err := parseCoins(s, "TAO")
	return TAO(v), err
}
