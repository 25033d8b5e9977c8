package evidence

import (
	"bufio"
	encoding "encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/plexus-network/plexus/ledger"
)

// LeastKeep is how many epochs evidence must be kept and served: as long as
// anything of it may still count.
const LeastKeep = ledger.CarryEpochs

// Folder holds the files of closed bundles, named NETUID-EPOCH-ROOT.bundle so
// that the name tells when one may be served and dropped. What it takes of the
// disk is bounded: for each subnet keep epochs of at most the subnet's
// evidence_max each, unless it is an archive. Its methods may be called
// concurrently.
type Folder struct {
	dir  string
	mu   sync.Mutex
	keep ledger.Epoch // 0 for an archive
}

// OpenFolder opens a folder, which exists, that keeps the bundles of the last
// keep epochs of each subnet, at least LeastKeep; 0 keeps all. What a crash left
// unfinished is removed.
func OpenFolder(dir string, keep ledger.Epoch) (*Folder, error) {
	f := &Folder{dir: dir}
	f.SetKeep(keep)
	left, err := filepath.Glob(filepath.Join(dir, "new-*"))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return f, err
}

// SetKeep changes how many epochs are kept, from the next Put on.
func (f *Folder) SetKeep(keep ledger.Epoch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keep = keep; keep != 0 {
		f.keep = max(keep, LeastKeep)
	}
}

// Kept is one bundle of a Folder.
type Kept struct {
	NetUID ledger.NetUID
	Epoch  ledger.Epoch
	Root   [32]byte
}

func (k *Kept) name() string { return fmt.Sprintf("%d-%d-%x.bundle", k.NetUID, k.Epoch, k.Root) }

func parseKept(name string) (k Kept, ok bool) {
	stem, ok := strings.CutSuffix(name, ".bundle")
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 3 {
		return k, false
	}
	n, err1 := strconv.ParseUint(parts[0], 10, 16)
	e, err2 := strconv.ParseUint(parts[1], 10, 64)
	root, err3 := encoding.DecodeString(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || len(root) != 32 {
		return k, false
	}
	return Kept{ledger.NetUID(n), e, [32]byte(root)}, true
}

// Put keeps the bundle that write writes, whose root it returns, and drops those
// of the subnet that are too old. A file appears under its name once it is whole.
func (f *Folder) Put(n ledger.NetUID, e ledger.Epoch, write func(io.Writer) ([32]byte, error)) (root [32]byte, size int64, err error) {
	tmp, err := os.CreateTemp(f.dir, "new-*")
	if err != nil {
		return root, 0, err
	}
	defer os.Remove(tmp.Name()) // it is not there when all went well
	w := bufio.NewWriterSize(tmp, 1<<16)
	root, err = write(w)
	if err == nil {
		err = errors.Join(w.Flush(), tmp.Sync())
	}
	if err == nil {
		size, err = tmp.Seek(0, io.SeekCurrent)
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return root, 0, err
	}
	k := Kept{n, e, root}
	if err := os.Rename(tmp.Name(), filepath.Join(f.dir, k.name())); err != nil {
		return root, 0, err
	}
	return root, size, f.prune(n, e)
}

// prune drops what is too old when epoch e of a subnet is closed.
func (f *Folder) prune(n ledger.NetUID, e ledger.Epoch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	all, err := f.List()
	if err != nil || f.keep == 0 {
		return err
	}
	for _, k := range all {
		if k.NetUID == n && k.Epoch+f.keep < e {
			err = errors.Join(err, os.Remove(filepath.Join(f.dir, k.name())))
		}
	}
	return err
}

// List returns what is kept, by netuid, epoch and root.
func (f *Folder) List() ([]Kept, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var out []Kept
	for _, d := range entries {
		if k, ok := parseKept(d.Name()); ok {
			out = append(out, k)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		if a.NetUID != b.NetUID {
			return a.NetUID < b.NetUID
		}
		if a.Epoch != b.Epoch {
			return a.Epoch < b.Epoch
		}
		return string(a.Root[:]) < string(b.Root[:])
	})
	return out, nil
}

// Open finds a bundle by its root; fs.ErrNotExist when there is none, or while
// closed says that the commit window of its epoch is open: nobody is served a
// bundle by which he could still commit what another found.
func (f *Folder) Open(root [32]byte, closed func(ledger.NetUID, ledger.Epoch) bool) (io.ReadSeekCloser, int64, error) {
	found, err := filepath.Glob(filepath.Join(f.dir, fmt.Sprintf("*-%x.bundle", root)))
	if err != nil || len(found) == 0 {
		return nil, 0, fs.ErrNotExist
	}
	k, ok := parseKept(filepath.Base(found[0]))
	if !ok || !closed(k.NetUID, k.Epoch) {
		return nil, 0, fs.ErrNotExist
	}
	file, err := os.Open(found[0])
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}
