package p2p

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
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

// validators of a topic run at once for each core; when all are taken, further
// messages are dropped without blame.
const validators = 4

// Topic is a joined gossip topic. Its methods may be called concurrently.
type Topic interface {
	// Publish gives data to the topic's peers. Having none is not an error: a
	// later peer may learn of recent messages by gossip.
	Publish(ctx context.Context, data []byte) error
	// Next waits for the next accepted message of another peer and returns it
	// with the peer that handed it on. Messages are dropped when nobody calls
	// Next for 512 of them. ErrClosed after Close of the topic or the host.
	Next(ctx context.Context) ([]byte, peer.ID, error)
	// Peers returns the known peers of the topic.
	Peers() []peer.ID
	// Close leaves the topic.
	Close() error
}

// topicBuffer is how many accepted messages wait for Next.
const topicBuffer = 512

// topic is a joined topic of gossipsub.
type topic struct {
	topic *pubsub.Topic
	sub   *pubsub.Subscription
	self  peer.ID
	count *topicCounters
}

// newGossip starts gossipsub. Messages carry no author and no signature of the
// router: what is gossiped is signed by its own envelope, or is content.
func (h *Host) newGossip(c Config) (*pubsub.PubSub, error) {
	ours, err := regexp.Compile("^" + regexp.QuoteMeta(h.prefix) + "/")
	if err != nil {
		return nil, err
	}
	gp := pubsub.DefaultGossipSubParams()
	gp.D, gp.Dlo, gp.Dhi, gp.Dlazy = 8, 6, 12, 12
	gp.Dscore, gp.Dout = 6, 3
	score, thresholds := h.scoring(c.PrefixPeers)
	return pubsub.NewGossipSub(h.ctx, h.host,
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
		pubsub.WithValidateThrottle(4096),
		pubsub.WithPeerScore(score, thresholds),
		pubsub.WithPeerScoreInspect(h.scores.inspect, time.Second),
		pubsub.WithPeerExchange(c.Relay), // those who serve newcomers tell them of others
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

// Join joins a topic of the network. validate judges each message of a peer,
// also of those not connected to its author, from many goroutines at once and
// within half a second; nothing is passed on or delivered before it accepts.
// What this host publishes is not judged. A topic is joined once.
func (h *Host) Join(name string, validate func(from peer.ID, data []byte) Verdict) (Topic, error) {
	full := string(h.protocol(name))
	self := h.ID()
	count := h.stats.topic(name)
	err := h.pubsub.RegisterTopicValidator(full, pubsub.ValidatorEx(func(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if m.ReceivedFrom == self {
			return pubsub.ValidationAccept
		}
		verdict := Reject
		if len(m.Data) <= MaxMessage {
			verdict = validate(m.ReceivedFrom, m.Data)
		}
		switch verdict {
		case Accept:
			count.accepted.Add(1)
			return pubsub.ValidationAccept
		case Reject:
			count.rejected.Add(1)
			return pubsub.ValidationReject
		}
		count.ignored.Add(1)
		return pubsub.ValidationIgnore
	}), pubsub.WithValidatorTimeout(validateTime), pubsub.WithValidatorConcurrency(validators*runtime.NumCPU()))
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
	sub, err := t.Subscribe(pubsub.WithBufferSize(topicBuffer))
	if err != nil {
		return nil, fmt.Errorf("p2p: joining %s: %w", name, err)
	}
	return &topic{topic: t, sub: sub, self: self, count: count}, nil
}

func (t *topic) Publish(ctx context.Context, data []byte) error {
	if len(data) > MaxMessage {
		return fmt.Errorf("%w: message of %d bytes, at most %d", ErrFrame, len(data), MaxMessage)
	}
	if err := t.topic.Publish(ctx, data); err != nil {
		return fmt.Errorf("p2p: publishing: %w", err)
	}
	t.count.published.Add(1)
	return nil
}

func (t *topic) Next(ctx context.Context) ([]byte, peer.ID, error) {
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

func (t *topic) Peers() []peer.ID { return t.topic.ListPeers() }

func (t *topic) Close() error {
	t.sub.Cancel()
	return t.topic.Close()
}
