package chain

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
)

// Bounds of the light protocol, which is one request and one answer, both
// canonical and bounded, over any transport.
const (
	MaxRequest = wire.MaxRequest // bytes of a request
	MaxAnswer  = wire.MaxAnswer  // bytes of an answer
	MaxKeys    = wire.MaxKeys    // keys of a request
	maxHeader  = 256 << 10       // bytes of a light block
)

func decodeRequest(b []byte) (wire.Request, error) {
	r, err := wire.DecodeRequest(b)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return r, err
}

// The codes of an answer.
var answerCodes = []error{nil, ErrRequest, ErrUnavailable, ErrTooLarge}

func encodeAnswer(payload []byte, err error) []byte {
	if err == nil {
		return wire.Answer{Payload: payload}.Encode()
	}
	a := wire.Answer{Code: 2, Detail: err.Error()}
	for i, e := range answerCodes {
		if e != nil && errors.Is(err, e) {
			a.Code = uint64(i)
		}
	}
	return a.Encode()
}

// decodeAnswer returns the payload, or the error that the node answered with.
func decodeAnswer(b []byte) ([]byte, error) {
	a, err := wire.DecodeAnswer(b, len(answerCodes))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	if a.Code != 0 {
		return nil, fmt.Errorf("%w: the node says: %s", answerCodes[a.Code], a.Detail)
	}
	return a.Payload, nil
}

// decodeGenesis reads the genesis that has a hash.
func decodeGenesis(b []byte, hash [32]byte) (*ledger.Genesis, error) {
	g, err := ledger.DecodeGenesis(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	if got := g.Hash(); got != hash {
		return nil, fmt.Errorf("%w: genesis %x, want %x", ErrVerify, got[:8], hash[:8])
	}
	return g, nil
}
