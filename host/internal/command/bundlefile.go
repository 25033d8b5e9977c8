package command

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/join"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// source is what evidence is checked against: a network, or what is kept in the
// evidence's file.
type source interface {
	Fresh(ctx context.Context) (ledger.View, error)
	Module(ctx context.Context, id plugins.ID, progress func(done, total int64)) ([]byte, error)
}

// bundleFile is a bundle read from a file, with what 'plexus evidence get' kept
// beside it there.
type bundleFile struct {
	name   string
	bundle *evidence.Bundle
	kept   *remote.Kept // nil for a bare bundle
	raw    []byte       // what is kept, as it stands in the file
}

// readBundle reads a bundle from a file, whatever its root.
func readBundle(name string) (*bundleFile, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > evidence.MaxFile {
		return nil, fmt.Errorf("%s: %d bytes, a bundle with its proofs has at most %d", name, info.Size(), evidence.MaxFile)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := &bundleFile{name: name}
	if f.bundle, err = evidence.Unpack(raw); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if f.raw, err = evidence.Attached(raw); err == nil && f.raw != nil {
		f.kept, err = remote.DecodeKept(f.raw)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// trustFlag is the block that a file's proofs are to end in.
type trustFlag struct{ text string }

func (f *trustFlag) add(c *cobra.Command) {
	c.Flags().StringVar(&f.text, "trust", "", "HEIGHT:HASH of the block that the proofs in a file end in (default: they begin where the join string says)")
}

// of is what a file is checked against: what it holds itself, and a network only
// when it holds nothing. close ends the use of it.
func (f *trustFlag) of(ctx context.Context, file *bundleFile, join string) (s source, close func(), err error) {
	block, err := f.parse()
	if err != nil {
		return nil, nil, err
	}
	if file.kept == nil {
		if block != nil {
			return nil, nil, usage("--trust: %s holds no proofs: 'plexus evidence get' writes files that do", file.name)
		}
		r, err := dial(ctx, join)
		if err != nil {
			return nil, nil, &coded{exitUnavailable, fmt.Errorf("%s holds the bundle alone, without the proofs of the chain and the module that 'plexus evidence get' adds, and no network is to be had: %w", file.name, err)}
		}
		return r, func() { r.Close() }, nil
	}
	var j remote.Join
	if block == nil {
		text, err := joinString(join)
		if err != nil {
			return nil, nil, f.needed(file, err)
		}
		if j, err = remote.ParseJoin(text); err != nil {
			return nil, nil, err
		}
	}
	file.kept.Trust(j, block)
	if _, err := file.kept.Fresh(ctx); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file.name, err)
	}
	return file.kept, func() {}, nil
}

// unused refuses the flag where a network is read, whose root of trust the join
// string names.
func (f *trustFlag) unused() error {
	if f.text != "" {
		return usage("--trust is for files: of a network, the join string names the block to trust, plexus://GENESIS@HEIGHT:HASH/ADDRESS")
	}
	return nil
}

func (f *trustFlag) parse() (*ledger.Anchor, error) {
	if f.text == "" {
		return nil, nil
	}
	block, err := join.ParseAnchor(f.text)
	if err != nil {
		return nil, usage("--trust: %w", err)
	}
	return block, nil
}

// needed says what to trust when no join string is known.
func (f *trustFlag) needed(file *bundleFile, err error) error {
	own, aerr := file.kept.Tape.Anchor()
	if aerr != nil {
		return fmt.Errorf("%s: %w", file.name, aerr)
	}
	return usage("%s: its proofs need a root of trust: the network's join string (%w), or --trust %d:%x if you know that block's hash from a source that you trust", file.name, err, own.Height, own.Hash)
}

// keepProofs attaches to a bundle's file everything that a replay asks a network
// for, and returns the block that its proofs end in. A file that it cannot
// complete stays as it is.
func keepProofs(ctx context.Context, r *remote.Remote, p *published, name string) (own chain.Anchor, err error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return own, err
	}
	b, err := evidence.Decode(file, p.committed.Evidence)
	if err != nil {
		return own, err
	}
	k := &remote.Kept{}
	k.Tape, err = r.Record(ctx, func(v ledger.View) error {
		// What a check reads is what a replay reads. A bundle that is bad is kept as
		// well: it shows that it is.
		if _, err := evidence.Verify(ctx, v, b, nil); err != nil {
			return err
		}
		rec, err := ledger.LoadRecord(v, b.NetUID, b.Epoch)
		if err == nil {
			k.Code, err = r.Module(ctx, rec.Module, nil)
		}
		return err
	})
	if err != nil {
		return own, err
	}
	whole, err := evidence.Attach(file, k.Append(nil))
	if err != nil {
		return own, err
	}
	if own, err = k.Tape.Anchor(); err != nil {
		return own, err
	}
	return own, writeAtomic(name, whole)
}
