package config

import (
	"reflect"
	"testing"

	"github.com/plexus-network/plexus/ledger"
)

func TestSubnets(t *testing.T) {
	want := []Subnet{{NetUID: 7, Data: "a.set", Fuel: 500_000_000}, {NetUID: 2, Memory: 1 << 20}}
	for name, c := range map[string]struct{ file, text, env, flag string }{
		"yaml":        {file: File, text: "hotkey: h\nsubnets:\n  - {netuid: 7, data: a.set, fuel: 500000000}\n  - netuid: 2\n    memory: 1048576\n"},
		"toml":        {file: FileTOML, text: "hotkey = 'h'\n[[subnets]]\nnetuid = 7\ndata = 'a.set'\nfuel = 500000000\n[[subnets]]\nnetuid = 2\nmemory = 1048576\n"},
		"environment": {env: `[{netuid: 7, data: a.set, fuel: 500000000}, {netuid: 2, memory: 1048576}]`},
		"flag":        {flag: `[{"netuid":7,"data":"a.set","fuel":500000000},{"netuid":2,"memory":1048576}]`, env: "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if c.file != "" {
				write(t, home, c.file, c.text)
			}
			if c.env != "" {
				t.Setenv("PLEXUS_SUBNETS", c.env)
			}
			flags := map[string]any{"hotkey": "h"}
			if c.flag != "" {
				flags["subnets"] = c.flag
			}
			got, err := Load(home, flags)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Subnets, want) {
				t.Errorf("read %v, want %v", got.Subnets, want)
			}
		})
	}
}

// The old key and the new one may stand side by side; an entry decides.
func TestValidated(t *testing.T) {
	c := Config{Validate: []ledger.NetUID{9, 2, 2}, Subnets: []Subnet{{NetUID: 2, Fuel: 5}, {NetUID: 1}}}
	if got, want := c.Validated(), []Subnet{{NetUID: 1}, {NetUID: 2, Fuel: 5}, {NetUID: 9}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := new(Config).Validated(); len(got) != 0 {
		t.Errorf("nothing to validate: %v", got)
	}
}
