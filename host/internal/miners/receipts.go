package miners

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/round"
)

const (
	// receiptEpochs is how many epochs before the newest one receipts are kept of:
	// as long as validators must serve the evidence that they are held against.
	receiptEpochs = ledger.CarryEpochs
	// maxReceipts bounds the receipts of one subnet and epoch, in bytes: more than
	// 20,000. Beyond it none is kept.
	maxReceipts = 16 << 20
	receiptsExt = ".receipts"
)

// ErrReceipts: an epoch has brought more receipts than are kept.
var ErrReceipts = fmt.Errorf("more than %d MiB of receipts in one epoch: further ones are not kept", maxReceipts>>20)

// Receipts keeps in a folder what validators signed for the answers they took, in
// a file for each subnet and epoch that others may read meanwhile. A crash of the
// machine may lose the newest; nothing waits for the disk.
type Receipts struct {
	dir string

	mu    sync.Mutex
	epoch map[ledger.NetUID]ledger.Epoch // newest, whose elders were deleted
}

// ReceiptsIn is the folder of receipts in a miner's home.
func ReceiptsIn(home string) string { return filepath.Join(home, "receipts") }

// OpenReceipts makes the folder if need be.
func OpenReceipts(dir string) (*Receipts, error) {
	return &Receipts{dir: dir, epoch: map[ledger.NetUID]ledger.Epoch{}}, os.MkdirAll(dir, 0o700)
}

func receiptsName(n ledger.NetUID, e ledger.Epoch) string {
	return fmt.Sprintf("netuid%d-epoch%d%s", n, e, receiptsExt)
}

// parseReceipts reads a name that receiptsName made.
func parseReceipts(name string) (n ledger.NetUID, e ledger.Epoch, ok bool) {
	rest, ok := strings.CutSuffix(name, receiptsExt)
	if !ok {
		return 0, 0, false
	}
	left, right, ok := strings.Cut(rest, "-epoch")
	net, cut := strings.CutPrefix(left, "netuid")
	a, err := strconv.ParseUint(net, 10, 16)
	b, berr := strconv.ParseUint(right, 10, 64)
	return ledger.NetUID(a), b, ok && cut && err == nil && berr == nil
}

// Add keeps one receipt.
func (r *Receipts) Add(n ledger.NetUID, e ledger.Epoch, h *round.Held) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if newest, known := r.epoch[n]; !known || e > newest {
		r.epoch[n] = e
		if err := r.forget(n, e); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(filepath.Join(r.dir, receiptsName(n, e)), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = AppendReceipt(f, h)
	return err
}

// AppendReceipt appends one receipt to a file of them, unless it is full.
func AppendReceipt(f *os.File, h *round.Held) (n int, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	b := h.Append(make([]byte, 4))
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	if info.Size()+int64(len(b)) > maxReceipts {
		return 0, ErrReceipts
	}
	return f.Write(b)
}

// forget deletes the files of epochs too old to matter.
func (r *Receipts) forget(n ledger.NetUID, newest ledger.Epoch) error {
	all, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	for _, x := range all {
		if net, e, ok := parseReceipts(x.Name()); ok && net == n && e+receiptEpochs < newest {
			if err := os.Remove(filepath.Join(r.dir, x.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// ReadReceipts reads a file of receipts, or those in a folder that are of a
// subnet and epoch. A receipt at the end that is there in part is left out: it is
// being written, or was when the machine stopped.
func ReadReceipts(path string, n ledger.NetUID, e ledger.Epoch) ([]*round.Held, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		path = filepath.Join(path, receiptsName(n, e))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReader(io.LimitReader(f, maxReceipts))
	var out []*round.Held
	for {
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return out, whole(err)
		}
		length := binary.LittleEndian.Uint32(size[:])
		if length > round.MaxHeld {
			return nil, fmt.Errorf("%s: receipt %d: %w: %d bytes, at most %d", path, len(out), round.ErrReceipt, length, round.MaxHeld)
		}
		b := make([]byte, length)
		if _, err := io.ReadFull(in, b); err != nil {
			return out, whole(err)
		}
		h, err := round.DecodeHeld(b)
		if err != nil {
			return nil, fmt.Errorf("%s: receipt %d: %w", path, len(out), err)
		}
		out = append(out, h)
	}
}

// whole takes an end within a receipt for the end.
func whole(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}
