package p2p

import (
	"sync"
	"sync/atomic"
)

// counters count the streams of one name.
type counters struct {
	opened, failed, handled, refused, running atomic.Int64
	sent, received, bytesOut, bytesIn         atomic.Int64
}

// StreamStats are the counts of one stream name since the host began.
type StreamStats struct {
	Opened   int64 // by this host
	Failed   int64 // tries of this host to open one
	Handled  int64 // of other hosts
	Refused  int64 // of other hosts, for want of room
	Running  int64 // handlers now
	Sent     int64 // frames
	Received int64 // frames
	BytesOut int64 // with the frames' heads
	BytesIn  int64
}

// TopicStats are the counts of one topic since the host began.
type TopicStats struct {
	Published int64 // by this host
	Accepted  int64 // messages of other hosts, by verdict
	Ignored   int64
	Rejected  int64
}

// Stats is what a host counted.
type Stats struct {
	Peers   int // connected
	Known   int // full nodes
	Relayed int // of Peers, those reached through a relay only
	Streams map[string]StreamStats
	Topics  map[string]TopicStats
}

func (c *counters) snapshot() StreamStats {
	return StreamStats{Opened: c.opened.Load(), Failed: c.failed.Load(), Handled: c.handled.Load(), Refused: c.refused.Load(),
		Running: c.running.Load(), Sent: c.sent.Load(), Received: c.received.Load(), BytesOut: c.bytesOut.Load(), BytesIn: c.bytesIn.Load()}
}

type topicCounters struct {
	published, accepted, ignored, rejected atomic.Int64
}

// tally has the counters by name. Names are this program's, so that their number
// is bounded.
type tally struct {
	mu      sync.Mutex
	streams map[string]*counters
	topics  map[string]*topicCounters
}

func (t *tally) stream(name string) *counters {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.streams[name]
	if c == nil {
		if t.streams == nil {
			t.streams = map[string]*counters{}
		}
		c = new(counters)
		t.streams[name] = c
	}
	return c
}

func (t *tally) topic(name string) *topicCounters {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.topics[name]
	if c == nil {
		if t.topics == nil {
			t.topics = map[string]*topicCounters{}
		}
		c = new(topicCounters)
		t.topics[name] = c
	}
	return c
}

func (t *tally) snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Stats{Streams: map[string]StreamStats{}, Topics: map[string]TopicStats{}}
	for name, c := range t.streams {
		s.Streams[name] = c.snapshot()
	}
	for name, c := range t.topics {
		s.Topics[name] = TopicStats{Published: c.published.Load(), Accepted: c.accepted.Load(), Ignored: c.ignored.Load(), Rejected: c.rejected.Load()}
	}
	return s
}
