package api

import (
	"encoding/base64"
	"net/http"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Kinds of cursors.
const (
	cursorBlocks  = 1
	cursorHistory = 2
)

// cursor is where a page ends: base64url of [1, kind, height, seq]. Callers pass
// it back as they got it.
func cursor(kind, height, seq uint64) string {
	b := cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(nil, 4), 1), kind)
	return base64.RawURLEncoding.EncodeToString(cbor.AppendUint(cbor.AppendUint(b, height), seq))
}

// parseCursor reads a cursor of a kind. An empty one is the beginning: ok is
// false.
func parseCursor(s string, kind uint64) (height, seq uint64, ok bool, err error) {
	if s == "" {
		return 0, 0, false, nil
	}
	bad := problem(http.StatusBadRequest, "cursor is not one of this list: pass next of the page before as it was, or leave it out for the first page")
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) > 32 {
		return 0, 0, false, bad
	}
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	k := d.Uint()
	height, seq = d.Uint(), d.UintMax(1<<32-1)
	if d.End() != nil || k != kind {
		return 0, 0, false, bad
	}
	return height, seq, true, nil
}
