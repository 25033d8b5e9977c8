package node

import (
	"slices"
	"testing"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/p2p"
)

// Package config states the defaults of package p2p without importing it.
func TestDefaultsAgree(t *testing.T) {
	c := config.Default()
	if !slices.Equal(c.Listen, []string{p2p.DefaultListen}) || c.P2P.MaxPeers != p2p.DefaultMaxPeers || c.P2P.PrefixPeers != p2p.DefaultPrefixPeers {
		t.Errorf("listen %v, max peers %d, prefix peers %d", c.Listen, c.P2P.MaxPeers, c.P2P.PrefixPeers)
	}
}
