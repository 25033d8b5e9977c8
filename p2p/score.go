package p2p

import (
	"maps"
	"net"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

// GraylistScore is the gossip score below which nothing a peer says is heard.
// Below -500 no gossip is exchanged with it, below -1000 nothing is published to
// it.
const GraylistScore = -2500

// maxBlame is how much what a peer was blamed for may take from its gossip score.
const maxBlame = 1000

// scores has what gossipsub thinks of peers.
type scores struct {
	mu   sync.Mutex
	last map[peer.ID]float64
}

// Scores returns the gossip scores as of the last second. A peer that left keeps
// a negative one for six hours.
func (h *Host) Scores() map[peer.ID]float64 {
	h.scores.mu.Lock()
	defer h.scores.mu.Unlock()
	return maps.Clone(h.scores.last)
}

// standing is what a peer was blamed for, as part of its score.
func (h *Host) standing(id peer.ID) float64 { return max(-h.conduct.Points(id), -maxBlame) }

func (h *Host) blamer(id peer.ID) func(points float64) {
	return func(points float64) { h.conduct.Blame(id, points) }
}

func (s *scores) inspect(now map[peer.ID]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = now
}

// scoring sets what misconduct costs. A topic counts a tenth, and rejected
// messages within an hour count squared, times 1000: six of them put a peer
// below all thresholds. Many peers behind one address cost something, except on
// this machine, where a development network lives.
func (h *Host) scoring(prefix int) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	p := &pubsub.PeerScoreParams{
		AppSpecificScore: h.standing, AppSpecificWeight: 1,
		TopicScoreCap:            100,
		IPColocationFactorWeight: -100, IPColocationFactorThreshold: max(prefix, 5),
		BehaviourPenaltyWeight: -10, BehaviourPenaltyThreshold: 6, BehaviourPenaltyDecay: pubsub.ScoreParameterDecay(time.Hour),
		DecayInterval: time.Second, DecayToZero: 0.01, RetainScore: 6 * time.Hour,
		Topics: map[string]*pubsub.TopicScoreParams{},
	}
	for _, s := range []string{"127.0.0.0/8", "::1/128"} {
		_, n, err := net.ParseCIDR(s)
		if err != nil {
			panic(err) // constants
		}
		p.IPColocationFactorWhitelist = append(p.IPColocationFactorWhitelist, n)
	}
	return p, &pubsub.PeerScoreThresholds{
		GossipThreshold: -500, PublishThreshold: -1000, GraylistThreshold: GraylistScore,
		AcceptPXThreshold: 1000, OpportunisticGraftThreshold: 3.5,
	}
}

// topicScore rewards first deliveries a little and punishes invalid messages.
// Mesh delivery (P3) is off: on quiet topics it punishes honest peers.
func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		SkipAtomicValidation: true,
		TopicWeight:          0.1,
		TimeInMeshWeight:     0.0003, TimeInMeshQuantum: time.Second, TimeInMeshCap: 3600,
		FirstMessageDeliveriesWeight: 1, FirstMessageDeliveriesDecay: pubsub.ScoreParameterDecay(10 * time.Minute), FirstMessageDeliveriesCap: 100,
		InvalidMessageDeliveriesWeight: -1000, InvalidMessageDeliveriesDecay: pubsub.ScoreParameterDecay(time.Hour),
	}
}
