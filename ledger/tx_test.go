package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

func TestSignedElsewhere(t *testing.T) {
	for _, s := range []key.Signer{seed("cold", 0), key.Mini(seed("cold", 1))} {
		u := Unsigned{ChainID: "c", Account: s.Public(), Nonce: 3, Expiry: 9, Tip: 7, Payload: &Transfer{To: key.ID{1}, Amount: 5}}
		body := u.Body()
		seen, err := DecodeBody(body)
		if err != nil {
			t.Fatal(err)
		}
		raw := Attach(body, s.Scheme(), s.Sign(TxTag, body))
		tx, err := DecodeTx(raw)
		if err != nil || tx.Verify() != nil {
			t.Fatal(err, tx.Verify())
		}
		if tx.ID() != seen.ID() || tx.Tip != 7 || tx.Scheme() != s.Scheme().String() {
			t.Fatal("the signed transaction is not the one that was seen")
		}
		if seen.Size() < tx.Size() || seen.Size() > tx.Size()+8 {
			t.Fatalf("unsigned size %d, signed %d", seen.Size(), tx.Size())
		}
		if _, err := u.Sign(seed("cold", 2)); err == nil {
			t.Fatal("a stranger's key signed")
		}
		wrong, err := DecodeTx(Attach(body, 1-s.Scheme(), s.Sign(TxTag, body)))
		if err != nil {
			t.Fatal(err)
		}
		if !errors.Is(wrong.Verify(), &Reject{Code: CodeSignature}) {
			t.Fatal("a signature held under the other scheme")
		}
	}
}

