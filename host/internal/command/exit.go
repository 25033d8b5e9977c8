package command

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/host/internal/miners"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
)

// Exit codes. 0 is success. They are a promise to scripts: a number is never
// given another meaning.
const (
	exitDiffers     = 1  // a replay or a check found a difference; any other failure
	exitUnavailable = 2  // evidence is not to be had
	exitFull        = 28 // no space left on the disk
	exitUsage       = 64 // the command line is wrong
	exitNetwork     = 69 // no node answers, or none has what was asked for yet
	exitBroken      = 70 // the ledger, its store or consensus broke: the node stopped
	exitInUse       = 71 // an address to listen on is taken
	exitLocked      = 73 // another process has the home
	exitIO          = 74 // a file cannot be read or written
	exitKey         = 77 // a key is refused: wrong password, damaged file, loose mode
	exitConfig      = 78 // the configuration is wrong, or is for another network
)

// exitCodes are the codes with what they mean, as the help shows them.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{0, "success"},
	{exitDiffers, "failure, or a difference found"},
	{exitUnavailable, "evidence not to be had"},
	{exitFull, "no space left on the disk"},
	{exitUsage, "wrong usage"},
	{exitNetwork, "no node answers, or none has what was asked for yet"},
	{exitBroken, "broken chain, store or consensus: the node stopped"},
	{exitInUse, "an address to listen on is in use"},
	{exitLocked, "another process has the home"},
	{exitIO, "a file cannot be read or written"},
	{exitKey, "a key is refused: wrong password, damaged file, loose mode"},
	{exitConfig, "wrong configuration, or one for another network"},
}

// coded is an error with an exit code of its own.
type coded struct {
	code int
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// usage wraps an argument error of a command.
func usage(format string, args ...any) error { return &coded{exitUsage, fmt.Errorf(format, args...)} }

// exitCode is the code of an error. The order matters: what broke comes before
// what the operating system said of it.
func exitCode(err error) int {
	var c *coded
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, &c):
		return c.code
	case is(syscall.ENOSPC, syscall.EDQUOT):
		return exitFull
	case is(store.ErrLocked, kv.ErrLocked):
		return exitLocked
	case is(chain.ErrBroken, ledger.ErrBroken, chain.ErrAttack, store.ErrCorrupt, kv.ErrCorrupt):
		return exitBroken
	case is(config.ErrConfig, config.ErrOtherNetwork, chain.ErrOtherGenesis, ledger.ErrGenesis):
		return exitConfig
	case is(keys.ErrMode, keys.ErrFile, keys.ErrPassword, keys.ErrNoPassword, keys.ErrWatch, keys.ErrUnknown, keys.ErrScheme, keys.ErrForeign):
		return exitKey
	case is(chain.ErrLacks):
		return exitUnavailable
	case is(remote.ErrNoNode, api.ErrNoAPI, admin.ErrNoNode, chain.ErrUnavailable):
		return exitNetwork
	case is(remote.ErrJoin, miners.ErrNoSubnet, chain.ErrTrust, key.ErrAddress, keys.ErrName):
		return exitUsage
	case isInUse(err):
		return exitInUse
	case isFileError(err):
		return exitIO
	}
	return exitDiffers
}

// isInUse reports whether an address to listen on is taken. libp2p passes on the
// text of the error and not the error.
func isInUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || strings.Contains(err.Error(), syscall.EADDRINUSE.Error())
}

// isFileError reports whether the operating system refused a file.
func isFileError(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p)
}

// exitTopic is the help on exit codes.
func exitTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("Exit codes of all commands:\n\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %2d  %s\n", e.code, e.meaning)
	}
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: strings.TrimRight(b.String(), "\n")}
}
