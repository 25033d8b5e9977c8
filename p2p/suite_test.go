package p2p_test

import (
	"testing"

	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/p2p/p2ptest"
)

func TestSuite(t *testing.T) {
	for name, listen := range map[string]string{"quic": p2p.DefaultListen, "tcp": "/ip4/127.0.0.1/tcp/0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p2ptest.Run(t, nil, func(t *testing.T, n int) (out []p2ptest.Host) {
				var addrs []string
				for i := range n {
					h, err := p2p.New(p2p.Config{Seed: [32]byte{byte(i + 1)}, Genesis: [32]byte{1}, Listen: []string{listen}})
					if err != nil {
						t.Fatal(err)
					}
					if err := h.Connect(t.Context(), addrs...); err != nil {
						t.Fatal(err)
					}
					addrs = append(addrs, h.Addrs()...)
					out = append(out, h)
				}
				return out
			})
		})
	}
}
