package ledger

// freeShare bounds the share of a block's bytes that free transactions may take:
// one in freeShare.
const freeShare = 4

// checkFree applies the rules that a free transaction must satisfy to enter a
// block at all: a member of the epoch's roster, in time, with its slot unspent.
// What it claims is checked when it is applied, which spends the slot either
// way.
func checkFree(v View, t *Tx, h Height) error {
	if p, ok := t.Payload.(*Serve); ok {
		return checkServe(v, t, p, h)
	}
	n, e, mech := slotOf(t)
	clock, err := LoadClock(v, n)
	if err != nil {
		return err
	}
	if clock == nil {
		return reject(CodeNetUID, "netuid %d", n)
	}
	if e+1 != clock.Epoch || e < clock.Origin {
		return reject(CodeEpoch, "epoch %d of netuid %d: epoch %d is running, so only epoch %d can be committed and revealed now",
			e, n, clock.Epoch, int64(clock.Epoch)-1)
	}
	sub, err := LoadSubnet(v, n)
	if err != nil {
		return err
	}
	if mech >= sub.Mechanisms() {
		return reject(CodeNetUID, "netuid %d has %d mechanisms, from 0 on, and no mechanism %d", n, sub.Mechanisms(), mech)
	}
	at := n.Mechanism(mech)
	end := clock.First + sub.Params.CommitWindow() // first block behind the commit window
	switch {
	case t.Kind == KindCommit && h >= end:
		return reject(CodeWindow, "commits for epoch %d were taken until block %d, this is block %d", e, end-1, h)
	case t.Kind == KindReveal && h < end:
		return reject(CodeWindow, "reveals for epoch %d are allowed again at block %d, this is block %d", e, end, h)
	}
	roster, err := rosterOf(v, n, e)
	if err != nil {
		return err
	}
	i := roster.Index(t.Account)
	if i < 0 {
		return reject(CodeUnregistered, "%s is not in the roster of epoch %d of netuid %d", t.Account, e, n)
	}
	if !roster[i].Permit {
		return reject(CodePermit, "%s has no permit in epoch %d of netuid %d", t.Account, e, n)
	}
	spent, err := v.Get(slotKey(at, e, t.Account, t.Kind))
	if err != nil {
		return err
	}
	if spent != nil {
		return reject(CodeSlot, "%s by %s for epoch %d of netuid %d was made already", t.Kind, t.Account, e, n)
	}
	if t.Kind == KindReveal {
		c, err := LoadCommitted(v, at, e, t.Account)
		if err != nil {
			return err
		}
		if c == nil {
			return reject(CodeCommitment, "%s committed nothing for epoch %d of netuid %d", t.Account, e, n)
		}
	}
	return nil
}

func slotOf(t *Tx) (NetUID, Epoch, uint8) {
	switch p := t.Payload.(type) {
	case *Commit:
		return p.NetUID, p.Epoch, p.Mechanism
	case *Reveal:
		return p.NetUID, p.Epoch, p.Mechanism
	}
	return 0, 0, 0
}

// spendSlot marks the slot of a free transaction as used.
func spendSlot(s *state, t *Tx, h Height) {
	if p, ok := t.Payload.(*Serve); ok {
		store(s, servedKey(p.NetUID, t.Account), stamp{h})
		return
	}
	n, e, mech := slotOf(t)
	s.set(slotKey(n.Mechanism(mech), e, t.Account, t.Kind), []byte{1})
}

func applyCommit(s *state, t *Tx, p *Commit, h Height) error {
	store(s, commitKey(p.NetUID.Mechanism(p.Mechanism), p.Epoch, t.Account), Committed{Commitment: p.Commitment, Evidence: p.Evidence, Height: h})
	s.emit(Event{Kind: "committed", NetUID: p.NetUID, Epoch: p.Epoch, Hotkey: t.Account})
	return nil
}

func applyReveal(s *state, t *Tx, p *Reveal, chainID string) error {
	at := p.NetUID.Mechanism(p.Mechanism)
	c := need[Committed](s, commitKey(at, p.Epoch, t.Account))
	if p.Opening.Commitment(chainID, at, p.Epoch, t.Account, c.Evidence) != c.Commitment {
		return reject(CodeCommitment, "the opening is not what %s committed for epoch %d", t.Account, p.Epoch)
	}
	if p.Artifact != ([32]byte{}) && p.Mechanism > 0 {
		return reject(CodeArtifact, "mechanism %d of netuid %d: an artifact is revealed with mechanism 0", p.Mechanism, p.NetUID)
	}
	roster, err := rosterOf(s, p.NetUID, p.Epoch)
	if err != nil {
		return err
	}
	if _, err := p.Row.Dense(len(roster)); err != nil {
		return reject(CodeRow, "%d weights over a roster of %d: %v", len(p.Row.Weights), len(roster), err)
	}
	rec := need[EpochRecord](s, recordKey(p.NetUID, p.Epoch))
	params := need[SubnetParams](s, paramSetKey(rec.Params))
	// A row without weights says that nobody answered; one that speaks speaks of
	// enough.
	if least := min(int(params.MinWeights), len(roster)); len(p.Row.Weights) > 0 && len(p.Row.Weights) < least {
		return reject(CodeRow, "%d weights: netuid %d wants none or at least %d", len(p.Row.Weights), p.NetUID, least)
	}
	carry, err := loadCarry(s, p.NetUID, p.Mechanism, p.Epoch, t.Account)
	if err != nil {
		return err
	}
	if p.CarryIn != carry {
		return reject(CodeCarry, "carry_in %x is not the last carry_out %x", p.CarryIn[:4], carry[:4])
	}
	s.set(revealKey(at, p.Epoch, t.Account), p.Opening.Append(nil))
	now := s.hotkey(t.Account) // a rotated hotkey reveals for its last epochs
	store(s, carryKey(at, now), Carry{Hash: p.CarryOut, Epoch: p.Epoch, Module: rec.Module})
	if u, ok, err := FindUID(s, p.NetUID, now); err != nil {
		return err
	} else if ok && p.Mechanism == 0 {
		nr := need[Neuron](s, neuronKey(p.NetUID, u))
		nr.LastUpdate = c.Height
		store(s, neuronKey(p.NetUID, u), nr)
	} else if ok {
		st, _ := fetch[Standing](s, standingKey(at, u))
		st.LastUpdate = c.Height
		store(s, standingKey(at, u), st)
	}
	s.emit(Event{Kind: "revealed", NetUID: p.NetUID, Epoch: p.Epoch, Hotkey: t.Account})
	return nil
}
