package command

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// registerExpiry is for how many blocks a registration by the miner's command is
// good.
const registerExpiry = 30

// registerIn buys a place for the hotkey in each subnet where it has none, paid by
// another key's account or its own, at half above the price now at the most.
func registerIn(ctx context.Context, join remote.Join, hot, from key.Seed, nets []ledger.NetUID) error {
	r, err := remote.Dial(ctx, join, key.Seed{}, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, n := range nets {
		if err := registerOne(ctx, r, hot, from, n); err != nil {
			return fmt.Errorf("registering %s in netuid %d: %w", hot.Public(), n, err)
		}
	}
	return nil
}

func registerOne(ctx context.Context, r *remote.Remote, hot, from key.Seed, n ledger.NetUID) error {
	v, err := r.View(ctx)
	if err != nil {
		return err
	}
	m, err := ledger.LoadMarket(v, n)
	if err != nil {
		return err
	}
	if m == nil {
		return noSubnet(n)
	}
	if _, ok, err := ledger.FindUID(v, n, hot.Public()); ok || err != nil {
		return err
	}
	acc, err := ledger.LoadAccount(v, from.Public())
	if err != nil {
		return err
	}
	most := m.Burn + m.Burn/2 // the price moves by one registration at the most before this one
	if acc.Balance < most {
		return fmt.Errorf("it costs up to %s, and the account %s has %s: name another with --from", most, from.Public(), acc.Balance)
	}
	work, proof := hot.Work(true)
	last := v.Height() + registerExpiry
	id, err := r.Submit(ctx, ledger.Sign(from, r.Genesis.ChainID, acc.Nonce, last,
		&ledger.Register{NetUID: n, Hotkey: hot.Public(), MaxPrice: most, Work: work, Proof: proof}))
	if err != nil {
		return err
	}
	h, err := r.Wait(ctx, id, last)
	if err != nil {
		return err
	}
	if err := atBlock(ctx, r, h); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "registered %s in netuid %d at block %d for about %s\n", hot.Public(), n, h, m.Burn)
	return nil
}

// atBlock waits until the proved state is that of a block, or later.
func atBlock(ctx context.Context, r *remote.Remote, h ledger.Height) error {
	for {
		v, err := r.View(ctx)
		if err != nil || v.Height() >= h {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}
