package node

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/host/internal/kv"
)

// bans keeps peers out that the operator does not want. It outlives restarts:
// ban/PEER -> until, in Unix seconds.
type bans struct {
	host   host.Host
	db     *kv.DB
	notify *network.NotifyBundle

	mu    sync.Mutex
	until map[peer.ID]time.Time
}

const banPrefix = "ban/"

func newBans(h host.Host, db *kv.DB) (*bans, error) {
	b := &bans{host: h, db: db, until: map[peer.ID]time.Time{}}
	err := db.Range([]byte(banPrefix), []byte("ban0"), false, func(k, v []byte) (bool, error) {
		id, err := peer.IDFromBytes(k[len(banPrefix):])
		if err != nil || len(v) != 8 {
			return false, fmt.Errorf("%w: list of banned peers", kv.ErrCorrupt)
		}
		b.until[id] = time.Unix(int64(binary.BigEndian.Uint64(v)), 0)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	b.notify = &network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		if b.banned(c.RemotePeer()) {
			c.Close()
		}
	}}
	h.Network().Notify(b.notify)
	return b, nil
}

func (b *bans) close() { b.host.Network().StopNotify(b.notify) }

func (b *bans) banned(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Before(b.until[id])
}

// ban closes the connections of a peer and refuses new ones for a while.
func (b *bans) ban(id peer.ID, d time.Duration) (time.Time, error) {
	until := time.Now().Add(d).Truncate(time.Second)
	b.mu.Lock()
	b.until[id] = until
	b.mu.Unlock()
	err := b.db.Put(append([]byte(banPrefix), id...), binary.BigEndian.AppendUint64(nil, uint64(until.Unix())))
	if err != nil {
		return until, err
	}
	return until, b.host.Network().ClosePeer(id)
}

// unban says whether the peer was banned.
func (b *bans) unban(id peer.ID) (was bool, err error) {
	b.mu.Lock()
	_, was = b.until[id]
	delete(b.until, id)
	b.mu.Unlock()
	return was, b.db.Delete(append([]byte(banPrefix), id...))
}

// list returns the peers that are banned now.
func (b *bans) list() map[peer.ID]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[peer.ID]time.Time{}
	for id, t := range b.until {
		if time.Now().Before(t) {
			out[id] = t
		}
	}
	return out
}
