package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/plexus-network/plexus/ledger/key"
)

// ErrName is returned for text that cannot name a key.
var ErrName = errors.New("keys: not a key name")

// ErrUnknown is returned for a name that the ring does not have.
var ErrUnknown = errors.New("keys: no such key")

const suffix = ".key"

// Ring is a folder of named keys, each in NAME.key.
type Ring struct{ Dir string }

// DefaultRing is the folder in the user's home.
func DefaultRing() (Ring, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return Ring{}, err
	}
	return Ring{filepath.Join(home, ".plexus", "keys")}, nil
}

// File is the file of a key, whether or not it exists; ErrName for a bad name.
func (r Ring) File(name string) (string, error) {
	if name == "" || len(name) > 64 || strings.IndexFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) >= 0 {
		return "", fmt.Errorf("%w: %q: use letters, digits, - and _", ErrName, name)
	}
	return filepath.Join(r.Dir, name+suffix), nil
}

// New makes a random ed25519 key and saves it unencrypted.
func (r Ring) New(name string) (key.ID, error) {
	s, err := Generate(key.ED25519, 12)
	if err != nil {
		return key.ID{}, err
	}
	return s.Public(), r.Add(name, s, nil)
}

// Add saves a secret under a new name, encrypted unless the password is empty.
func (r Ring) Add(name string, s Secret, password []byte) error {
	file, err := r.File(name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil { // before the work of encrypting
		return fmt.Errorf("%w: %s", ErrExists, file)
	}
	return seal(s, password).write(file, false)
}

// Watch saves an address under a new name. Its secret is elsewhere.
func (r Ring) Watch(name string, scheme key.Scheme, id key.ID) error {
	name, err := r.File(name)
	if err != nil {
		return err
	}
	f := &file{Version: version, Scheme: scheme.String(), Address: id.String()}
	f.Check = f.check()
	return f.write(name, false)
}

// Open reads the secret of a key. ask is called for the password if the key is
// encrypted; with ask nil that is ErrNoPassword.
func (r Ring) Open(name string, ask func() ([]byte, error)) (Secret, error) {
	f, path, err := r.read(name)
	if err != nil {
		return Secret{}, err
	}
	s, err := f.open(ask)
	if err != nil {
		return s, fmt.Errorf("%w: %s", err, path)
	}
	return s, nil
}

// Rotate writes the secret of a key anew under another password, or unencrypted
// if that is empty. A crash leaves the old file or the new one.
func (r Ring) Rotate(name string, s Secret, password []byte) error {
	f, path, err := r.read(name)
	if err != nil {
		return err
	}
	if f.Address != s.Public().String() {
		return fmt.Errorf("%w: %s holds another key", ErrFile, path)
	}
	return seal(s, password).write(path, true)
}

func (r Ring) read(name string) (*file, string, error) {
	path, err := r.File(name)
	if err != nil {
		return nil, "", err
	}
	f, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, path, fmt.Errorf("%w: %q in %s: make one with: plexus key new %s", ErrUnknown, name, r.Dir, name)
	}
	return f, path, err
}

// Info is what can be said of a key without its password. If its file is damaged
// or others can read it, Err is set and the rest is zero.
type Info struct {
	Name      string
	ID        key.ID
	Scheme    key.Scheme
	Encrypted bool
	Watched   bool // the secret is not here
	Err       error
}

// Info tells of one key.
func (r Ring) Info(name string) (Info, error) {
	f, _, err := r.read(name)
	if err != nil {
		return Info{Name: name, Err: err}, err
	}
	n := Info{Name: name, Encrypted: f.KDF != nil, Watched: f.Secret == ""}
	n.Scheme, n.ID, n.Err = f.public()
	return n, n.Err
}

// List tells of all keys of the ring, sorted by name.
func (r Ring) List() ([]Info, error) {
	entries, err := os.ReadDir(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Info
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), suffix); ok && !strings.HasPrefix(name, ".") {
			n, _ := r.Info(name) // the error is in it
			out = append(out, n)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}
