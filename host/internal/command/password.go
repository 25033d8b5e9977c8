package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/plexus-network/plexus/host/keys"
)

// passwordEnv has the password of a key, for processes without a terminal.
const passwordEnv = "PLEXUS_PASSWORD"

// maxPassword bounds a password in bytes.
const maxPassword = 1024

// passwordFlags say where the password of a key comes from: a file, a
// descriptor, the environment, or the terminal, in this order.
type passwordFlags struct {
	file string
	fd   int
	env  string
}

func (f *passwordFlags) add(c *cobra.Command) {
	f.env = passwordEnv
	c.Flags().StringVar(&f.file, "password-file", "", "file whose first line is the password")
	c.Flags().IntVar(&f.fd, "password-fd", -1, "open descriptor from which the password is read")
}

// ask returns a function that reads the password once it is needed. what names
// the key to a person; twice has a new password typed again.
func (f *passwordFlags) ask(c *cobra.Command, what string, twice bool) func() ([]byte, error) {
	return func() ([]byte, error) {
		switch {
		case f.file != "":
			if err := keys.CheckMode(f.file); err != nil {
				return nil, err
			}
			r, err := os.Open(f.file)
			if err != nil {
				return nil, err
			}
			defer r.Close()
			return firstLine(r)
		case f.fd >= 0:
			r := os.NewFile(uintptr(f.fd), "password")
			if r == nil {
				return nil, usage("--password-fd %d: no such descriptor", f.fd)
			}
			defer r.Close()
			return firstLine(r)
		}
		if p := os.Getenv(f.env); p != "" {
			return []byte(p), nil
		}
		p, err := prompt(c.Context(), "password of "+what)
		if err != nil || !twice {
			return p, err
		}
		again, err := prompt(c.Context(), "the same again")
		if err == nil && !bytes.Equal(p, again) {
			err = usage("the two passwords differ")
		}
		return p, err
	}
}

// firstLine reads a password up to the end of its line.
func firstLine(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPassword+2))
	if err != nil {
		return nil, err
	}
	b, _, _ = bytes.Cut(b, []byte("\n"))
	b = bytes.TrimSuffix(b, []byte("\r"))
	if len(b) == 0 || len(b) > maxPassword {
		return nil, usage("a password has 1 to %d bytes", maxPassword)
	}
	return b, nil
}

// errNoTerminal says how to give what cannot be asked for.
var errNoTerminal = fmt.Errorf("%w: give --password-file, --password-fd or %s, since there is no terminal to ask on", keys.ErrNoPassword, passwordEnv)

// prompt asks on the terminal without showing what is typed.
func prompt(ctx context.Context, what string) ([]byte, error) {
	fd := int(os.Stdin.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return nil, errNoTerminal
	}
	// The signal's handler ends ctx, which a read does not notice: put the
	// terminal in order and go.
	stop := context.AfterFunc(ctx, func() {
		term.Restore(fd, state)
		fmt.Fprintln(os.Stderr)
		os.Exit(exitDiffers)
	})
	defer stop()
	fmt.Fprintf(os.Stderr, "%s: ", what)
	b, err := term.ReadPassword(fd)
	fmt.Fprintln(os.Stderr)
	if errors.Is(err, io.EOF) || err == nil && len(b) == 0 {
		return nil, usage("no password was typed")
	}
	return b, err
}

// confirm asks a question on the terminal, to be answered with yes. --yes
// answers it beforehand; without a terminal it has to.
func confirm(c *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return usage("%s Say so with --yes, since there is no terminal to ask on", question)
	}
	fmt.Fprintf(os.Stderr, "%s Type yes: ", question)
	var answer string
	if _, err := fmt.Fscanln(c.InOrStdin(), &answer); err != nil || answer != "yes" {
		return &coded{exitDiffers, errors.New("nothing was done")}
	}
	return nil
}
