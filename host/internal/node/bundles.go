package node

import (
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/ledger"
)

// keepBundles is how many epochs a bundle is kept and served. The duty is
// ledger.CarryEpochs.
const keepBundles = 2 * ledger.CarryEpochs

// bundles is the folder of closed evidence: files named
// NETUID-EPOCH-ROOT.bundle, so that the name tells when one may be served.
type bundles struct{ dir string }

func bundleName(n ledger.NetUID, e ledger.Epoch, root [32]byte) string {
	return fmt.Sprintf("%d-%d-%x.bundle", n, e, root)
}

func parseBundle(name string) (n ledger.NetUID, e ledger.Epoch, root [32]byte, ok bool) {
	parts := strings.Split(strings.TrimSuffix(name, ".bundle"), "-")
	if len(parts) != 3 || !strings.HasSuffix(name, ".bundle") {
		return n, e, root, false
	}
	netuid, err1 := strconv.ParseUint(parts[0], 10, 16)
	epoch, err2 := strconv.ParseUint(parts[1], 10, 64)
	b, err3 := hex.DecodeString(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || len(b) != 32 {
		return n, e, root, false
	}
	return ledger.NetUID(netuid), epoch, [32]byte(b), true
}

// put keeps a bundle and drops those of the subnet that are too old to keep.
func (b *bundles) put(root [32]byte, n ledger.NetUID, e ledger.Epoch, file []byte) error {
	name := filepath.Join(b.dir, bundleName(n, e, root))
	tmp, err := os.CreateTemp(b.dir, "new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(file)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return err
	}
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return err
	}
	for _, f := range entries {
		if on, oe, _, ok := parseBundle(f.Name()); ok && on == n && oe+keepBundles < e {
			os.Remove(filepath.Join(b.dir, f.Name()))
		}
	}
	return nil
}

// open finds a bundle by its root. closed tells whether the commit window of its
// epoch is over; before that a bundle is served to nobody, so that nobody can
// commit what another found.
func (b *bundles) open(root [32]byte, closed func(ledger.NetUID, ledger.Epoch) bool) (io.ReadSeekCloser, int64, error) {
	found, err := filepath.Glob(filepath.Join(b.dir, fmt.Sprintf("*-%x.bundle", root)))
	if err != nil || len(found) == 0 {
		return nil, 0, fs.ErrNotExist
	}
	n, e, _, ok := parseBundle(filepath.Base(found[0]))
	if !ok || !closed(n, e) {
		return nil, 0, fs.ErrNotExist
	}
	f, err := os.Open(found[0])
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}
