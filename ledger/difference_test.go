package ledger

import (
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// difference simulates a call of cold[i] and returns what it would change.
func (w *town) difference(i int, p Payload) []Difference {
	w.t.Helper()
	sim, err := Simulate(w.v, w.sign(w.cold[i], p))
	if err != nil || sim.Code != OK {
		w.t.Fatalf("%+v, %v", sim, err)
	}
	d, err := Differences(w.v, sim.Writes)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func TestDifferences(t *testing.T) {
	w := newTown(t)
	w.settle()
	who, hot := w.cold[1].Public().String(), w.hot[0].Public().String()
	n := w.found(3)
	for name, c := range map[string]struct {
		p    Payload
		want []string // parts of lines "of|field|before|after"
	}{
		"transfer": {&Transfer{To: w.cold[2].Public(), Amount: unit.Coin}, []string{"account " + who + "|balance|98", "account " + who + "|nonce|"}},
		"stake on root": {&Stake{Hotkey: w.hot[0].Public(), Amount: 7 * unit.Coin}, []string{
			"stake in netuid 0 " + hot + "|stake|100000 TAO|100007 TAO", "part of the stake in netuid 0 " + hot + " " + who + "|stake||7 TAO"}},
		"stake": {&Stake{NetUID: net, Hotkey: w.hot[0].Public(), Amount: 7 * unit.Coin}, []string{
			"market of netuid 1|staked|", "alpha|", "part of the stake in netuid 1 " + hot + " " + who + "|stake||4."}},
		"rights": {&SetProxy{Delegate: w.cold[2].Public(), Rights: RightStaking, Delay: 5}, []string{
			"rights over " + who + "|" + w.cold[2].Public().String() + "||staking, after 5 blocks"}},
		"who": {&SetIdentity{Identity: Identity{Name: "Ben"}}, []string{"identity of " + who + "|name||Ben"}},
	} {
		var lines []string
		for _, d := range w.difference(1, c.p) {
			if d.Before == d.After {
				t.Errorf("%s: %+v is none", name, d)
			}
			lines = append(lines, strings.Join([]string{d.Of, d.Field, d.Before, d.After}, "|"))
		}
		all := strings.Join(lines, "\n")
		for _, want := range c.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in\n%s", name, want, all)
			}
		}
	}
	// What an owner sets before the start holds at once.
	all := ""
	for _, d := range w.difference(3, &SetParams{NetUID: n, Numbers: []Setting{{"asked", 3}}}) {
		all += d.Of + "|" + d.Field + "|" + d.Before + "|" + d.After + "\n"
	}
	if !strings.Contains(all, "subnet netuid 2|params.asked|64|3\n") {
		t.Error(all)
	}
}

// Every write of a block is told, those of records without words too.
func TestDifferencesLeaveNothingOut(t *testing.T) {
	w := newTown(t)
	before := mapView{}
	for k, b := range w.v {
		before[k] = b
	}
	res := w.block(w.register(0), w.register(4))
	d, err := Differences(before, res.Writes)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, x := range d {
		told[x.Of] = true
	}
	for _, write := range res.Writes {
		prefix, rest := splitKey(write.Key)
		of := strings.TrimSuffix(prefix, "/") + " "
		if k, ok := toldOf(prefix); ok {
			of = strings.TrimSpace(k + spell(partsOf(prefix), rest))
		}
		found := false
		for name := range told {
			found = found || strings.HasPrefix(name, of)
		}
		if old, _ := before.Get(write.Key); !found && string(old) != string(write.Value) {
			t.Errorf("the write of %q is not told", write.Key)
		}
	}
	// A value that does not decode is told by its bytes, a key that is too short by
	// its own.
	for _, write := range []Write{{Key: []byte(prefixMarket + "\x00\x01"), Value: []byte("nonsense")}, {Key: []byte(prefixAccount + "x"), Value: []byte{1}},
		{Key: []byte("else/\x01"), Value: make([]byte, 100)}} {
		d, err := Differences(mapView{}, []Write{write})
		if err != nil || len(d) == 0 || d[0].After == "" {
			t.Errorf("%q: %+v, %v", write.Key, d, err)
		}
	}
}

func toldOf(prefix string) (string, bool) { k := told[prefix]; return k.name, k.name != "" }
func partsOf(prefix string) string        { k := told[prefix]; return k.parts }
