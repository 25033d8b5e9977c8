package p2p

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"regexp"
	"runtime"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Verdict is what a validator says about a gossip message.
type Verdict int

// Verdicts. Accept passes the message on; Ignore drops it without blame (late,
// early, known); Reject drops it and costs the peer that sent it (malformed, bad
// signature: provably wrong for everyone).
const (
	Accept Verdict = iota
	Ignore
	Reject
)

// MaxMessage is the longest gossip message in bytes; larger things go by stream
// and topics carry their hashes.
const MaxMessage = 256 << 10

// A validator must answer in this time, else the message is ignored.
const validateTime = 500 * time.Millisecond

// Topic is a joined gossip topic.
type Topic struct {
	topic *pubsub.Topic
	sub   *pubsub.Subscription
	self  peer.ID
}

// newGossip starts gossipsub. Messages carry no author and no signature of the
// router: what is gossiped is signed by its own envelope, or is content.
func newGossip(ctx context.Context, h host.Host, prefix string) (*pubsub.PubSub, error) {
	ours, err := regexp.Compile("^" + regexp.QuoteMeta(prefix) + "/")
	if err != nil {
		return nil, err
	}
	gp := pubsub.DefaultGossipSubParams()
	gp.D, gp.Dlo, gp.Dhi, gp.Dlazy = 8, 6, 12, 12
	score, thresholds := scoring()
	return pubsub.NewGossipSub(ctx, h,
		pubsub.WithGossipSubParams(gp),
		// A message published before the mesh has formed (a heartbeat, 1 s)
		// would otherwise reach nobody, now or later.
		pubsub.WithFloodPublish(true),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(MaxMessage+1<<10), // with the router's own fields around it
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(pubsub.NewRegexpSubscriptionFilter(ours), 64)),
		pubsub.WithValidateQueueSize(512),
		pubsub.WithPeerScore(score, thresholds),
	)
}

// messageID makes a message its content, bound to its topic.
func messageID(m *pb.Message) string {
	s := sha256.New()
	s.Write([]byte(m.GetTopic()))
	s.Write([]byte{0})
	s.Write(m.Data)
	return string(s.Sum(nil)[:20])
}

// scoring sets what misconduct costs. Three rejected messages within an hour
// (3 squared, times 100) put a peer below all thresholds. Many peers behind one
// address cost something, except on this machine, where a development network
// lives.
func scoring() (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	p := &pubsub.PeerScoreParams{
		AppSpecificScore: func(peer.ID) float64 { return 0 }, AppSpecificWeight: 1,
		TopicScoreCap:            100,
		IPColocationFactorWeight: -100, IPColocationFactorThreshold: 10,
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
		GossipThreshold: -500, PublishThreshold: -1000, GraylistThreshold: -2500,
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

// Join joins a topic of the network. validate judges each message of a peer,
// also of those not connected to its author, from many goroutines at once and
// within half a second; nothing is passed on or delivered before it accepts.
// What this host publishes is not judged. A topic is joined once.
func (h *Host) Join(name string, validate func(from peer.ID, data []byte) Verdict) (*Topic, error) {
	full := string(h.protocol(name))
	self := h.ID()
	err := h.pubsub.RegisterTopicValidator(full, pubsub.ValidatorEx(func(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if m.ReceivedFrom == self {
			return pubsub.ValidationAccept
		}
		if len(m.Data) > MaxMessage {
			return pubsub.ValidationReject
		}
		switch validate(m.ReceivedFrom, m.Data) {
		case Accept:
			return pubsub.ValidationAccept
		case Reject:
			return pubsub.ValidationReject
		}
		return pubsub.ValidationIgnore
	}), pubsub.WithValidatorTimeout(validateTime), pubsub.WithValidatorConcurrency(4*runtime.NumCPU()))
	if err != nil {
		return nil, fmt.Errorf("p2p: joining %s: %w", name, err)
	}
	t, err := h.pubsub.Join(full)
	if err != nil {
		return nil, fmt.Errorf("p2p: joining %s: %w", name, err)
	}
	if err := t.SetScoreParams(topicScore()); err != nil {
		return nil, fmt.Errorf("p2p: joining %s: %w", name, err)
	}
	sub, err := t.Subscribe(pubsub.WithBufferSize(512))
	if err != nil {
		return nil, fmt.Errorf("p2p: joining %s: %w", name, err)
	}
	return &Topic{topic: t, sub: sub, self: self}, nil
}

// Publish gives data to the topic's peers. Having none is not an error: a later
// peer may learn of recent messages by gossip.
func (t *Topic) Publish(ctx context.Context, data []byte) error {
	if len(data) > MaxMessage {
		return fmt.Errorf("%w: message of %d bytes, at most %d", ErrFrame, len(data), MaxMessage)
	}
	if err := t.topic.Publish(ctx, data); err != nil {
		return fmt.Errorf("p2p: publishing: %w", err)
	}
	return nil
}

// Next waits for the next accepted message of another peer and returns it with
// the peer that handed it on. Messages are dropped when nobody calls Next for
// 512 of them. ErrClosed after Close of the topic or the host.
func (t *Topic) Next(ctx context.Context) ([]byte, peer.ID, error) {
	for {
		m, err := t.sub.Next(ctx)
		switch {
		case errors.Is(err, pubsub.ErrSubscriptionCancelled):
			return nil, "", ErrClosed
		case err != nil:
			return nil, "", err
		case m.ReceivedFrom != t.self:
			return m.Data, m.ReceivedFrom, nil
		}
	}
}

// Peers returns the known peers of the topic.
func (t *Topic) Peers() []peer.ID { return t.topic.ListPeers() }

// Close leaves the topic.
func (t *Topic) Close() error {
	t.sub.Cancel()
	return t.topic.Close()
}
