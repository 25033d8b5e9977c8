package dev_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/dev"
	"github.com/plexus-network/plexus/ledger/store"
)

// TestNodeRefuses runs a node's process on homes that it must refuse, and reads
// its exit code and its one line of error.
func TestNodeRefuses(t *testing.T) {
	corpus := filepath.Join(t.TempDir(), "corpus.txt")
	if err := os.WriteFile(corpus, bytes.Repeat([]byte("to be or not to be\n"), 8000), 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	n, err := dev.Open(t.Context(), textOnly(home, corpus), io.Discard, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	busy := fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", udp.LocalAddr().(*net.UDPAddr).Port)
	producer := filepath.Join(home, "producer3")
	chain, config := filepath.Join(producer, "chain"), filepath.Join(producer, "config.yaml")
	for _, c := range []struct {
		name    string
		args    []string
		prepare func() (undo func() error, err error)
		code    int
		want    []string
	}{
		{"port in use", []string{"--listen", busy}, nil, 71, []string{busy, "address already in use"}},
		{"home in use", nil, func() (func() error, error) {
			db, err := store.Open(chain, store.Config{})
			if err != nil {
				return nil, err
			}
			return db.Close, nil
		}, 73, []string{chain, "in use"}},
		{"unknown key", nil, func() (func() error, error) {
			was, err := os.ReadFile(config)
			return func() error { return os.WriteFile(config, was, 0o600) },
				errors.Join(err, os.WriteFile(config, append(was[:len(was):len(was)], "wrokers: 2\n"...), 0o600))
		}, 78, []string{config, "wrokers", "workers"}},
		{"no genesis", nil, func() (func() error, error) {
			file := filepath.Join(home, "genesis.cbor")
			return func() error { return os.Rename(file+".away", file) }, os.Rename(file, file+".away")
		}, 74, []string{"genesis.cbor"}},
		{"damaged store", nil, func() (func() error, error) {
			found, err := filepath.Glob(filepath.Join(chain, "MANIFEST-*"))
			for _, f := range found {
				err = errors.Join(err, os.WriteFile(f, []byte("not a manifest"), 0o600))
			}
			return func() error { return nil }, err
		}, 70, []string{chain, "damaged"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.prepare != nil {
				undo, err := c.prepare()
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := undo(); err != nil {
						t.Error(err)
					}
				}()
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			cmd := exec.Command(self, append([]string{"node", "--home", producer, "--log", "error"}, c.args...)...)
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			limit := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
			defer limit.Stop()
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			last := lines[len(lines)-1]
			for _, w := range append(c.want, "plexus: ") {
				if !strings.Contains(last, w) {
					t.Errorf("the last line of standard error does not name %q:\n%s", w, &stderr)
				}
			}
		})
	}
}
