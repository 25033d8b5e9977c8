package api

import (
	"math"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxAddresses bounds the memory of the rate limit. When it is full of busy
// addresses, a new one is refused.
const maxAddresses = 8192

// limiter gives each address a bucket of tokens: rate a second, and twice as
// many at once.
type limiter struct {
	now func() time.Time

	mu      sync.Mutex
	rate    float64
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(rate int) *limiter {
	return &limiter{now: time.Now, rate: float64(rate), buckets: map[string]*bucket{}}
}

// set changes the rate.
func (l *limiter) set(rate int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = float64(rate)
}

// take takes a token, or says after how many seconds there is one.
func (l *limiter) take(addr string) (wait int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, burst := l.now(), 2*l.rate
	b := l.buckets[addr]
	if b == nil {
		if len(l.buckets) >= maxAddresses {
			l.drop(now)
		}
		if len(l.buckets) >= maxAddresses {
			return 1, false
		}
		b = &bucket{burst, now}
		l.buckets[addr] = b
	}
	b.tokens, b.at = min(burst, b.tokens+now.Sub(b.at).Seconds()*l.rate), now
	if b.tokens < 1 {
		return int(math.Ceil((1 - b.tokens) / l.rate)), false
	}
	b.tokens--
	return 0, true
}

// drop forgets addresses whose buckets are full again.
func (l *limiter) drop(now time.Time) {
	for a, b := range l.buckets {
		if b.tokens+now.Sub(b.at).Seconds()*l.rate >= 2*l.rate {
			delete(l.buckets, a)
		}
	}
}

// limit is the limiter in front of a handler. An address of IPv6 counts by its
// /64, which one customer has whole.
func (l *limiter) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := l.take(addressOf(r.RemoteAddr)); !ok {
			p := problem(http.StatusTooManyRequests, "too many requests from your address: wait %d s", wait)
			p.Retry = wait
			p.write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return host
}
