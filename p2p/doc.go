// Package p2p is one libp2p host that carries bytes and verdicts.
//
// It gives the rest of a node an identity, reachable addresses, discovery of
// other nodes, request streams made of bounded frames, gossip topics whose
// messages are judged before they are passed on, and resumable transfer of
// blobs from several peers at once. Everything it speaks is bound to one
// genesis: all protocol ids, the topics and the DHT begin with Prefix(genesis),
// so that nodes of two networks may connect but find nothing to say to each
// other.
//
// It is reached behind a router through peers that relay, remembers its peers
// across restarts, and binds addresses to peer ids by signed records. The same
// interface in memory is package memnet; package p2ptest holds both to it.
//
// It promises that nothing a peer sends is allocated before its size was
// checked, that a peer can hold only a bounded number of handlers and is told
// when to come back for more, and that each handler ends. It never looks inside
// a message: what a payload means and whether it is true is for the caller, who
// answers with a Verdict.
//
//	h, err := p2p.New(p2p.Config{Seed: seed, Genesis: genesis})
//	h.Handle("echo", func(ctx context.Context, s *p2p.Stream) {
//		if b, err := s.Recv(1 << 10); err == nil {
//			s.Send(b)
//		}
//	})
//	defer h.Close()
package p2p
