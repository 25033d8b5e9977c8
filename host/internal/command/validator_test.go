package command

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
)

func TestWhatIsValidated(t *testing.T) {
	has := func(c config.Config) func() (config.Config, error) {
		return func() (config.Config, error) { return c, nil }
	}
	named := config.Config{Hotkey: "h", Validate: []ledger.NetUID{1}, Subnets: []config.Subnet{{NetUID: 7, Fuel: 5}, {NetUID: 8}}}
	for _, c := range []struct {
		name    string
		cfg     config.Config
		netuids []uint
		want    []ledger.NetUID
		err     string
	}{
		{"what the configuration names", named, nil, []ledger.NetUID{1, 7, 8}, ""},
		{"some of them", named, []uint{7}, []ledger.NetUID{7}, ""},
		{"another", named, []uint{9, 9, 1}, []ledger.NetUID{1, 9}, ""},
		{"none", config.Config{Hotkey: "h"}, nil, nil, "--netuid"},
		{"no hotkey", config.Config{}, []uint{1}, nil, "hotkey"},
		{"the root", named, []uint{0}, nil, "--netuid 0"},
		{"no netuid", named, []uint{70_000}, nil, "--netuid 70000"},
	} {
		cfg, err := validating(has(c.cfg), c.netuids)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var got []ledger.NetUID
		for _, s := range cfg.Validated() {
			got = append(got, s.NetUID)
			if s.NetUID == 7 && s.Fuel != 5 {
				t.Errorf("%s: what the configuration decides of 7 is lost", c.name)
			}
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	broken := errors.New("broken")
	if _, err := validating(func() (config.Config, error) { return config.Config{}, broken }, []uint{1}); !errors.Is(err, broken) {
		t.Error(err)
	}
	if len(named.Validate) != 1 || len(named.Subnets) != 2 {
		t.Error("the configuration that was read is changed")
	}
}
