package plugins

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// MaxModule bounds a module, in bytes.
const MaxModule = meter.MaxModule

// MeterVersion numbers the fuel schedule: the weights, the bounds of a module
// and the way it is rewritten. Calls of one module compare only under one
// version.
const MeterVersion = meter.Version

// ID names a module: the SHA-256 of its bytes as published, manifest included.
type ID [sha256.Size]byte

// Digest returns the name of a module.
func Digest(module []byte) ID { return sha256.Sum256(module) }

// String returns the name in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads what String wrote.
func ParseID(s string) (id ID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("plugins: module id %q: must be %d hexadecimal digits", s, 2*len(id))
	}
	return ID(b), nil
}
