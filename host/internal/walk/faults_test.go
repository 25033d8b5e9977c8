package walk

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// homes makes a network of one operator and, once it runs, the home of a second
// node by its join string.
func homes(t *testing.T) (env []string, first *running, second, join string) {
	t.Helper()
	dir := t.TempDir()
	env = environ(dir, "PLEXUS_ADMIN_SOCKET=")
	var made struct {
		Homes []string
		Join  string
	}
	out := works(t, env, "init", "--network", "1", "--home", dir, "--no-password", "--json", "--port", freePort(t),
		"--set", "block_time=250ms", "--set", "api.listen=127.0.0.1:"+freePort(t), "--set", "log.level=warn")
	if err := json.Unmarshal([]byte(out), &made); err != nil || len(made.Homes) != 1 {
		t.Fatal(out, err)
	}
	first = start(t, env, made.Homes[0], nil)
	first.reach(3, 30*time.Second)
	second = filepath.Join(dir, "second")
	works(t, append(env, "PLEXUS_PASSWORD=right"), "init", "--home", second, "--join", made.Join, "--hotkey", "--set", "block_time=250ms", "--set", "api.listen=")
	return env, first, second, made.Join
}

// What can be wrong on a machine: each is named with its remedy, has its exit
// code, and loses nothing: mended, the node starts and follows the chain.
func TestExitCodes(t *testing.T) {
	env, first, home, join := homes(t)
	env = append(env, "PLEXUS_PASSWORD=right")
	file := func(name string) string { return filepath.Join(home, name) }
	config, err := os.ReadFile(file("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	taken := strings.TrimPrefix(first.api, "http://")
	flip := func(name string, at int) func() {
		return func() {
			b, err := os.ReadFile(file(name))
			if err == nil {
				b[len(b)*at/100] ^= 0x10
				err = os.WriteFile(file(name), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		args   string // after "start --home HOME", or the whole with a leading "!"
		env    string
		damage func()
		files  []string // that are put back as they were
		code   int
		say    string
	}{
		"second node on one home":      {args: "!start --home " + filepath.Join(filepath.Dir(home), "operator1"), code: 73, say: "another process"},
		"api port in use":              {args: "--set api.listen=" + taken, code: 71, say: taken},
		"metrics port in use":          {args: "--set metrics.listen=" + taken, code: 71, say: taken},
		"p2p port in use":              {args: "--set listen=/ip4/127.0.0.1/tcp/" + taken[strings.LastIndexByte(taken, ':')+1:], code: 71, say: "choose"},
		"wrong password":               {env: "PLEXUS_PASSWORD=wrong", code: 77, say: "password"},
		"no password":                  {env: "PLEXUS_PASSWORD=", code: 77, say: "--password-file"},
		"key file with a changed byte": {damage: flip("hotkey.key", 90), files: []string{"hotkey.key"}, code: 77, say: "hotkey.key"},
		"key file cut short":           {damage: func() { os.Truncate(file("hotkey.key"), 40) }, files: []string{"hotkey.key"}, code: 77, say: "hotkey.key"},
		"key file for all to read":     {damage: func() { os.Chmod(file("hotkey.key"), 0o644) }, files: []string{"hotkey.key"}, code: 77, say: "chmod 600"},
		"key file missing":             {damage: func() { os.Remove(file("hotkey.key")) }, files: []string{"hotkey.key"}, code: 74, say: "hotkey.key"},
		"typo in the configuration": {damage: func() { os.WriteFile(file("config.yaml"), append(bytes.Clone(config), "blok_time: 3s\n"...), 0o600) },
			files: []string{"config.yaml"}, code: 78, say: "block_time"},
		"value out of bounds":   {args: "--set workers=65", code: 78, say: "1..64"},
		"damaged genesis":       {damage: flip("genesis.cbor", 50), files: []string{"genesis.cbor"}, code: 78, say: ""},
		"genesis cut short":     {damage: func() { os.Truncate(file("genesis.cbor"), 100) }, files: []string{"genesis.cbor"}, code: 78, say: "genesis.cbor"},
		"no genesis":            {damage: func() { os.Remove(file("genesis.cbor")) }, files: []string{"genesis.cbor"}, code: 78, say: "plexus init"},
		"another network":       {args: "--set join=plexus://" + strings.Repeat("00", 32) + join[strings.IndexByte(join[10:], '/')+10:], code: 78, say: "another network"},
		"an unknown flag":       {args: "--hoem x", code: 64, say: "--help"},
		"nobody answers":        {args: "!light get head --join " + strings.Replace(join, "/udp/", "/udp/1", 1)[:len(join)], code: 69, say: "is it running"},
		"nobody at the address": {args: "!status --node 127.0.0.1:9", code: 69, say: "is the node running"},
	} {
		kept := map[string][]byte{}
		for _, f := range c.files {
			if kept[f], err = os.ReadFile(file(f)); err != nil {
				t.Fatal(err)
			}
		}
		if c.damage != nil {
			c.damage()
		}
		args := append([]string{"start", "--home", home}, strings.Fields(c.args)...)
		if strings.HasPrefix(c.args, "!") {
			args = strings.Fields(c.args[1:])
		}
		use := env
		if c.env != "" {
			use = append(env[:len(env):len(env)], c.env)
		}
		r := command(t, use, args...)
		if r.code != c.code || !strings.Contains("\n"+r.err, "\nplexus: ") || !strings.Contains(r.err, c.say) || strings.Contains(r.err, "panic") {
			t.Errorf("%s: exit code %d, want %d\n%s", name, r.code, c.code, r.err)
		}
		for f, b := range kept {
			if os.Remove(file(f)); os.WriteFile(file(f), b, 0o600) != nil {
				t.Fatal(f)
			}
		}
	}
	// The first goes on through all this, and the second home is as good as new.
	first.reach(first.at()+2, 20*time.Second)
	n := start(t, env, home, nil)
	n.reach(first.at(), 30*time.Second)
	// A kill loses nothing either.
	n.end(syscall.SIGKILL)
	at := n.at()
	n = start(t, env, home, nil)
	n.reach(at+2, 30*time.Second)
	for _, r := range []*running{n, first} {
		if code := r.end(syscall.SIGTERM); code != 0 {
			t.Errorf("%s ended with %d\n%s", r.name, code, r.log())
		}
	}
}
