package validator

import (
	"errors"
	"io"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/round"
)

// Fault is what is wrong with a miner's message.
type Fault string

// The faults. All but the last prove misconduct of the peer that sent the
// message: over its authenticated stream it can never have been right.
const (
	FaultMalformed Fault = "malformed" // no message of the exchange, or not one that may come now
	FaultOversize  Fault = "oversize"  // longer than the exchange, or the module's manifest, allows
	FaultUnsigned  Fault = "unsigned"  // an answer without a signature
	FaultSignature Fault = "signature" // an answer that the miner did not sign
	FaultStale     Fault = "stale"     // an answer to another request
	FaultMismatch  Fault = "mismatch"  // a payload that is not what was announced
	FaultTruncated Fault = "truncated" // the stream ended within a message, as it may when a line breaks
)

// Faults lists all of them.
func Faults() []Fault {
	return []Fault{FaultMalformed, FaultOversize, FaultUnsigned, FaultSignature, FaultStale, FaultMismatch, FaultTruncated}
}

// blame is what one provable fault costs the peer that it came from.
const blame = 200

// Why a round was skipped, in Event.Err.
var (
	ErrModule = errors.New("loading module")
	ErrData   = errors.New("opening data")
)

// wrong notes a fault of the miner at the other end of a stream.
func (t *talk) wrong(s *p2p.Stream, f Fault) {
	t.fault = f
	if f != FaultTruncated {
		s.Blame(blame)
	}
}

// unread notes why a message could not be read, if that is the miner's fault.
func (t *talk) unread(s *p2p.Stream, err error) {
	switch {
	case errors.Is(err, p2p.ErrFrame):
		t.wrong(s, FaultOversize)
	case errors.Is(err, round.ErrAnswer):
		t.wrong(s, FaultMalformed)
	case errors.Is(err, io.ErrUnexpectedEOF):
		t.wrong(s, FaultTruncated)
	}
}

// unfit names what is wrong with an answer that does not open.
func unfit(answer *round.Signed, err error) Fault {
	switch {
	case answer.Sig == (key.Signature{}):
		return FaultUnsigned
	case errors.Is(err, round.ErrOther):
		return FaultStale
	case errors.Is(err, key.ErrSignature):
		return FaultSignature
	}
	return FaultMalformed
}
