package dataset

import (
	"encoding/hex"
	"strings"

	"github.com/plexus-network/plexus/ledger/key"
)

// FileName is what the file of a set, open or sealed, is called where files are
// found by name.
func FileName(root [32]byte) string { return hex.EncodeToString(root[:]) + ".set" }

// GrantName is that of a reader's sealed grant.
func GrantName(root [32]byte, reader key.ID) string {
	id := GrantID(root, reader)
	return hex.EncodeToString(id[:]) + ".grant"
}

// SecretName is that of the secret of whoever sealed a set.
func SecretName(root [32]byte) string { return hex.EncodeToString(root[:]) + ".secret" }

// noSet reports whether a file of a folder is surely no set.
func noSet(name string) bool {
	for _, end := range []string{".part", ".grant", ".secret"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return strings.HasPrefix(name, ".")
}
