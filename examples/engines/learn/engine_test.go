package learn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plexus-network/plexus/examples/subnets/learn"
	"github.com/plexus-network/plexus/examples/subnets/learn/model"
	"github.com/plexus-network/plexus/plugins/engine"
)

// The test binary is its own engine when this names the text.
const envTrain = "PLEXUS_TEST_TRAIN"

func TestMain(m *testing.M) {
	if train := os.Getenv(envTrain); train != "" {
		fmt.Fprintln(os.Stderr, Run(Options{Train: train, Shard: "1/2"}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func text(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, bytes.Repeat([]byte("the light of a ray and its colour, reflected or refracted. "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOpen(t *testing.T) {
	file := text(t)
	for _, c := range []struct {
		o    Options
		want error
	}{
		{Options{Train: file, Shard: "2/4"}, nil}, {Options{Shard: "1/1"}, ErrNoText}, {Options{Train: file + "x", Shard: "1/1"}, fs.ErrNotExist},
		{Options{Train: file, Shard: "5/4"}, model.ErrShard}, {Options{Train: file, Shard: "1/100"}, model.ErrShard}, {Options{Train: file}, nil},
	} {
		if _, err := Open(c.o); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.o, err, c.want)
		}
	}
	if _, err := Open(Options{Train: t.TempDir(), Shard: "1/1"}); err == nil {
		t.Error("a directory was read")
	}
	if err := Run(Options{Train: file, Shard: "1/1"}); err == nil {
		t.Error("ran by hand")
	}
}

// As a real child process the learner remembers: its second update is that of one that
// made the first, and not that of a fresh one.
func TestChild(t *testing.T) {
	file := text(t)
	e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: "learn-good", Timeout: 20 * time.Second,
		Env: []string{envTrain + "=" + file}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	here, err := Open(Options{Train: file, Shard: "1/2"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []byte
	for epoch := range uint64(3) {
		public := (&learn.Public{Last: epoch}).Append(nil)
		if got, err = e.Answer(ctx, 6, public); err != nil {
			t.Fatal(err)
		}
		want, err := here.Answer(public)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("epoch %d: the child answers otherwise: %v", epoch, err)
		}
	}
	fresh, err := Open(Options{Train: file, Shard: "1/2"})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fresh.Answer((&learn.Public{Last: 2}).Append(nil)); err != nil || bytes.Equal(b, got) {
		t.Errorf("the child remembers nothing: %v", err)
	}
	if _, err := e.Answer(ctx, 6, []byte("rubbish")); !errors.Is(err, engine.ErrRefused) {
		t.Error(err)
	}
}
