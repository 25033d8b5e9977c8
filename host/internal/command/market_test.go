package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/plugins"
)

// market runs a development network of fast blocks on which //Name owns 1,000
// TAO for each name, and makes it the one that commands join.
func market(t *testing.T, names ...string) *solo.Chain {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	g := solo.Genesis(t)
	g.ChainID = "plexus-dev-market"
	g.Params.ProposalDeposit, g.Params.VotingPeriod, g.Params.ExecutionDelay = 2*unit.Coin, 40, 3
	g.Params.MinLock, g.Params.NetworkRate, g.Params.LockFactor, g.Params.BlockMS = 200*unit.Coin, 0, 1, 1000
	for _, n := range names {
		g.Accounts = append(g.Accounts, ledger.Allocation{Account: keys.Development(n).Public(), Balance: 1000 * unit.Coin})
	}
	slices.SortFunc(g.Accounts, func(a, b ledger.Allocation) int { return bytes.Compare(a.Account[:], b.Account[:]) })
	c := solo.Start(t, g, t.TempDir(), func(c *chain.Config) { c.BlockTime = 50 * time.Millisecond })
	remote.Serve(c.Net, c.Node)
	t.Setenv(joinEnv, remote.Join{Genesis: g.Hash(), Addrs: c.Net.Addrs()[:1]}.String())
	c.Reach(t, 3) // light clients need a header above the first
	return c
}

