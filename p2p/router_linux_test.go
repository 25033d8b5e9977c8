package p2p

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// envMachine says which machine of TestThroughRouters this process is.
const envMachine = "P2P_TEST_MACHINE"

// observers is how many public hosts there are, the first of which relays. An
// address that routers give is believed from four observers on.
const observers = 5

// machine is a process of the test: it prints what it knows, obeys the lines that
// it reads, and ends when there are no more.
func machine(role string) error {
	ctx := context.Background()
	in := bufio.NewScanner(os.Stdin)
	config := Config{Genesis: [32]byte{1}, Listen: []string{"/ip4/0.0.0.0/udp/4001/quic-v1"}, HolePunching: true}
	switch role {
	case "public":
		var all []string
		for i := range observers {
			c := Config{Genesis: config.Genesis, Seed: [32]byte{1, byte(i)}, Listen: []string{fmt.Sprintf("/ip4/45.33.0.%d/udp/4001/quic-v1", i+1)}, Relay: i == 0}
			h, err := New(c)
			if err != nil {
				return err
			}
			defer h.Close()
			if err := h.Connect(ctx, all...); err != nil {
				return err
			}
			all = append(all, h.Addrs()...)
		}
		fmt.Println("at", strings.Join(all, " "))
		for in.Scan() {
		}
		return nil
	case "hidden":
		config.Seed, config.Announce = [32]byte{2}, true
	case "caller":
		config.Seed, config.Client = [32]byte{3}, true
	}
	h, err := New(config)
	if err != nil {
		return err
	}
	defer h.Close()
	echo(h)
	var who peer.ID
	ask := func() error {
		c, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		got, err := Call(c, h, who, "echo", []byte("hi"), 10)
		if err == nil && string(got) != "hi" {
			err = fmt.Errorf("answered %q", got)
		}
		return err
	}
	for in.Scan() {
		words := strings.Fields(in.Text())
		switch words[0] {
		case "join":
			for _, a := range words[1:] {
				if err := h.Connect(ctx, a); err != nil {
					return err
				}
			}
			fmt.Println("joined", h.ID())
		case "place": // at a relay
			for !strings.Contains(strings.Join(h.Addrs(), " "), "p2p-circuit") {
				time.Sleep(50 * time.Millisecond)
			}
			fmt.Println("placed", strings.Join(h.Addrs(), " "))
		case "ask":
			if who, err = peer.Decode(words[1]); err != nil {
				return err
			}
			for ; ; time.Sleep(100 * time.Millisecond) {
				if err = ask(); err == nil {
					break
				}
				fmt.Fprintln(os.Stderr, err)
			}
			fmt.Println("answered", h.Stats().Relayed)
		case "direct": // a connection that is
			for h.Libp2p().Network().Connectedness(who) != network.Connected {
				time.Sleep(20 * time.Millisecond)
			}
			fmt.Println("directly")
		case "again":
			if err := ask(); err != nil {
				return err
			}
			fmt.Println("answered again")
		}
	}
	return nil
}

// child is a machine as the test sees it.
type child struct {
	t    *testing.T
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
}

func run(t *testing.T, ns, role string) *child {
	t.Helper()
	c := &child{t: t, role: role, cmd: exec.Command("ip", "netns", "exec", ns, os.Args[0], "-test.run=^TestThroughRouters$")}
	c.cmd.Env = append(os.Environ(), envMachine+"="+role)
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		c.cmd.Wait()
	})
	return c
}

// do sends a line, waits for the answer that begins with a word, and returns the
// rest of it.
func (c *child) do(line, want string) string {
	c.t.Helper()
	if line != "" {
		fmt.Fprintln(c.in, line)
	}
	late := time.AfterFunc(90*time.Second, func() { c.cmd.Process.Kill() })
	defer late.Stop()
	for c.out.Scan() {
		if rest, ok := strings.CutPrefix(c.out.Text(), want); ok {
			return strings.TrimSpace(rest)
		}
		c.t.Logf("%s: %s", c.role, c.out.Text())
	}
	c.t.Fatalf("%s ended, or said nothing for 90 s, instead of %q after %q", c.role, want, line)
	return ""
}

