package keys

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/plexus-network/plexus/ledger/key"
)

// Errors of key files.
var (
	// ErrExists is returned instead of writing over a key.
	ErrExists = errors.New("keys: a key of this name exists")
	// ErrMode is returned for a file that others can read.
	ErrMode = errors.New("keys: file is readable by others")
	// ErrFile is returned for a file that is damaged or no key file at all.
	ErrFile = errors.New("keys: not a key file, or a damaged one")
	// ErrPassword is returned for a wrong password.
	ErrPassword = errors.New("keys: wrong password")
	// ErrNoPassword is returned where a password is needed and none was given.
	ErrNoPassword = errors.New("keys: the key is encrypted and no password was given")
	// ErrWatch is returned where a secret is needed of a key that has none here.
	ErrWatch = errors.New("keys: the key is watched only, its secret is not here")
)

const (
	header  = "plexus-key-1 " // of the first form
	version = 2
	maxFile = 16 << 10 // bytes
)

// file is the JSON object of a key file. Bytes are in hexadecimal.
type file struct {
	Version int    `json:"plexus_key"` // 2
	Scheme  string `json:"scheme"`     // ed25519 or sr25519
	Address string `json:"address"`    // of the public key
	KDF     *kdf   `json:"kdf,omitempty"`
	Nonce   string `json:"nonce,omitempty"`  // 24 bytes of XChaCha20-Poly1305
	Secret  string `json:"secret,omitempty"` // encrypted if there is a kdf; absent for a watched key
	Check   string `json:"check"`            // first 8 bytes of SHA-256 over the rest: damage is told from a wrong password
}

// kdf says how a password becomes a key: argon2id.
type kdf struct {
	Name    string `json:"name"`
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
	Salt    string `json:"salt"` // 16 bytes
}

// cost is that of new files: about 0.4 s on one core of 2026.
var cost = kdf{Name: "argon2id", Time: 3, Memory: 64 << 10, Threads: 2}

// check is over everything but itself, the public key among it.
func (f *file) check() string {
	g := *f
	g.Check = ""
	b, err := json.Marshal(&g)
	if err != nil {
		panic("keys: " + err.Error()) // texts and numbers only
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// associated is what encryption authenticates beside the secret, so that nobody
// can put another address or a cheaper kdf above it.
func (f *file) associated() []byte {
	g := file{Version: f.Version, Scheme: f.Scheme, Address: f.Address, KDF: f.KDF}
	b, err := json.Marshal(&g)
	if err != nil {
		panic("keys: " + err.Error())
	}
	return b
}

func (k *kdf) key(password []byte) ([]byte, error) {
	salt, err := hex.DecodeString(k.Salt)
	// The bounds keep a foreign file from taking all of the memory or the day.
	if err != nil || len(salt) != 16 || k.Name != "argon2id" || k.Time < 1 || k.Time > 64 || k.Memory < 8 || k.Memory > 1<<20 || k.Threads < 1 || k.Threads > 64 {
		return nil, ErrFile
	}
	return argon2.IDKey(password, salt, k.Time, k.Memory, k.Threads, chacha20poly1305.KeySize), nil
}

// seal makes a file of a secret; without a password it is not encrypted.
func seal(s Secret, password []byte) *file {
	f := &file{Version: version, Scheme: s.scheme.String(), Address: s.Public().String()}
	plain := s.encode()
	if len(password) == 0 {
		f.Secret = hex.EncodeToString(plain)
		f.Check = f.check()
		return f
	}
	k := cost
	salt, nonce := make([]byte, 16), make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(salt) // crypto/rand never fails
	rand.Read(nonce)
	k.Salt, f.Nonce, f.KDF = hex.EncodeToString(salt), hex.EncodeToString(nonce), &k
	secret, err := k.key(password)
	if err != nil {
		panic("keys: " + err.Error()) // our own parameters
	}
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		panic("keys: " + err.Error()) // the key has the right size
	}
	f.Secret = hex.EncodeToString(aead.Seal(nil, nonce, plain, f.associated()))
	f.Check = f.check()
	return f
}

// open returns the secret. ask is called only if the file is encrypted.
func (f *file) open(ask func() ([]byte, error)) (Secret, error) {
	scheme, id, err := f.public()
	if err != nil {
		return Secret{}, err
	}
	if f.Secret == "" {
		return Secret{}, ErrWatch
	}
	plain, err := hex.DecodeString(f.Secret)
	if err != nil {
		return Secret{}, ErrFile
	}
	if f.KDF != nil {
		if ask == nil {
			return Secret{}, ErrNoPassword
		}
		password, err := ask()
		if err != nil {
			return Secret{}, err
		}
		if plain, err = f.decrypt(plain, password); err != nil {
			return Secret{}, err
		}
	}
	s, err := decodeSecret(scheme, plain)
	if err != nil || s.Public() != id {
		return Secret{}, ErrFile
	}
	return s, nil
}

func (f *file) decrypt(secret, password []byte) ([]byte, error) {
	k, err := f.KDF.key(password)
	if err != nil {
		return nil, err
	}
	nonce, err := hex.DecodeString(f.Nonce)
	if err != nil || len(nonce) != chacha20poly1305.NonceSizeX {
		return nil, ErrFile
	}
	aead, err := chacha20poly1305.NewX(k)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, secret, f.associated())
	if err != nil {
		return nil, ErrPassword
	}
	return plain, nil
}

