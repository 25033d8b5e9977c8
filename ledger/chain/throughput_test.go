package chain

import (
	"bytes"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// The bound of what the ledger's rules may cost: committed transfers per second
// over those of a trivial application on the same engine, store and mempool.
const leastShare = 0.8

// loadKeys are the accounts of a measurement: half of them pay, the other half
// receive.
const loadKeys = 1 << 14

func loadKey(i int) key.Seed { return key.Seed{0xee, byte(i), byte(i >> 8)} }

// load is what producer i of n submits: transfers of its share of the accounts,
// nonce after nonce, to accounts that do not pay: each touches two keys of the
// state, as a transaction of the trivial application does.
func load(i, n, each int) [][]byte {
	var mine []key.Seed
	for k := i; k < loadKeys/2; k += n {
		mine = append(mine, loadKey(k))
	}
	var to [loadKeys / 2]key.ID
	for k := range to {
		to[k] = loadAccount(len(to) + k)
	}
	var out [][]byte
	for nonce := range each {
		for j, s := range mine {
			out = append(out, transfer(s, uint64(nonce), to[(j*7919+nonce*104_729+i)%len(to)], 3))
		}
	}
	return out
}

// loadAccount is the account of loadKey for those that sign; for the others any
// id does.
func loadAccount(i int) key.ID {
	if i < loadKeys/2 {
		return loadKey(i).Public()
	}
	return key.Hash("receiver", []byte{byte(i), byte(i >> 8)})
}

// carry submits what load made, as fast as the pool takes it, and prints what
// is committed.
func carry(n *Node, txs [][]byte) {
	done := 0
	n.Subscribe(func(b Block) {
		for _, r := range b.Results[1:] {
			if r.Code == ledger.OK {
				done++
			}
		}
		fmt.Println("committed", done)
	})
	for _, tx := range txs {
		for n.Waiting() >= 2000 {
			time.Sleep(time.Millisecond)
		}
		if _, err := n.Submit(tx); err != nil {
			fmt.Println("error", err)
			return
		}
	}
	fmt.Println("error: the load has run out")
}

// trivial makes of a node one of a key-value application: a transaction sets a
// key, its To, to a value, its Amount. What any application needs is there: the
// signatures hold, and the nonce of who signs, kept in the state, makes replay
// impossible. Nobody pays, nothing is summed up and no event is told.
func trivial(c *Config) {
	c.admit = func(_ ledger.View, b ledger.Block) error {
		for i := range b.Entries[1:] {
			if !b.Verified[i+1] {
				return fmt.Errorf("entry %d: signature", i+1)
			}
		}
		return nil
	}
	c.choose = func(_ ledger.View, _ ledger.Height, candidates [][]byte, room int64) (out [][]byte) {
		for _, raw := range candidates {
			if room -= int64(len(raw)) + 16; room < 0 {
				break
			}
			out = append(out, raw)
		}
		return out
	}
	c.apply = func(v ledger.View, b ledger.Block) (*ledger.Result, error) {
		own := b
		own.Entries = b.Entries[:1] // heights and the proposer's entry, as the mempool needs them
		res, err := ledger.Apply(v, own)
		if err != nil {
			return nil, err
		}
		accounts := map[key.ID]ledger.Account{}
		values := map[key.ID]unit.TAO{}
		for i, raw := range b.Entries[1:] {
			t, err := ledger.DecodeTx(raw)
			if err != nil || !b.Verified[i+1] {
				res.Txs = append(res.Txs, ledger.TxResult{Code: ledger.CodeMalformed})
				continue
			}
			acc, ok := accounts[t.Account]
			if !ok {
				if acc, err = ledger.LoadAccount(v, t.Account); err != nil {
					return nil, err
				}
			}
			out := ledger.TxResult{ID: t.ID()}
			if acc.Nonce != t.Nonce {
				out.Code = ledger.CodeNonceLow
			} else {
				acc.Nonce++
				accounts[t.Account] = acc
				p := t.Payload.(*ledger.Transfer)
				values[p.To] = p.Amount
			}
			res.Txs = append(res.Txs, out)
		}
		for id, a := range accounts {
			value := cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(nil, 3), 1), uint64(a.Balance)), a.Nonce)
			res.Writes = append(res.Writes, ledger.Write{Key: append([]byte("account/"), id[:]...), Value: value})
		}
		for id, x := range values {
			res.Writes = append(res.Writes, ledger.Write{Key: append([]byte("value/"), id[:]...), Value: cbor.AppendUint(nil, uint64(x))})
		}
		return res, nil
	}
}

