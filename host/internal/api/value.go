package api

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Amount is an amount in the smallest unit, a decimal string in JSON because
// many programs read numbers as floats.
type Amount uint64

// MarshalText writes decimal digits.
func (a Amount) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(a), 10), nil }

// UnmarshalText reads decimal digits.
func (a *Amount) UnmarshalText(b []byte) error {
	v, err := strconv.ParseUint(string(b), 10, 64)
	*a = Amount(v)
	return err
}

// Schema describes the text form.
func (Amount) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9]{1,20}$", Description: "Amount in the smallest unit: 10^9 make one coin.", Examples: []any{"1500000000"}}
}

// Coins writes an amount in coins with the digits it has: 1.5, 0.000000001.
func (a Amount) Coins() string {
	s := fmt.Sprintf("%d.%09d", a/1e9, a%1e9)
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// Bytes are hexadecimal in JSON.
type Bytes []byte

// MarshalText writes hexadecimal digits.
func (b Bytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, b), nil }

// UnmarshalText reads hexadecimal digits.
func (b *Bytes) UnmarshalText(t []byte) (err error) {
	*b, err = hex.DecodeString(string(t))
	return err
}

// Schema describes the text form.
func (Bytes) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^([0-9a-f]{2})*$", Description: "Bytes in hexadecimal."}
}

// Hash is 32 bytes, hexadecimal in JSON.
type Hash [32]byte

// MarshalText writes 64 hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (h *Hash) UnmarshalText(t []byte) error {
	b, err := hex.DecodeString(string(t))
	if err == nil && len(b) != 32 {
		err = fmt.Errorf("%d bytes, want 32", len(b))
	}
	if err != nil {
		return err
	}
	*h = Hash(b)
	return nil
}

// String returns 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Schema describes the text form.
func (Hash) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-f]{64}$", Description: "32 bytes in hexadecimal."}
}

// Address is an account in its SS58 text form.
type Address string

// Schema describes the text form.
func (Address) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "Account, an SS58 address.", Examples: []any{"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"}}
}

// at is the time of a block.
func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
