package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/plexus-network/plexus/plugins"
)

func places(n int) (l []*worker) {
	for range n {
		l = append(l, &worker{has: map[plugins.ID]bool{}})
	}
	return l
}

// ask takes a worker in the background and reports when it has it.
func ask(t *testing.T, q *queue, id plugins.ID, pages uint64, got chan<- plugins.ID) {
	t.Helper()
	before := waitingCalls(q)
	go func() {
		if _, err := q.take(context.Background(), nil, id, pages); err == nil {
			got <- id
		}
	}()
	for waitingCalls(q) == before {
		time.Sleep(time.Millisecond)
	}
}

func waitingCalls(q *queue) (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.lines {
		n += len(l.claims)
	}
	return n
}

func none(t *testing.T, got <-chan plugins.ID, why string) {
	t.Helper()
	select {
	case <-got:
		t.Fatal("granted: " + why)
	case <-time.After(30 * time.Millisecond):
	}
}

// TestFairQueue: a module that asks ten times does not keep one out that asks
// once, and the dear one waits longer.
func TestFairQueue(t *testing.T) {
	q := newQueue(places(1), Budget{}, Budget{})
	greedy, modest := plugins.ID{1}, plugins.ID{2}
	w, err := q.take(t.Context(), nil, greedy, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan plugins.ID, 10)
	for range 4 {
		ask(t, q, greedy, 0, got)
	}
	for range 2 {
		ask(t, q, modest, 0, got)
	}
	var order []plugins.ID
	q.give(w, greedy, 0, 1000)
	for range 6 {
		id := <-got
		order = append(order, id)
		fuel := uint64(1000)
		if id == modest {
			fuel = 10
		}
		q.give(w, id, 0, fuel)
	}
	if order[0] != modest || order[1] != modest {
		t.Errorf("order %x: the module that had used nothing was kept waiting", order)
	}
	// Saved-up turns: after its rest the modest one does not go before all others
	// for ever.
	if q.lines[modest].served >= q.lines[greedy].served {
		t.Error("what was used is not what was noted")
	}
}

func TestBudgets(t *testing.T) {
	a, b := plugins.ID{1}, plugins.ID{2}
	got := make(chan plugins.ID, 10)
	t.Run("workers of a module", func(t *testing.T) {
		q := newQueue(places(3), Budget{}, Budget{Workers: 1})
		w, _ := q.take(t.Context(), nil, a, 0)
		ask(t, q, a, 0, got)
		none(t, got, "a second worker for one module")
		if _, err := q.take(t.Context(), nil, b, 0); err != nil {
			t.Fatal(err)
		}
		q.give(w, a, 0, 0)
		<-got
	})
	t.Run("memory of all", func(t *testing.T) {
		q := newQueue(places(3), Budget{Pages: 100}, Budget{})
		w, _ := q.take(t.Context(), nil, a, 60)
		ask(t, q, b, 60, got)
		none(t, got, "more memory than there is")
		q.give(w, a, 60, 0)
		<-got
	})
	t.Run("more memory than there is, alone", func(t *testing.T) {
		q := newQueue(places(1), Budget{Pages: 10}, Budget{})
		if _, err := q.take(t.Context(), nil, a, 60); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("fuel", func(t *testing.T) {
		q := newQueue(places(1), Budget{}, Budget{Rate: 1e6})
		w, _ := q.take(t.Context(), nil, a, 0)
		start := time.Now()
		q.give(w, a, 0, 2.3e6) // overdrawn by three tenths of a second
		if !q.affords(b) || q.affords(a) && time.Since(start) < 300*time.Millisecond {
			t.Error("the wrong module is overdrawn")
		}
		if _, err := q.take(t.Context(), nil, a, 0); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 290*time.Millisecond || d > 10*time.Second {
			t.Errorf("waited %v for three tenths of a second's fuel", d)
		}
	})
	t.Run("a debt is paid whenever it is looked at", func(t *testing.T) {
		now := time.Now()
		once := newAccount(Budget{Rate: 1e6}, now)
		once.fuel = -1e9
		often := once
		for s := range 100 {
			often.refill(now.Add(time.Duration(s+1) * time.Second))
		}
		if once.refill(now.Add(100 * time.Second)); once.fuel != often.fuel || once.fuel != -9e8 {
			t.Errorf("%d at once, %d by and by", once.fuel, often.fuel)
		}
		if once.refill(now.Add(1e6 * time.Second)); once.fuel != 2e6 {
			t.Errorf("%d saved up", once.fuel)
		}
	})
	t.Run("given up", func(t *testing.T) {
		q := newQueue(places(1), Budget{}, Budget{})
		w, _ := q.take(t.Context(), nil, a, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := q.take(ctx, nil, a, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		q.give(w, a, 0, 0)
		if _, err := q.take(t.Context(), nil, a, 0); err != nil || waitingCalls(q) != 0 {
			t.Fatalf("%v, %d waiting", err, waitingCalls(q))
		}
	})
	t.Run("the worker that has it", func(t *testing.T) {
		all := places(3)
		q := newQueue(append([]*worker(nil), all...), Budget{}, Budget{})
		all[1].has[a] = true
		if w, _ := q.take(t.Context(), nil, a, 0); w != all[1] {
			t.Error("another worker was taken")
		}
	})
}