// profile writes what the process spends its time on under load, for 10 s, to
// a file.
func profile(n *Node, file string) {
	f, err := os.Create(file)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	for n.Head().Height < 3 {
		time.Sleep(100 * time.Millisecond)
	}
	pprof.StartCPUProfile(f)
	time.Sleep(10 * time.Second)
	pprof.StopCPUProfile()
	f.Close()
}

// measured is what four processes committed in a time, and the processor time
// that they took for it.
type measured struct {
	txs       int64
	took, cpu time.Duration
}

func (m measured) perSecond() float64 { return float64(m.txs) / m.took.Seconds() }
func (m measured) each() float64      { return float64(m.cpu.Microseconds()) / float64(m.txs) }

// processor is the processor time of a process, from /proc in ticks of 10 ms.
func processor(t *testing.T, pid int) time.Duration {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// measure runs four producers under load for a time.
func measure(t *testing.T, genesis, application string, each int, d time.Duration) measured {
	t.Helper()
	t.Setenv("CHAIN_TEST_LOAD", strconv.Itoa(each))
	t.Setenv("CHAIN_TEST_APPLICATION", application)
	var all []*process
	for i := range 4 {
		all = append(all, spawn(t, t.TempDir(), genesis, i, blockTime))
	}
	for i := range all {
		for j := range i {
			fmt.Fprintln(all[i].in, all[j].addr)
		}
	}
	// The first blocks begin with pools half full.
	eventually(t, 90*time.Second, "committed transfers", func() bool { return all[0].committed.Load() > 2000 })
	cpu := func() (sum time.Duration) {
		for _, p := range all {
			sum += processor(t, p.cmd.Process.Pid)
		}
		return sum
	}
	began, from, used := time.Now(), all[0].committed.Load(), cpu()
	time.Sleep(d)
	m := measured{all[0].committed.Load() - from, time.Since(began), cpu() - used}
	low, high := all[0].height.Load(), all[0].height.Load()
	for _, p := range all {
		low, high = min(low, p.height.Load()), max(high, p.height.Load())
		p.kill()
	}
	if high-low > 5 {
		t.Errorf("the nodes stand at heights %d to %d", low, high)
	}
	t.Logf("%-8s %6.0f committed per second, %4.0f µs of processor time each over the four, height %d", application, m.perSecond(), m.each(), high)
	return m
}

// Four processes commit transfers, and the same four commit transactions of a
// trivial key-value application: what the ledger's rules cost is the difference.
// CHAIN_TEST_THROUGHPUT is the length of a measurement, of which there are as
// many of each as CHAIN_TEST_ROUNDS says, 2 without it, in turns.
func TestThroughput(t *testing.T) {
	d, err := time.ParseDuration(os.Getenv("CHAIN_TEST_THROUGHPUT"))
	if err != nil {
		t.Skip("four processes under load: set CHAIN_TEST_THROUGHPUT=10s")
	}
	rounds := 2
	if s := os.Getenv("CHAIN_TEST_ROUNDS"); s != "" {
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	net := newTestnet(t, 4)
	for i := range loadKeys {
		net.genesis.Accounts = append(net.genesis.Accounts, ledger.Allocation{Account: loadAccount(i), Balance: unit.Coin})
	}
	slices.SortFunc(net.genesis.Accounts, func(a, b ledger.Allocation) int { return bytes.Compare(a.Account[:], b.Account[:]) })
	file := t.TempDir() + "/genesis"
	if err := os.WriteFile(file, net.genesis.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	each := 8 + int(d.Seconds()) // of each account that pays: more than can be committed
	sum := map[string]measured{}
	for range rounds {
		for _, application := range []string{"trivial", "ledger"} {
			m := measure(t, file, application, each, d)
			s := sum[application]
			sum[application] = measured{s.txs + m.txs, s.took + m.took, s.cpu + m.cpu}
		}
	}
	base, ours := sum["trivial"], sum["ledger"]
	share := ours.perSecond() / base.perSecond()
	t.Logf("ledger %.0f/s, trivial application %.0f/s: share %.2f; by processor time %.2f", ours.perSecond(), base.perSecond(), share, base.each()/ours.each())
	if share < leastShare {
		t.Errorf("the share is %.2f, at least %.2f is wanted", share, leastShare)
	}
}
