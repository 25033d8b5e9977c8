package chain

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/ledger"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrBroken: the ledger, the store or consensus failed. The process must
	// end; nothing was executed after the failure.
	ErrBroken = errors.New("chain: broken")
	// ErrOtherGenesis: the home holds a chain that began with another genesis.
	ErrOtherGenesis = errors.New("chain: home belongs to another genesis")
	// ErrSigner: the remote signer does not answer.
	ErrSigner = errors.New("chain: remote signer")
	// ErrKnown: the transaction waits already, or was included.
	ErrKnown = errors.New("chain: transaction is known")
	// ErrReplace: another transaction of the account with this nonce waits, and
	// this one does not pay a tenth more.
	ErrReplace = errors.New("chain: a transaction with this nonce waits already")
	// ErrFull: no room for the transaction now; pay more or try again later.
	ErrFull = errors.New("chain: pool of waiting transactions is full")
	// ErrUnavailable: the asked node does not have it, or no longer.
	ErrUnavailable = errors.New("chain: not available at this height")
	// ErrVerify: an answer to a light client is false or malformed.
	ErrVerify = errors.New("chain: answer does not verify")
	// ErrTrust: no root of trust is recent enough; a join string with a recent
	// block gives one.
	ErrTrust = errors.New("chain: no recent root of trust")
	// ErrAttack: two conflicting blocks carry enough signatures. A light client
	// must not go on, and somebody's keys are stolen or misused.
	ErrAttack = errors.New("chain: the chain is forked: attack on light clients")
	// ErrRequest: a light request is malformed or asks for too much.
	ErrRequest = errors.New("chain: bad request")
	// ErrTooLarge: the answer would exceed MaxAnswer; ask for fewer keys.
	ErrTooLarge = errors.New("chain: answer too large")
	// ErrClosed: the node was closed.
	ErrClosed = errors.New("chain: node closed")
)

func brokenf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}

// Blame says whether an error of Insert proves that whoever passed the
// transaction on should have known: it is malformed, too large, of another
// chain, or not signed by its account. All other reasons depend on the state.
func Blame(err error) bool {
	code, ok := ledger.CodeOf(err)
	if !ok {
		return false
	}
	switch code {
	case ledger.CodeMalformed, ledger.CodeSize, ledger.CodeSignature, ledger.CodeChain:
		return true
	}
	return false
}