func TestMultisig(t *testing.T) {
	signers := []key.Signer{seed("cold", 0), key.Mini(seed("cold", 1)), seed("cold", 2)}
	m, err := NewMultisig(2, signers[0].Public(), signers[1].Public(), signers[2].Public())
	if err != nil {
		t.Fatal(err)
	}
	u := Unsigned{ChainID: "c", Account: m.ID(), Expiry: 9, Payload: &Transfer{To: key.ID{1}, Amount: 5}}
	body := u.Body()
	sigs := map[key.ID]MemberSignature{}
	for i, s := range signers {
		if _, err := m.Approve(sigs); i < 2 && !errors.Is(err, ErrMultisig) {
			t.Fatal("too few signatures were enough", err)
		}
		sigs[s.Public()] = MemberSignature{Scheme: s.Scheme(), Signature: s.Sign(TxTag, body)}
	}
	good, err := m.Approve(sigs)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := DecodeTx(AttachApproval(body, good))
	if err != nil || tx.Verify() != nil || tx.Scheme() != "multisig" || len(tx.Signers()) != 2 {
		t.Fatal(err, tx)
	}
	if one, _ := DecodeBody(body); tx.steps() != one.steps()+1 {
		t.Fatal("a second signature costs nothing")
	}
	clone := func() *Approval {
		a := *good
		a.Signatures = append([]MemberSignature(nil), good.Signatures...)
		a.Members = append([]key.ID(nil), good.Members...)
		return &a
	}
	for name, c := range map[string]struct {
		change func(*Approval)
		want   Code
	}{
		"other rule":         {func(a *Approval) { a.Members[2] = key.ID{255} }, CodeSignature},
		"lower threshold":    {func(a *Approval) { a.Threshold, a.Signatures = 1, a.Signatures[:1] }, CodeSignature},
		"one signature":      {func(a *Approval) { a.Signatures = a.Signatures[:1] }, CodeMalformed},
		"one too many":       {func(a *Approval) { a.Signatures = append(a.Signatures, MemberSignature{Member: 2}) }, CodeMalformed},
		"one twice":          {func(a *Approval) { a.Signatures[1] = a.Signatures[0] }, CodeMalformed},
		"stranger":           {func(a *Approval) { a.Signatures[1].Member = 3 }, CodeMalformed},
		"changed signature":  {func(a *Approval) { a.Signatures[0].Signature[5] ^= 1 }, CodeSignature},
		"signature by other": {func(a *Approval) { a.Signatures[1].Signature = a.Signatures[0].Signature }, CodeSignature},
		"unsorted members":   {func(a *Approval) { a.Members[0], a.Members[1] = a.Members[1], a.Members[0] }, CodeMalformed},
		"no members":         {func(a *Approval) { a.Members, a.Signatures, a.Threshold = nil, nil, 0 }, CodeMalformed},
	} {
		a := clone()
		c.change(a)
		tx, err := DecodeTx(AttachApproval(body, a))
		if err == nil {
			err = tx.Verify()
		}
		if code, _ := CodeOf(err); code != c.want || err == nil {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	for name, bad := range map[string]Multisig{
		"one member":    {1, []key.ID{{1}}},
		"threshold 0":   {0, []key.ID{{1}, {2}}},
		"above members": {3, []key.ID{{1}, {2}}},
		"member twice":  {2, []key.ID{{1}, {1}}},
		"too many":      {2, make([]key.ID, MaxMembers+1)},
	} {
		if err := bad.Validate(); !errors.Is(err, ErrMultisig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMultisigPays(t *testing.T) {
	w := newTown(t)
	m, _ := NewMultisig(2, w.cold[0].Public(), w.cold[1].Public())
	w.ok(w.block(w.sign(w.cold[0], &Transfer{To: m.ID(), Amount: 10 * unit.Coin})))
	u := Unsigned{ChainID: w.gen.ChainID, Account: m.ID(), Expiry: 99, Payload: &Transfer{To: w.cold[2].Public(), Amount: unit.Coin}}
	a, err := m.Approve(map[key.ID]MemberSignature{
		w.cold[0].Public(): {Signature: w.cold[0].Sign(TxTag, u.Body())}, w.cold[1].Public(): {Signature: w.cold[1].Sign(TxTag, u.Body())}})
	if err != nil {
		t.Fatal(err)
	}
	raw := AttachApproval(u.Body(), a)
	w.ok(w.block(raw))
	acc, _ := LoadAccount(w.v, m.ID())
	if acc.Nonce != 1 || acc.Balance >= 9*unit.Coin {
		t.Fatal(acc)
	}
	if err := Check(w.v, raw, 0); !errors.Is(err, &Reject{Code: CodeNonceLow}) {
		t.Fatal(err)
	}
}

func TestTip(t *testing.T) {
	w := newTown(t)
	sign := func(tip unit.TAO) []byte {
		u := Unsigned{ChainID: w.gen.ChainID, Account: w.cold[5].Public(), Nonce: w.nonce(w.cold[5]), Expiry: 99, Tip: tip,
			Payload: &Transfer{To: w.cold[6].Public(), Amount: 1}}
		raw, err := u.Sign(w.cold[5])
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	const tip = 1 << 40 // as long an encoding as none would have with the same head
	plain, err := Fee(w.v, sign(1<<32))
	if err != nil {
		t.Fatal(err)
	}
	with, err := Fee(w.v, sign(tip))
	if err != nil || with-plain != tip-1<<32 {
		t.Fatal(with, plain, err)
	}
	coldkey := w.cold[(w.height+1)%validators].Public()
	before, _ := LoadAccount(w.v, coldkey)
	burned, _ := LoadTotals(w.v)
	w.ok(w.block(sign(tip)))
	after, _ := LoadAccount(w.v, coldkey)
	now, _ := LoadTotals(w.v)
	if half := (with - tip) / 2; after.Balance-before.Balance != half+tip || now.Burned-burned.Burned < with-tip-half {
		t.Fatalf("the producer got %s, %s was burned of a fee of %s", after.Balance-before.Balance, now.Burned-burned.Burned, with)
	}
	for _, huge := range []unit.TAO{1 << 63, 1<<64 - 1} {
		if err := Check(w.v, sign(huge), 0); !errors.Is(err, &Reject{Code: CodeLowBalance}) {
			t.Fatal(err)
		}
	}
	u := Unsigned{ChainID: "c", Account: w.hot[0].Public(), Tip: 1, Payload: &Commit{}}
	if _, err := DecodeBody(u.Body()); !errors.Is(err, &Reject{Code: CodeMalformed}) {
		t.Fatal("a free kind carries a tip", err)
	}
}

// The encoding is part of consensus: these bytes never change.
func TestGoldenTx(t *testing.T) {
	u := Unsigned{ChainID: "c", Account: key.ID{1}, Nonce: 2, Expiry: 3, Tip: 4, Payload: &Transfer{To: key.ID{5}, Amount: 6}}
	const body = "880261630158200100000000000000000000000000000000000000000000000000000000000000" +
		"020304582583015820050000000000000000000000000000000000000000000000000000000000000006"
	if got := hex.EncodeToString(u.Body()); got != body {
		t.Errorf("body\n%s, want\n%s", got, body)
	}
	raw := Attach(u.Body(), key.SR25519, key.Signature{9})
	if want := "84010158" + hex.EncodeToString([]byte{byte(len(body) / 2)}) + body + "584009" + strings.Repeat("00", 63); hex.EncodeToString(raw) != want {
		t.Errorf("wire form\n%x, want\n%s", raw, want)
	}
	tx, err := DecodeTx(raw)
	if err != nil {
		t.Fatal(err)
	}
	if id := tx.ID(); hex.EncodeToString(id[:4]) != "786d805e" {
		t.Errorf("id %x", id)
	}
	m, _ := NewMultisig(1, key.ID{2}, key.ID{1})
	if id := m.ID(); hex.EncodeToString(id[:4]) != "dcf2ac42" {
		t.Errorf("multisig id %x", id[:])
	}
	var got strings.Builder
	for _, f := range tx.Describe() {
		got.WriteString(f.Name + ": " + f.Value + "\n")
	}
	const want = `chain: c
kind: transfer
account: 5C61uSppDAB6oYmD4UQw1mcjftLsH8BbdnLiekCtnjHy2ZDH
nonce: 2
expires after: block 3
tip: 0.000000004 TAO
to: 5CBG6ZALUuwPmsr78vGfdTQHmugwAq8YUtdXttyt9zZuqu8e
amount: 0.000000006 TAO
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func FuzzDecodeBody(f *testing.F) {
	u := Unsigned{ChainID: "c", Account: key.ID{1}, Payload: &Transfer{Amount: 1}}
	f.Add(u.Body())
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := DecodeBody(b)
		if err != nil {
			return
		}
		u := Unsigned{ChainID: tx.ChainID, Account: tx.Account, Nonce: tx.Nonce, Expiry: tx.Expiry, Tip: tx.Tip, Payload: tx.Payload}
		if !bytes.Equal(u.Body(), b) {
			t.Fatal("a body re-encodes to other bytes")
		}
		if len(tx.Describe()) < 6 {
			t.Fatal("a body says nothing")
		}
	})
}

func FuzzDecodeApproval(f *testing.F) {
	m, _ := NewMultisig(1, key.ID{2}, key.ID{1})
	a, _ := m.Approve(map[key.ID]MemberSignature{{1}: {}})
	f.Add(a.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := DecodeApproval(b); err == nil && !bytes.Equal(a.append(nil), b) {
			t.Fatal("an approval re-encodes to other bytes")
		}
	})
}
