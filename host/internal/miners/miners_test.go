package miners

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/remote"
)

func TestLoad(t *testing.T) {
	const join = `"Join":"plexus://` + "0000000000000000000000000000000000000000000000000000000000000000" +
		`/ip4/127.0.0.1/udp/1/quic-v1/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"`
	const good = `{"Name":"a","Hotkey":"a.key","NetUID":1,"Engine":["engine"]}`
	for name, c := range map[string]struct {
		text string
		want []string // words of the error, none for success
	}{
		"good":               {`{` + join + `,"Miners":[` + good + `]}`, nil},
		"unknown key":        {`{` + join + `,"Minners":[]}`, []string{"Minners"}},
		"unknown miner key":  {`{` + join + `,"Miners":[{"Name":"a","Hotkeys":"a.key"}]}`, []string{"Hotkeys"}},
		"no miners":          {`{` + join + `,"Miners":[]}`, []string{"no miners"}},
		"empty":              {``, []string{"empty"}},
		"cut":                {`{` + join, []string{"unexpected"}},
		"two documents":      {`{` + join + `,"Miners":[` + good + `]}{}`, []string{"after"}},
		"no hotkey":          {`{` + join + `,"Miners":[{"Name":"a","NetUID":1,"Engine":["e"]}]}`, []string{"miner a", "Hotkey"}},
		"no engine":          {`{` + join + `,"Miners":[{"Name":"a","Hotkey":"k","NetUID":1}]}`, []string{"miner a", "Engine"}},
		"no netuid":          {`{` + join + `,"Miners":[{"Name":"a","Hotkey":"k","Engine":["e"]}]}`, []string{"miner a", "NetUID"}},
		"no name":            {`{` + join + `,"Miners":[{"Hotkey":"k","NetUID":1,"Engine":["e"]}]}`, []string{"Name"}},
		"two of a name":      {`{` + join + `,"Miners":[` + good + `,` + good + `]}`, []string{"miner a", "twice"}},
		"a join that is not": {`{"Join":"here","Miners":[` + good + `]}`, []string{"here"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "miners.json")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Load(file)
			if c.want == nil {
				if err != nil || len(got.Miners) != 1 || got.Miners[0].Hotkey != "a.key" {
					t.Fatalf("%+v, %v", got, err)
				}
				return
			}
			if err == nil {
				t.Fatalf("taken as %+v", got)
			}
			for _, w := range append(c.want, file) {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not name %q", err, w)
				}
			}
			if name == "a join that is not" && !errors.Is(err, remote.ErrJoin) {
				t.Errorf("error %q is not ErrJoin", err)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