func (f *file) public() (key.Scheme, key.ID, error) {
	id, err := key.Parse(f.Address)
	if err != nil {
		return 0, id, ErrFile
	}
	scheme, err := ParseScheme(f.Scheme)
	if err != nil {
		return 0, id, ErrFile
	}
	return scheme, id, nil
}

// ParseScheme reads the name of a scheme: ed25519 or sr25519.
func ParseScheme(name string) (key.Scheme, error) {
	for _, s := range []key.Scheme{key.ED25519, key.SR25519} {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w %q: ed25519 or sr25519", ErrScheme, name)
}

// decode reads a key file of either form. What is not exactly one is ErrFile.
func decode(b []byte) (*file, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrFile, len(b))
	}
	if text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), header); ok {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != 32 {
			return nil, ErrFile
		}
		return seal(FromSeed(key.Seed(raw)), nil), nil
	}
	f := &file{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(f) != nil {
		return nil, ErrFile
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, ErrFile
	}
	if f.Version != version {
		return nil, fmt.Errorf("%w: version %d, this program reads 1 and %d", ErrFile, f.Version, version)
	}
	if _, _, err := f.public(); err != nil || f.Check != f.check() {
		return nil, ErrFile
	}
	return f, nil
}

// read reads a key file after a look at its mode. Errors never quote what it
// holds.
func read(name string) (*file, error) {
	if err := CheckMode(name); err != nil {
		return nil, err
	}
	r, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	f, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, name)
	}
	return f, nil
}

// CheckMode is ErrMode for a file that others than its owner can read. Systems
// without such modes pass.
func CheckMode(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		return fmt.Errorf("%w: %s has mode %04o: run chmod 600 %s", ErrMode, name, info.Mode().Perm(), name)
	}
	return nil
}

// encode is the file's text.
func (f *file) encode() []byte {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic("keys: " + err.Error()) // texts and numbers only
	}
	return append(b, '\n')
}

// write writes a new file of mode 0600, or replaces one, at once or not at all.
func (f *file) write(name string, replace bool) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(f.encode())
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if replace {
		err = os.Rename(tmp.Name(), name)
	} else {
		err = place(tmp.Name(), name)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// place gives a file its name unless that is taken. A link does so at once;
// where there are none, a look beforehand has to do.
func place(tmp, name string) error {
	err := os.Link(tmp, name)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if _, serr := os.Lstat(name); errors.Is(serr, fs.ErrNotExist) {
			return os.Rename(tmp, name)
		}
		err = fs.ErrExist
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", ErrExists, name)
	}
	return err
}

// syncDir makes a new name last. Systems that cannot sync a folder need not.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && os.PathSeparator == '/' {
		return err
	}
	return nil
}

// Save writes a seed to a new file of mode 0600, not encrypted: for the keys of
// processes that start without a person.
func Save(name string, s key.Seed) error { return seal(FromSeed(s), nil).write(name, false) }

// Load reads the seed of an ed25519 key file that is not encrypted.
func Load(name string) (key.Seed, error) { return LoadSeed(name, nil) }

// LoadSeed reads the seed of an ed25519 key file. ask is called for the password
// if the file is encrypted; with ask nil that is ErrNoPassword.
func LoadSeed(name string, ask func() ([]byte, error)) (key.Seed, error) {
	f, err := read(name)
	if err != nil {
		return key.Seed{}, err
	}
	s, err := f.open(ask)
	if err != nil {
		return key.Seed{}, fmt.Errorf("%w: %s", err, name)
	}
	return s.Seed()
}
