package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/round"
)

// artifacts is the folder of what miners build together: files named
// NETUID-EPOCH-HASH.artifact, the epoch being the last one that used it. Whoever
// knows the hash, which is public once it is revealed, may have one.
type artifacts struct {
	dir string
	net *p2p.Host
}

// keepArtifacts is for how many epochs one is kept that is no longer used.
const keepArtifacts = 2 * ledger.CarryEpochs

func artifactName(n ledger.NetUID, e ledger.Epoch, hash [32]byte) string {
	return fmt.Sprintf("%d-%d-%x.artifact", n, e, hash)
}

func parseArtifact(name string) (n ledger.NetUID, e ledger.Epoch, hash [32]byte, ok bool) {
	stem, ok := strings.CutSuffix(name, ".artifact")
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 3 {
		return n, e, hash, false
	}
	netuid, err1 := strconv.ParseUint(parts[0], 10, 16)
	epoch, err2 := strconv.ParseUint(parts[1], 10, 64)
	b, err3 := hex.DecodeString(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || len(b) != 32 {
		return n, e, hash, false
	}
	return ledger.NetUID(netuid), epoch, [32]byte(b), true
}

// find is the file of an artifact, empty for none.
func (a *artifacts) find(n string, hash [32]byte) (string, error) {
	found, err := filepath.Glob(filepath.Join(a.dir, fmt.Sprintf("%s-*-%x.artifact", n, hash)))
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// get returns an artifact that an epoch uses: from the folder, or from peers, of
// which those that voted for it have it.
func (a *artifacts) get(ctx context.Context, n ledger.NetUID, e ledger.Epoch, hash [32]byte) ([]byte, error) {
	file, err := a.find(strconv.Itoa(int(n)), hash)
	if err != nil {
		return nil, err
	}
	if file != "" {
		b, err := os.ReadFile(file)
		if err == nil && round.ArtifactHash(b) == hash {
			if _, last, _, ok := parseArtifact(filepath.Base(file)); ok && last < e {
				err = os.Rename(file, filepath.Join(a.dir, artifactName(n, e, hash)))
			}
			return b, err
		}
		if err == nil {
			err = os.Remove(file) // damaged
		}
		if err != nil {
			return nil, err
		}
	}
	var b []byte
	_, err = a.net.FetchVerified(ctx, a.net.Peers(), hash, abi.MaxArtifact, func(got []byte) error {
		if round.ArtifactHash(got) != hash {
			return errors.New("it has another hash")
		}
		b = got
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return b, a.put(n, e, hash, b)
}

// put keeps an artifact and drops those of the subnet that were last used long
// ago.
func (a *artifacts) put(n ledger.NetUID, e ledger.Epoch, hash [32]byte, b []byte) error {
	have, err := a.find(strconv.Itoa(int(n)), hash)
	if err != nil || have != "" {
		return err
	}
	tmp, err := os.CreateTemp(a.dir, "new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(a.dir, artifactName(n, e, hash)))
	}
	if err != nil {
		os.Remove(tmp.Name())
		return err
	}
	all, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	for _, f := range all {
		if on, last, _, ok := parseArtifact(f.Name()); ok && on == n && last+keepArtifacts < e {
			os.Remove(filepath.Join(a.dir, f.Name()))
		}
	}
	return nil
}

// open finds an artifact of any subnet, to be served.
func (a *artifacts) open(hash [32]byte) (io.ReadSeekCloser, int64, error) {
	file, err := a.find("*", hash)
	if err != nil || file == "" {
		return nil, 0, fs.ErrNotExist
	}
	f, err := os.Open(file)
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