// asJSON runs a command with --json, holds what it prints to its schema and
// decodes it.
func asJSON[T any](t *testing.T, command string, args ...string) T {
	t.Helper()
	out := mustRun(t, append(append(strings.Fields(command), args...), "--json")...)
	out = out[strings.IndexByte(out, '{'):]
	wantSchema(t, command, out)
	var v T
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// refuses runs a command that must fail, with a code, for a reason.
func refuses(t *testing.T, code int, say string, args ...string) {
	t.Helper()
	if out, got, err := run(t, args...); err == nil || got != code || !strings.Contains(err.Error(), say) {
		t.Errorf("%s: code %d, %v\n%s", strings.Join(args, " "), got, err, out)
	}
}

func words(s string) []string { return strings.Fields(s) }

// moduleFile is a module that does nothing but declare itself.
func moduleFile(t *testing.T) string {
	t.Helper()
	m := abi.Manifest{Name: "market", Version: "0.1.0", Meter: plugins.MeterVersion, Fuel: 1e9, Pages: 16, Answer: 1024, Licence: "Apache-2.0",
		Ops: []abi.Op{abi.OpTask, abi.OpScore, abi.OpRank}}
	b, err := plugins.AppendManifest([]byte("\x00asm\x01\x00\x00\x00"), m)
	if err != nil {
		t.Fatal(err)
	}
	return secretFile(t, string(b))
}

// The life of a subnet until it has neurons and stake, by commands alone.
func TestSubnetByCommands(t *testing.T) {
	c := market(t, "cold", "ben")
	hot, worker := keys.Development("hot").Public().String(), keys.Development("worker").Public().String()

	list := asJSON[subnetList](t, "subnet ls")
	if len(list.Subnets) != 1 || list.Cost != 200*unit.Coin {
		t.Fatalf("%+v", list)
	}
	dry := asJSON[sent](t, "subnet create", words("--hotkey //hot --from //cold --dry-run")...)
	if dry.Result != "ok" || dry.Amount != "200 TAO" || dry.Height != 0 || !slices.ContainsFunc(dry.Changes, func(d ledger.Difference) bool {
		return d.Of == "market of netuid 2" && d.Field == "tao" && d.After == "200 TAO"
	}) {
		t.Fatalf("%+v", dry)
	}
	refuses(t, 1, "price beyond limit", words("subnet create --hotkey //hot --from //cold --max-price 199")...)
	made := asJSON[sent](t, "subnet create", words("--hotkey //hot --from //cold")...)
	if made.NetUID == nil || *made.NetUID != 2 || made.Height == 0 {
		t.Fatalf("%+v", made)
	}

	// A subnet that is not ready does not start, and costs nothing.
	refuses(t, 1, "cannot start: no rounds", words("subnet start --netuid 2 --from //cold")...)
	refuses(t, 1, "not the subnet's owner", words("subnet set --netuid 2 --from //ben asked=3")...)
	refuses(t, exitUsage, "asked 0: must be 1..", words("subnet set --netuid 2 --from //cold asked=0")...)
	refuses(t, exitUsage, "only a vote changes it", words("subnet set --netuid 2 --from //cold kappa=1")...)
	refuses(t, exitUsage, `did you mean "bonds_`, words("subnet set --netuid 2 --from //cold bonds=1")...)
	refuses(t, exitUsage, "set twice", words("subnet set --netuid 2 --from //cold asked=1 asked=2")...)
	refuses(t, exitUsage, "--netuid N is needed", words("subnet start --from //cold")...)
	refuses(t, exitUsage, "no subnet has netuid 9", words("subnet start --netuid 9 --from //cold")...)
	out := mustRun(t, words("subnet set --netuid 2 --from //cold asked=3 yuma3=off rounds=2,50 --dry-run")...)
	for _, want := range []string{"asked 64 -> 3", "yuma3 1 -> 0", "at once", "params.asked", "params.rounds"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	mustRun(t, words("subnet set --netuid 2 --from //cold asked=3 yuma3=off rounds=2,50")...)
	p := asJSON[parameters](t, "subnet params", "--netuid", "2")
	if !slices.Equal(p.Rounds, []uint16{2, 50}) || !slices.ContainsFunc(p.Params, func(p parameter) bool { return p.Name == "asked" && p.Value == 3 && p.Setter == "owner" }) {
		t.Errorf("%+v", p)
	}
	if p := asJSON[parameters](t, "subnet params", "--netuid", "0"); p.NetUID != nil || len(p.Params) != len(ledger.ChainParameters()) {
		t.Errorf("%+v", p)
	}

	// The module goes to the chain in the transactions that it takes, once.
	module := moduleFile(t)
	refuses(t, 1, "manifest", words("subnet upgrade --netuid 2 --from //cold --module "+secretFile(t, "\x00asm\x01\x00\x00\x00"))...)
	plan := asJSON[upgraded](t, "subnet upgrade", words("--netuid 2 --from //cold --dry-run --module "+module)...)
	if plan.Left != 2 || len(plan.Transactions) != 1 || plan.Transactions[0].Kind != "store-module" || plan.Transactions[0].Amount == "0 TAO" {
		t.Errorf("%+v", plan)
	}
	up := asJSON[upgraded](t, "subnet upgrade", words("--netuid 2 --from //cold --module "+module)...)
	if len(up.Transactions) != 3 || up.Transactions[2].Kind != "name-module" || up.Transactions[2].Height == 0 {
		t.Errorf("%+v", up)
	}
	if again := asJSON[upgraded](t, "subnet upgrade", words("--netuid 2 --from //cold --dry-run --module "+module)...); again.Left != 0 || again.Storing != "0 TAO" {
		t.Errorf("%+v", again)
	}
	data := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(data, bytes.Repeat([]byte("x"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, exitUsage, "one file, or --root", words("subnet data --netuid 2 --from //cold --slice 100")...)
	mustRun(t, words("subnet data --netuid 2 --from //cold --slice 100 --window 2 "+data)...)
	mustRun(t, words("subnet identity --netuid 2 --from //cold --name market --url https://example.org")...)
	mustRun(t, words("subnet start --netuid 2 --from //cold")...)
	shown := asJSON[subnetShown](t, "subnet show", "2")
	if shown.Name != "market" || shown.Started == 0 || shown.Module == nil || !shown.Module.Stored || shown.Module.Module != up.Module || shown.Data.Slices != 10 || !shown.Earns {
		t.Errorf("%+v", shown)
	}

	// What is limited says when it is allowed again, in blocks and in time.
	refuses(t, 1, " is in about ", words("subnet identity --netuid 2 --from //cold --name other")...)
	dry = asJSON[sent](t, "subnet identity", words("--netuid 2 --from //cold --name other --dry-run")...)
	if dry.Unlocks == nil || dry.Unlocks.Seconds == 0 || dry.Unlocks.Seconds > 100 || !strings.Contains(dry.Result, fmt.Sprintf("block %d", dry.Unlocks.Block)) {
		t.Errorf("%+v", dry)
	}
	refuses(t, exitUsage, "make up 100", words("subnet mechanisms --netuid 2 --from //cold --split 70,20")...)
	mustRun(t, words("subnet mechanisms --netuid 2 --from //cold --split 70,30 --dry-run")...)
	refuses(t, 1, "bad parameter", words("subnet trim --netuid 2 --from //cold --uids 3")...)

	// Registration and stake, with a price.
	mustRun(t, words("register --netuid 2 --hotkey //worker --from //ben")...)
	refuses(t, 1, "has uid 1", words("register --netuid 2 --hotkey //worker --from //ben")...)
	refuses(t, exitUsage, "plexus subnet ls", words("child ls --netuid 9 --hotkey //worker")...)
	refuses(t, exitUsage, "--hotkey KEY is needed", words("stake add --netuid 2 --from //ben --amount 1")...)
	refuses(t, exitUsage, "--slippage", words("stake add --netuid 2 --from //ben --amount 1 --slippage 101 --hotkey "+hot)...)
	trade := asJSON[sent](t, "stake add", words("--netuid 2 --from //ben --amount 2 --dry-run --hotkey "+hot)...).Trade
	if trade == nil || trade.Slippage <= 0 || trade.Slippage > 20 || !strings.HasSuffix(trade.Receives, " alpha") {
		t.Fatalf("%+v", trade)
	}
	mustRun(t, words("stake add --netuid 2 --from //ben --amount 2 --slippage 60 --hotkey "+hot)...)
	refuses(t, 1, "nobody has registered", words("stake move --netuid 2 --from //ben --all --to //nobody --hotkey "+hot)...)
	refuses(t, 1, "of a stake of", words("stake remove --netuid 2 --from //ben --amount 900 --hotkey "+hot)...)
	refuses(t, 1, "has no stake behind", words("stake remove --netuid 2 --from //cold --all --hotkey "+hot)...)
	mustRun(t, words("stake move --netuid 2 --from //ben --amount 0.5 --to //worker --hotkey "+hot)...)
	if out := mustRun(t, words("stake remove --netuid 2 --from //ben --all --slippage 60 --hotkey "+hot)...); !strings.Contains(out, "took ") {
		t.Error(out)
	}
	v := c.View()
	defer v.Close()
	left, err := ledger.LoadPosition(v, 2, keys.Development("worker").Public(), keys.Development("ben").Public())
	if err != nil || left < 499_999_990 || left > 500_000_010 {
		t.Errorf("%d behind %s, %v", left, worker, err)
	}
	var m ledger.Metagraph
	if err := json.Unmarshal([]byte(mustRun(t, "metagraph", "--netuid", "2", "--json")), &m); err != nil || len(m.Neurons) != 2 {
		t.Errorf("%v, %+v", err, m)
	}
	refuses(t, exitUsage, "no epoch of netuid 2 has ended", words("weights show --netuid 2")...)
	w := asJSON[weightsShown](t, "weights show", words("--netuid 2 --epoch 0")...)
	if len(w.Rows) != 1 || w.Rows[0].State != "silent" || w.Members < 1 {
		t.Errorf("%+v", w)
	}
	refuses(t, exitUsage, "--mechanism 1", words("weights show --netuid 2 --mechanism 1")...)
}

// Rights, announcements, batches and producers by commands.
func TestAccountsByCommands(t *testing.T) {
	market(t, "cold", "ben")
	cold, ben := keys.Development("cold").Public().String(), keys.Development("ben").Public().String()
	prod := key.Seed{1}.Public().String()

	// Without the right nothing is done for another.
	refuses(t, 1, "no such right", words("stake add --netuid 0 --amount 1 --as //cold --from //ben --hotkey "+prod)...)
	mustRun(t, words("proxy add --delegate //ben --rights staking,weights --delay 5 --from //cold")...)
	refuses(t, exitUsage, "--rights", words("proxy add --delegate //ben --rights power --from //cold")...)
	refuses(t, 1, "must be announced 5 blocks before", words("stake add --netuid 0 --amount 1 --as //cold --from //ben --hotkey "+prod)...)
	refuses(t, 1, "needs another", words("send 1 "+ben+" --as //cold --from //ben")...)
	refuses(t, exitUsage, "--announce needs --as", words("send 1 "+ben+" --announce --from //ben")...)
	refuses(t, exitUsage, "--as ACCOUNT is needed", words("proxy exec send 1 "+ben+" --from //ben")...)
	told := asJSON[sent](t, "proxy announce stake add", words("--netuid 0 --amount 1 --as //cold --from //ben --hotkey "+prod)...)
	if told.Kind != "announce-proxied" || told.As != cold {
		t.Errorf("%+v", told)
	}
	list := asJSON[proxyList](t, "proxy ls", "//cold")
	if len(list.Delegates) != 1 || list.Delegates[0].Delegate != ben || len(list.Delegates[0].Calls) != 1 {
		t.Fatalf("%+v", list)
	}
	allowed := list.Delegates[0].Calls[0].Allowed
	solo.Eventually(t, "the delay", func() bool { return asJSON[subnetList](t, "subnet ls").Height >= allowed })
	done := asJSON[sent](t, "proxy exec stake add", words("--netuid 0 --amount 1 --as //cold --from //ben --hotkey "+prod)...)
	if done.Kind != "proxied" || done.From != ben || done.Height < allowed {
		t.Errorf("%+v", done)
	}
	mustRun(t, words("stake add --netuid 0 --amount 2 --announce --as //cold --from //ben --hotkey "+prod)...)
	call := asJSON[proxyList](t, "proxy ls", "//cold").Delegates[0].Calls[0].Call
	mustRun(t, words("proxy cancel --delegate //ben --from //cold --call "+call)...)
	refuses(t, 1, "no such call waits", words("proxy cancel --principal //cold --from //ben --call "+call)...)
	mustRun(t, words("proxy remove --delegate //ben --from //cold")...)
	if list := asJSON[proxyList](t, "proxy ls", "//cold"); len(list.Delegates) != 0 {
		t.Errorf("%+v", list)
	}

	// Two steps in one: all or none.
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	mustRun(t, words("tx build send 1 "+ben+" --from //cold --unsigned "+a)...)
	mustRun(t, words("tx build stake add --netuid 0 --amount 3 --from //cold --hotkey "+prod+" --unsigned "+b)...)
	refuses(t, exitUsage, "--unsigned FILE is needed", words("tx build stake add --netuid 0 --amount 3 --from //cold --hotkey "+prod)...)
	refuses(t, exitUsage, "this is for", words("tx batch --from //ben "+a)...)
	if out := mustRun(t, words("tx batch --from //cold "+a+" "+b)...); !strings.Contains(out, "made 2 steps in block") {
		t.Error(out)
	}

	// Candidates.
	mustRun(t, words("producer announce --hotkey //hot --consensus //votes --from //cold")...)
	rows := asJSON[producerList](t, "producer ls").Producers
	if len(rows) != 2 || !slices.ContainsFunc(rows, func(r producerRow) bool { return r.State == "candidate" && r.Coldkey.String() == cold }) {
		t.Errorf("%+v", rows)
	}
	refuses(t, 1, "jailed or not", words("producer unjail --hotkey //hot --from //cold")...)
	refuses(t, exitUsage, "exclude each other", words("producer announce --home x --hotkey //hot --from //cold")...)
	mustRun(t, words("producer withdraw --hotkey //hot --from //cold")...)
	_, code, err := run(t, words("producer withdraw --hotkey //hot --from //cold")...)
	if code != 1 || !errors.Is(err, &ledger.Reject{Code: ledger.CodeCandidate}) {
		t.Error(code, err)
	}

	// Everything, to the last rao.
	mustRun(t, words("send all "+cold+" --from //ben")...)
	refuses(t, 1, "exceed the balance", words("send all "+cold+" --from //ben")...)

	m := asJSON[multisigShown](t, "multisig address", "2://cold,//ben,"+prod)
	rule, _ := ledger.NewMultisig(2, keys.Development("ben").Public(), key.Seed{1}.Public(), keys.Development("cold").Public())
	if m.Address != rule.ID().String() || len(m.Members) != 3 {
		t.Errorf("%+v", m)
	}
	refuses(t, exitUsage, "THRESHOLD", "multisig", "address", "ann,ben")
}

// Stake changes places, takes and children are set, keys are rotated.
func TestStakingByCommands(t *testing.T) {
	c := market(t, "cold", "ben", "dan")
	url := apiOf(t, c)
	hot := keys.Development("hot").Public().String()
	mustRun(t, words("register --netuid 1 --hotkey //hot --from //cold")...)
	mustRun(t, words("register --netuid 1 --hotkey //kid --from //ben")...)

	// A limit is a check of the chain; a part of the trade may be made within it.
	add := "stake add --netuid 1 --amount 20 --slippage 50 --from //cold --hotkey //hot"
	refuses(t, 1, "price beyond limit", words(add+" --limit 0.000001")...)
	refuses(t, exitUsage, "--partial needs --limit", words(add+" --partial")...)
	refuses(t, exitUsage, "--limit", words(add+" --limit x")...)
	price := asJSON[sent](t, "stake add", words("--netuid 1 --amount 1 --from //cold --hotkey //hot --dry-run")...).Trade.Price
	p, err := unit.ParsePrice(price)
	if err != nil {
		t.Fatal(err)
	}
	limit := unit.PriceFromNano(p.Nano() + p.Nano()/20).String() // 5 % above: 100 TAO in the pool give about 2.5 for it
	part := asJSON[sent](t, "stake add", words(strings.TrimPrefix(add, "stake add ")+" --partial --limit "+limit)...)
	if part.Trade.Least != "the limit" {
		t.Errorf("%+v", part.Trade)
	}
	stakes := asJSON[api.Stakes](t, "stake ls", "//cold", "--node", url)
	if len(stakes.Items) != 1 || stakes.Items[0].NetUID != 1 || string(stakes.Items[0].Hotkey) != hot || stakes.Items[0].Worth == 0 || stakes.Items[0].Worth > 10e9 {
		t.Errorf("%+v", stakes)
	}

	mustRun(t, words("stake swap --netuid 1 --to-netuid 0 --amount 1 --slippage 50 --from //cold --hotkey //hot")...)
	refuses(t, exitUsage, "on netuid 1 already", words("stake swap --netuid 1 --to-netuid 1 --amount 1 --from //cold --hotkey //hot")...)
	refuses(t, 1, "price beyond limit", words("stake remove --netuid 1 --amount 0.1 --limit 1000 --from //cold --hotkey //hot")...)
	mustRun(t, words("stake transfer --netuid 0 --all --to //dan --from //cold --hotkey //hot")...)
	stakes = asJSON[api.Stakes](t, "stake ls", "//dan", "--node", url)
	if len(stakes.Items) != 1 || stakes.Items[0].NetUID != 0 || stakes.Items[0].Stake != stakes.Items[0].Worth {
		t.Errorf("%+v", stakes)
	}
	if out := mustRun(t, "stake", "ls", "//ben", "--node", url); !strings.Contains(out, "0 positions") {
		t.Error(out)
	}
	refuses(t, exitNetwork, "is the node running?", "stake", "ls", "//ben", "--node", "127.0.0.1:1")

	// Takes rise with a pause between.
	mustRun(t, words("delegate take --hotkey //hot --take 5 --from //cold")...)
	mustRun(t, words("delegate take --hotkey //hot --take 6 --from //cold")...)
	refuses(t, 1, "is in about ", words("delegate take --hotkey //hot --take 7 --from //cold")...)
	refuses(t, 1, "hotkey of another coldkey", words("delegate take --hotkey //hot --take 7 --from //ben")...)
	rows := asJSON[delegateList](t, "delegate ls", "//hot").Delegates
	if len(rows) != 1 || rows[0].Take != over65535(600) || rows[0].Owner != keys.Development("cold").Public() {
		t.Errorf("%+v", rows)
	}
	if len(asJSON[delegateList](t, "delegate ls").Delegates) != 1 {
		t.Error("the producer is not listed")
	}
	refuses(t, exitUsage, "and not both", words("delegate auto --netuid 1 --from //ben")...)
	mustRun(t, words("delegate auto --netuid 1 --hotkey //hot --from //ben")...)
	mustRun(t, words("delegate auto --netuid 1 --clear --from //ben")...)

	refuses(t, exitUsage, "100 percent", words("child set --netuid 1 --hotkey //hot --child //kid=60 --child //hot=50 --from //cold")...)
	refuses(t, exitUsage, "KEY=PERCENT", words("child set --netuid 1 --hotkey //hot --child //kid --from //cold")...)
	mustRun(t, words("child set --netuid 1 --hotkey //hot --child //kid=60 --from //cold")...)
	fam := asJSON[family](t, "child ls", words("--netuid 1 --hotkey //hot")...)
	if len(fam.Waiting) != 1 || fam.Waiting[0].Part != 60 || fam.Due == 0 || len(fam.Children) != 0 {
		t.Errorf("%+v", fam)
	}
	refuses(t, 1, "is in about ", words("child revoke --netuid 1 --hotkey //hot --from //cold")...)
	mustRun(t, words("child take --netuid 1 --hotkey //kid --take 3 --from //ben")...)

	// A hotkey with everything it has moves to another one.
	mustRun(t, words("swap-hotkey --hotkey //hot --new //hot2 --from //cold")...)
	refuses(t, 1, "", words("swap-hotkey --hotkey //hot --new //hot2 --from //cold")...)
	var m ledger.Metagraph
	if err := json.Unmarshal([]byte(mustRun(t, "metagraph", "--json")), &m); err != nil || !slices.ContainsFunc(m.Neurons, func(n ledger.NeuronStatus) bool { return n.Hotkey == keys.Development("hot2").Public() }) {
		t.Errorf("%v, %+v", err, m.Neurons)
	}

	// An announced coldkey locks the account; a dispute freezes it.
	mustRun(t, words("swap-coldkey announce --to //dan2 --from //dan")...)
	refuses(t, 1, "about to be rotated", words("send 1 "+hot+" --from //dan")...)
	refuses(t, 1, "is in about ", words("swap-coldkey complete --to //dan2 --from //dan")...)
	if r := asJSON[rotation](t, "swap-coldkey show", "//dan"); r.Announced == 0 || r.Completes <= r.Announced || r.Disputed != 0 {
		t.Errorf("%+v", r)
	}
	mustRun(t, words("swap-coldkey dispute --from //dan")...)
	refuses(t, 1, "disputed", words("send 1 "+hot+" --from //dan")...)
}

// A parameter of the chain is proposed, voted on and carried out.
func TestGovernanceByCommands(t *testing.T) {
	market(t, "cold", "ben")
	prod := key.Seed{1}.Public().String()
	refuses(t, exitUsage, "known parameter", words("gov propose nonsense=1 --from //cold")...)
	refuses(t, exitUsage, "pool_fee 20000: must be 0..", words("gov propose pool_fee=20000 --from //cold")...)
	refuses(t, exitUsage, "NAME=VALUE, or --text", words("gov propose --from //cold")...)
	refuses(t, exitUsage, "no proposal 0", words("gov show 0")...)
	mustRun(t, words("stake add --netuid 0 --amount 50 --from //ben --hotkey "+prod)...)
	dry := asJSON[sent](t, "gov propose", words("pool_fee=66 --text because --from //cold --dry-run")...)
	if dry.Amount != "2 TAO" || !slices.ContainsFunc(dry.Changes, func(d ledger.Difference) bool { return d.Of == "proposal 0" && d.After == "pool_fee" }) {
		t.Errorf("%+v", dry)
	}
	made := asJSON[sent](t, "gov propose", words("pool_fee=66 --text because --from //cold")...)
	if made.Proposal == nil || *made.Proposal != 0 {
		t.Fatalf("%+v", made)
	}
	refuses(t, exitUsage, "yes, no or abstain", words("gov vote 0 maybe --from //ben")...)
	if _, code, err := run(t, words("gov vote 0 no --from //cold")...); code != 1 || !strings.Contains(err.Error(), "to vote") {
		t.Error("without root stake:", code, err)
	}
	mustRun(t, words("gov vote 0 yes --from //ben")...)
	p := asJSON[proposal](t, "gov show", words("0 --account //ben")...)
	if p.Vote != "yes" || p.State != "voting" || p.Now == nil || *p.Now != 33 || p.Value != 66 || p.Text != "because" {
		t.Errorf("%+v", p)
	}
	mustRun(t, words("gov propose --text words --from //cold")...)
	list := asJSON[proposals](t, "gov ls")
	if len(list.Proposals) != 2 || list.Proposals[0].ID != 1 || list.Proposals[0].Text != "words" || list.Proposals[0].Parameter != "" {
		t.Errorf("%+v", list)
	}
	solo.Eventually(t, "the execution", func() bool { return asJSON[proposal](t, "gov show", "0").State == "executed" })
	if p := asJSON[proposal](t, "gov show", "0"); p.Yes < 50*unit.Coin || p.Deposit != 0 || *p.Now != 66 {
		t.Errorf("%+v", p)
	}
	refuses(t, 1, "took votes until block", words("gov vote 0 no --from //ben")...)
	if out := mustRun(t, "gov", "show", "0"); !strings.Contains(out, "executed") {
		t.Error(out)
	}
}

// Every way in which the ledger says when something is allowed again is read.
func TestUnlocks(t *testing.T) {
	for detail, want := range map[string]uint64{
		"a subnet was created at block 7: allowed again at block 107":                                                                    107,
		"netuid 3 may start at block 20":                                                                                                 20,
		"5F is about to be rotated: only that may be completed or disputed, without a tip, or taken back at block 90":                    90,
		"announced at block 3, allowed at block 8":                                                                                       8,
		"there are 2 subnets, and none may be dissolved before block 99":                                                                 99,
		"reveals for epoch 1 are allowed again at block 50, this is block 40":                                                            50,
		"epoch 1 of netuid 2 ends at block 39, and its owner sets nothing in the last 10 blocks: allowed again when the next epoch runs": 40,
		"commits for epoch 1 were taken until block 39, this is block 40":                                                                0,
	} {
		u := unlocks(empty{}, detail)
		if u == nil && want != 0 || u != nil && u.Block != want {
			t.Errorf("%s: %+v", detail, u)
		}
	}
	for seconds, want := range map[uint64]string{0: "0 s", 40: "40 s", 3600: "60 min", 86400: "24 h", 30 * 86400: "30 days"} {
		if got := about(seconds); got != want {
			t.Errorf("%d: %s", seconds, got)
		}
	}
}

type empty struct{}

func (empty) Get([]byte) ([]byte, error) { return nil, nil }
