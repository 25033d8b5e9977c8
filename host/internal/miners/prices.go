package miners

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
)

// The file of prices has one "height,netuid,price" a line, oldest first: the spot
// price, in TAO per alpha with at most nine decimals, that a subnet's pool has
// after the block, proved against its header. A block that nobody had asked about
// is missing.

// pricesMost is the size in bytes at which the older half of the file is dropped,
// and pricesPause how often a new block is looked for.
const (
	pricesMost  = 512 << 10
	pricesPause = 300 * time.Millisecond
)

// prices writes the file.
type prices struct {
	file string
	r    *remote.Remote
	log  *slog.Logger
	size int64
	last ledger.Height
}

// run writes until ctx ends. A file that is there is gone on with.
func (p *prices) run(ctx context.Context) error {
	if err := p.open(); err != nil {
		return err
	}
	for {
		if err := p.once(ctx); err != nil && ctx.Err() == nil {
			p.log.Debug("prices", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pricesPause):
		}
	}
}

// open makes the file, or finds the height up to which it goes.
func (p *prices) open() error {
	if err := os.MkdirAll(filepath.Dir(p.file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(p.file, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		height, _, _ := bytes.Cut(s.Bytes(), []byte(","))
		if h, err := strconv.ParseUint(string(height), 10, 64); err == nil {
			p.last = h
		}
	}
	info, err := f.Stat()
	if err == nil {
		p.size = info.Size()
	}
	return errors.Join(err, s.Err())
}

// once appends the prices of the newest block, if it is new.
func (p *prices) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	v, err := p.r.View(ctx)
	if err != nil || v.Height() <= p.last {
		return err
	}
	nets, err := ledger.Subnets(v)
	if err != nil {
		return err
	}
	var lines []byte
	for _, n := range nets {
		m, err := ledger.LoadMarket(v, n)
		if err != nil {
			return err
		}
		if m != nil && m.Alpha > 0 {
			lines = fmt.Appendf(lines, "%d,%d,%s\n", v.Height(), n, m.SpotPrice())
		}
	}
	if err := p.append(lines); err != nil {
		return err
	}
	p.last = v.Height()
	return nil
}

// append adds lines in one write, and keeps the file bounded.
func (p *prices) append(lines []byte) error {
	f, err := os.OpenFile(p.file, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	n, err := f.Write(lines)
	p.size += int64(n)
	if err = errors.Join(err, f.Close()); err != nil || p.size <= pricesMost {
		return err
	}
	all, err := os.ReadFile(p.file)
	if err != nil {
		return err
	}
	all = all[len(all)/2:]
	all = all[bytes.IndexByte(all, '\n')+1:]
	if err := os.WriteFile(p.file+".new", all, 0o600); err != nil {
		return err
	}
	p.size = int64(len(all))
	return os.Rename(p.file+".new", p.file)
}