// Two hosts, each behind a router that translates addresses and lets nothing in
// that was not asked for: one is found by its peer id and asked through a relay,
// a hole is punched, and they go on without the relay. It needs root, and
// namespaces of the network with iptables: set P2P_TEST_ROUTERS.
func TestThroughRouters(t *testing.T) {
	if role := os.Getenv(envMachine); role != "" {
		if err := machine(role); err != nil {
			t.Fatal(err)
		}
		return
	}
	if os.Getenv("P2P_TEST_ROUTERS") == "" {
		t.Skip("routers of network namespaces: set P2P_TEST_ROUTERS, as root")
	}
	for _, program := range []string{"ip", "iptables"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("needs ip of iproute2, and iptables")
		}
	}
	name := func(s string) string { return fmt.Sprintf("punch%d-%s", os.Getpid(), s) }
	must := func(line string) {
		t.Helper()
		words := strings.Fields(line)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	all := []string{"net", "ra", "rb", "a", "b"}
	t.Cleanup(func() {
		for _, s := range all {
			exec.Command("ip", "netns", "del", name(s)).Run() // what was not made is not there
		}
	})
	for _, s := range all {
		must("ip netns add " + name(s))
		must("ip -n " + name(s) + " link set lo up")
	}
	// The network between the routers, with public hosts on it. Nothing leaves the
	// namespaces, so that any public addresses will do.
	net := name("net")
	must("ip -n " + net + " link add br0 type bridge")
	must("ip -n " + net + " link set br0 up")
	for i := range observers {
		must(fmt.Sprintf("ip -n %s addr add 45.33.0.%d/24 dev br0", net, i+1))
	}
	for i, s := range []string{"a", "b"} {
		router, home := name("r"+s), name(s)
		must(fmt.Sprintf("ip -n %s link add wan type veth peer name port%d netns %s", router, i, net))
		must(fmt.Sprintf("ip -n %s link set port%d master br0 up", net, i))
		must(fmt.Sprintf("ip -n %s addr add 45.33.0.%d/24 dev wan", router, 101+i))
		must("ip -n " + router + " link set wan up")
		must(fmt.Sprintf("ip -n %s link add eth0 type veth peer name lan netns %s", home, router))
		must(fmt.Sprintf("ip -n %s addr add 10.%d.0.1/24 dev lan", router, i+1))
		must("ip -n " + router + " link set lan up")
		must(fmt.Sprintf("ip -n %s addr add 10.%d.0.2/24 dev eth0", home, i+1))
		must("ip -n " + home + " link set eth0 up")
		must(fmt.Sprintf("ip -n %s route add default via 10.%d.0.1", home, i+1))
		must("ip netns exec " + router + " sysctl -qw net.ipv4.ip_forward=1")
		for _, rule := range []string{
			"-t nat -A POSTROUTING -o wan -j MASQUERADE",
			"-A FORWARD -i wan -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
			"-A FORWARD -i wan -j DROP",
			"-A INPUT -i wan -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
			"-A INPUT -i wan -j DROP",
		} {
			line := "ip netns exec " + router + " iptables " + rule
			if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
				t.Skipf("needs a kernel whose namespaces have routers: %s: %v: %s", line, err, out)
			}
		}
	}

	public := run(t, net, "public")
	at := public.do("", "at")
	hidden, caller := run(t, name("a"), "hidden"), run(t, name("b"), "caller")
	began := time.Now()
	id := hidden.do("join "+at, "joined")
	caller.do("join "+at, "joined")
	places := hidden.do("place", "placed")
	t.Logf("a place at a relay after %v: %s", time.Since(began).Round(time.Millisecond), places)
	asked := time.Now()
	relayed := caller.do("ask "+id, "answered")
	t.Logf("answered after %v, %s relayed connections", time.Since(asked).Round(time.Millisecond), relayed)
	caller.do("direct", "directly")
	t.Logf("a direct connection after %v", time.Since(asked).Round(time.Millisecond))
	// Without the relay they go on.
	if err := public.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	public.cmd.Wait()
	for range 3 {
		caller.do("again", "answered again")
		time.Sleep(time.Second)
	}
}
