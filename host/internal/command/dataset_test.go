package command

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// inFolder makes a folder with one file in it.
func inFolder(t *testing.T, name, text string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

func TestDatasetBuild(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir, tsv := inFolder(t, "pairs.tsv", "en\tes\ndog\tperro\ncat\tgato\n")
	s := asJSON[setShown](t, "dataset build", "--from", tsv, "--header", "--out", dir, "--netuid", "7")
	if s.Format != "tsv" || s.Slices != 2 || s.Records != 2 || s.Slice != 9 || s.Sealed || s.File != filepath.Join(dir, s.Root+".set") ||
		s.Next != "plexus subnet data --netuid 7 "+s.File+" --from KEY" {
		t.Errorf("%+v", s)
	}
	if out := mustRun(t, "dataset", "show", s.File, "--slice", "1"); out != "cat\tgato\n" {
		t.Errorf("slice 1: %q", out)
	}
	shown := asJSON[sliceShown](t, "dataset show", s.File, "--slice", "0")
	if shown.Text != "dog\tperro" || len(shown.Proof) != 1 || shown.Root != s.Root {
		t.Errorf("%+v", shown)
	}
	if out := mustRun(t, "dataset", "show", s.File); !strings.Contains(out, "tsv, 2 slices of at most 9 bytes") || strings.Contains(out, "next:") {
		t.Errorf("%s", out)
	}
	if out := mustRun(t, "dataset", "verify", s.File, "--root", s.Root); !strings.HasSuffix(out, "equal\n") {
		t.Errorf("%s", out)
	}
	refuses(t, exitDiffers, "wanted is 00", "dataset", "verify", s.File, "--root", strings.Repeat("0", 64))
	refuses(t, exitUsage, "64 hexadecimal", "dataset", "verify", s.File, "--root", "x")
	refuses(t, exitUsage, "give one", "dataset", "verify", s.File, "--root", s.Root, "--netuid", "1")
	refuses(t, exitDiffers, "there are 2", "dataset", "show", s.File, "--slice", "2")

	_, csv := inFolder(t, "x.CSV", "a,b\n")
	if s := asJSON[setShown](t, "dataset build", "--from", csv, "--out", dir); s.Format != "csv" {
		t.Errorf("%+v", s)
	}
	_, txt := inFolder(t, "x.txt", strings.Repeat("word\n", 10))
	out := filepath.Join(dir, "deep", "er") + string(os.PathSeparator)
	if s := asJSON[setShown](t, "dataset build", "--from", txt, "--slice", "24", "--out", out); s.Slices != 2 || s.Records != 10 || filepath.Dir(s.File)+string(os.PathSeparator) != out {
		t.Errorf("%+v", s)
	}
	named := filepath.Join(dir, "named")
	raw := asJSON[setShown](t, "dataset build", "--from", txt, "--format", "raw", "--slice", "16", "--out", named)
	if raw.Format != "raw" || raw.Slices != 3 || raw.Slice != 16 || raw.File != named {
		t.Errorf("%+v", raw)
	}
	if same := asJSON[setShown](t, "dataset show", txt, "--slice-bytes", "16"); same.Root != raw.Root {
		t.Errorf("the raw file has root %s, what was built of it %s", same.Root, raw.Root)
	}
	folder := asJSON[setShown](t, "dataset build", "--from", filepath.Dir(txt), "--out", dir)
	if folder.Format != "files" || folder.Slices != 1 {
		t.Errorf("%+v", folder)
	}
	list := mustRun(t, "dataset", "ls", dir)
	if n := strings.Count(list, "\n"); n != 5 || !strings.Contains(list, folder.Root[:16]) || !strings.Contains(list, "files") {
		t.Errorf("%d lines\n%s", n, list)
	}
	var sets []setShown
	if err := json.Unmarshal([]byte(mustRun(t, "dataset", "ls", dir, "--json")), &sets); err != nil || len(sets) != 4 {
		t.Errorf("%d sets, %v", len(sets), err)
	}
}

func TestDatasetRefuses(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	build := func(code int, say, name, text string, args ...string) {
		t.Helper()
		_, file := inFolder(t, name, text)
		refuses(t, code, say, append([]string{"dataset", "build", "--from", file, "--out", t.TempDir()}, args...)...)
	}
	build(exitDiffers, "nothing to make slices of", "x.txt", "")
	build(exitDiffers, "x.txt: line 2: dataset: empty line", "x.txt", "a\n\nb\n")
	build(exitDiffers, "line 1: dataset: longer than a slice", "x.txt", "abcdef\n", "--slice", "3")
	build(exitDiffers, "line 1: dataset: not UTF-8", "x.txt", "\xff\n")
	build(exitDiffers, "line 2: dataset: wrong number of columns: 1, want 2", "x.tsv", "a\tb\nc\n")
	build(exitDiffers, "line 1: dataset: wrong number of columns: 1, want 2", "x.csv", "a\n", "--columns", "2")
	build(exitUsage, "say --format", "x.bin", "a")
	build(exitUsage, `format "pdf"`, "x.bin", "a", "--format", "pdf")
	build(exitUsage, "needs --slice", "x.txt", "a", "--format", "raw")
	refuses(t, exitUsage, "--from FILE is needed", "dataset", "build")
	refuses(t, exitIO, "no such file", "dataset", "build", "--from", filepath.Join(t.TempDir(), "x.txt"))
	_, plain := inFolder(t, "x.txt", "a\nb\n")
	refuses(t, exitDiffers, "broken file of a data set", "dataset", "show", plain)
	refuses(t, exitUsage, "--windows W is needed", "dataset", "seal", plain)
	refuses(t, exitUsage, "9 windows of 2 slices: must be 1..2", "dataset", "seal", plain, "--slice-bytes", "2", "--windows", "9")
	refuses(t, exitUsage, "--netuid N, or --root", "dataset", "get")
	refuses(t, exitUsage, "was not written by 'plexus dataset'", "subnet", "data", "--netuid", "1", plain, "--from", "//x")
}

// A set from its lines to the chain, the validators and its end, by commands.
func TestSealedByCommands(t *testing.T) {
	c := market(t, "cold")
	dir, txt := inFolder(t, "secret.txt", "one\ntwo\nthree\nfour\nfive\nsix\n")
	open := asJSON[setShown](t, "dataset build", "--from", txt, "--out", dir)
	sealed := asJSON[setShown](t, "dataset seal", open.File, "--windows", "3", "--out", dir, "--netuid", "2")
	if !sealed.Sealed || sealed.Windows != 3 || sealed.Window != 2 || sealed.Opened != 3 || sealed.Slices != 6 {
		t.Fatalf("%+v", sealed)
	}
	if info, err := os.Stat(sealed.Secret); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	// Who has the file alone reads nothing.
	b, err := os.ReadFile(sealed.File)
	if err != nil || bytes.Contains(b, []byte("three")) {
		t.Errorf("the sealed file shows what is in it: %v", err)
	}
	elsewhere := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(elsewhere, b, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, exitDiffers, "no key opens it", "dataset", "show", elsewhere, "--slice", "2")
	if out := mustRun(t, "dataset", "show", elsewhere, "--slice", "2", "--secret", sealed.Secret); out != "three\n" {
		t.Errorf("%q", out)
	}
	if s := asJSON[setShown](t, "dataset verify", sealed.File); s.Opened != 3 {
		t.Errorf("%+v", s)
	}

	mustRun(t, words("subnet create --hotkey //hot --from //cold")...)
	mustRun(t, words("subnet set --netuid 2 --from //cold rounds=2,50")...)
	mustRun(t, words("subnet upgrade --netuid 2 --from //cold --module "+moduleFile(t))...)
	refuses(t, exitUsage, "sealed in windows of 2", words("subnet data --netuid 2 --from //cold --window 3 "+sealed.File)...)
	refuses(t, exitUsage, "does not draw from this set", words("dataset share --netuid 2 "+sealed.File)...)
	mustRun(t, words(strings.TrimPrefix(strings.Replace(sealed.Next, "KEY", "//cold", 1), "plexus "))...)
	mustRun(t, words("subnet start --netuid 2 --from //cold")...)
	c.Reach(t, c.Head().Height+3)

	var rows []dataRow
	out, code, err := run(t, words("dataset status --json --warn 4")...)
	if err == nil || code != exitDiffers || !strings.Contains(err.Error(), "1 of 1 data sets run out") {
		t.Errorf("code %d, %v", code, err)
	}
	wantSchema(t, "dataset status", out)
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	r := rows[0]
	if r.NetUID != 2 || r.Root != sealed.Root || r.Windows != 3 || *r.Left != 3 || r.Last != r.Epoch+2 || r.Ends == 0 || r.Seconds == 0 || !strings.Contains(r.Warning, "3 windows are left") {
		t.Errorf("%+v", r)
	}
	if text := mustRun(t, words("dataset status --netuid 2 --warn 3")...); !strings.Contains(text, "3 of 3 windows left, until block") || strings.Contains(text, "warning") {
		t.Errorf("%s", text)
	}
	if text := mustRun(t, words("dataset status --netuid 1")...); !strings.Contains(text, "no subnet draws from data") {
		t.Errorf("%s", text)
	}

	// The grants go to the permit holders of the running epoch, and open what they should.
	grants := filepath.Join(t.TempDir(), "grants")
	mustRun(t, words("dataset share --netuid 2 --dry-run --out "+grants+" "+sealed.File)...)
	if _, err := os.Stat(grants); !os.IsNotExist(err) {
		t.Errorf("a dry run wrote something: %v", err)
	}
	var made []grantShown
	if err := json.Unmarshal([]byte(mustRun(t, words("dataset share --json --netuid 2 --out "+grants+" "+sealed.File)...)), &made); err != nil || len(made) != 1 || made[0].Windows != 3 || made[0].Hotkey != keys.Development("hot").Public() {
		t.Fatalf("%+v, %v", made, err)
	}
	box, err := os.ReadFile(made[0].File)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dataset.OpenGrant(keys.Development("cold"), box); err == nil {
		t.Error("another key opens the grant")
	}
	set, err := dataset.Load(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	g, err := dataset.OpenGrant(keys.Development("hot"), box)
	if err != nil || set.Sealed().Unlock(g) != nil {
		t.Fatal(err)
	}
	if b, _, err := set.Slice(5); err != nil || string(b) != "six" {
		t.Errorf("%q, %v", b, err)
	}
	refuses(t, exitUsage, "has no permit", words("dataset share --netuid 2 --to "+alice+" "+sealed.File)...)
	refuses(t, exitDiffers, "no key opens it", words("dataset share --netuid 2 "+elsewhere)...)
	refuses(t, exitUsage, "is not sealed", words("dataset share --netuid 2 "+open.File)...)

	// Whoever serves it, it can be fetched and checked against the chain.
	refuses(t, exitUnavailable, "not to be had", words("dataset get --netuid 2 --out "+t.TempDir())...)
	p2p.ServeBlobs(c.Net, func(id [32]byte) (io.ReadSeekCloser, int64, error) {
		f, err := os.Open(filepath.Join(dir, dataset.FileName(id)))
		return f, int64(len(b)), err
	})
	got := asJSON[setShown](t, "dataset get", "--netuid", "2", "--out", t.TempDir())
	if got.Root != sealed.Root || got.Opened != 0 || !got.Sealed {
		t.Errorf("%+v", got)
	}
	mustRun(t, "dataset", "verify", got.File, "--netuid", "2")
	refuses(t, exitDiffers, "wanted is", "dataset", "verify", open.File, "--netuid", "2")
}
