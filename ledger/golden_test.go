package ledger

import (
	"errors"
	"fmt"
	"testing"
)

// Numbers are part of consensus: a line is added for each new one, and none is
// ever changed.
func TestGoldenNumbers(t *testing.T) {
	for k, name := range map[Kind]string{
		1: "transfer", 2: "register", 3: "stake", 4: "commit", 5: "reveal", 6: "transfer-all", 7: "batch",
		9: "set-proxy", 10: "proxied", 11: "announce-proxied", 12: "cancel-proxied",
		14: "announce-producer", 15: "withdraw-producer", 16: "unjail", 24: "unstake", 25: "move-stake",
		13: "serve", 17: "create-subnet", 18: "start-subnet", 19: "set-params", 20: "set-identity", 21: "name-module",
		22: "store-module", 23: "store-chunk", 38: "set-mechanisms", 39: "trim", 60: "set-data", 61: "rotate-work-keys",
		26: "swap-stake", 27: "transfer-stake", 28: "set-take", 29: "set-children", 30: "set-child-take", 31: "set-auto-stake", 32: "swap-hotkey", 33: "announce-coldkey-swap", 34: "swap-coldkey", 35: "dispute-coldkey-swap", 36: "propose", 37: "vote",
	} {
		if k.String() != name {
			t.Errorf("kind %d is %q, was %q", uint64(k), k, name)
		}
	}
	for c, name := range map[Code]string{
		0: "ok", 1: "malformed", 2: "wrong chain", 3: "bad signature", 4: "nonce too low", 5: "nonce too high", 6: "expired",
		7: "balance too low", 8: "bad amount", 9: "unknown subnet", 10: "already registered", 11: "not registered",
		12: "price beyond limit", 13: "subnet full", 14: "possession not proved", 15: "wrong epoch", 16: "outside the window",
		17: "slot spent", 18: "no permit", 19: "does not open the commitment", 20: "wrong carry",
		21: "row does not fit the roster", 22: "hotkey of another coldkey", 23: "pool refuses the trade", 24: "unknown kind",
		25: "too large", 26: "subnet has no artifact", 27: "no such right", 28: "too early", 29: "too many", 30: "announced or not",
		40: "producer or not", 41: "consensus key was used", 42: "tombstoned", 43: "jailed or not", 44: "no place for a producer",
		70: "more than the stake", 71: "no such family", 72: "stake does not change hands", 73: "answers for a producer", 74: "key was rotated", 75: "account locked", 76: "no such rotation",
		90: "no such proposal", 91: "vote closed", 92: "too many proposals",
	} {
		if c.String() != name {
			t.Errorf("code %d is %q, was %q", uint32(c), c, name)
		}
	}
	for i, name := range []string{"weights", "staking", "transfer", "all"} {
		if r := Rights(1 << i); r.String() != name {
			t.Errorf("right %d is %q, was %q", r, r, name)
		}
	}
	for k, i := range kinds {
		if _, err := decodePayload(k, nil); errors.Is(err, &Reject{Code: CodeKind}) || i.name == "" {
			t.Errorf("kind %d, %q, has no decoder or no name", uint64(k), i.name)
		}
		if k >= 40 && k <= 59 {
			t.Errorf("kind %d is kept free", uint64(k))
		}
	}
	names := map[string]Code{}
	for c, name := range codeNames {
		if have, twice := names[name]; twice {
			t.Errorf("codes %d and %d are both %q", have, c, name)
		}
		names[name] = c
	}
	if got := fmt.Sprint(Kind(45), " ", Code(999)); got != "kind 45 code 999" {
		t.Error(got)
	}
}
