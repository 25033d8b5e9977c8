package command

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// errTxFile is returned for a transaction file that is not one, or says one
// thing in words and another in its bytes.
var errTxFile = errors.New("transaction file")

// maxTxFile bounds a transaction file in bytes: a transaction in hexadecimal, its
// words, and a multisig account's members.
const maxTxFile = 4 << 20

// txFile is a transaction on its way between machines. What is signed is Body;
// Transaction says the same in words, for people, and a file in which the two
// differ is refused.
type txFile struct {
	Version     int            `json:"plexus_transaction"` // 1
	ID          string         `json:"id"`
	Transaction []ledger.Field `json:"transaction"`
	Body        string         `json:"body"`               // hexadecimal
	Multisig    *txRule        `json:"multisig,omitempty"` // of the account, if it is one
	Signatures  []txSignature  `json:"signatures"`
}

// txRule is the rule of a multisig account.
type txRule struct {
	Threshold int      `json:"threshold"`
	Members   []key.ID `json:"members"`
}

// txSignature is one signature over a body.
type txSignature struct {
	By        key.ID `json:"by"`
	Signature string `json:"signature"` // as in "ed25519:" and hexadecimal
}

// newTxFile is the file of an unsigned body.
func newTxFile(body []byte, rule *ledger.Multisig) (*txFile, error) {
	t, err := ledger.DecodeBody(body)
	if err != nil {
		return nil, err
	}
	f := &txFile{Version: 1, ID: fmt.Sprintf("%x", t.ID()), Transaction: t.Describe(), Body: hex.EncodeToString(body), Signatures: []txSignature{}}
	if rule != nil {
		f.Multisig = &txRule{rule.Threshold, rule.Members}
	}
	return f, nil
}

// decodeTxFile reads a file and checks that its words, its id, its multisig rule
// and its signatures are of its body.
func decodeTxFile(b []byte) (*txFile, *ledger.Tx, error) {
	bad := func(format string, args ...any) (*txFile, *ledger.Tx, error) {
		return nil, nil, fmt.Errorf("%w: %w", errTxFile, fmt.Errorf(format, args...))
	}
	if len(b) > maxTxFile {
		return bad("%d bytes, at most %d", len(b), maxTxFile)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return bad("it is empty")
	}
	f := &txFile{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return bad("%w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return bad("something follows its end")
	}
	if f.Version != 1 {
		return bad("version %d, this program reads 1", f.Version)
	}
	body, err := hex.DecodeString(f.Body)
	if err != nil {
		return bad("body: %w", err)
	}
	t, err := ledger.DecodeBody(body)
	if err != nil {
		return bad("body: %w", err)
	}
	if id := fmt.Sprintf("%x", t.ID()); f.ID != id {
		return bad("its id is %q, that of its body %s", f.ID, id)
	}
	says := t.Describe()
	for i := range max(len(says), len(f.Transaction)) {
		var word, truth ledger.Field
		if i < len(f.Transaction) {
			word = f.Transaction[i]
		}
		if i < len(says) {
			truth = says[i]
		}
		if word != truth {
			return bad("its words and its bytes differ: it says %q is %q, the bytes say %q is %q: do not sign it", word.Name, word.Value, truth.Name, truth.Value)
		}
	}
	rule, err := f.rule()
	if err != nil {
		return bad("%w", err)
	}
	if rule != nil && rule.ID() != t.Account {
		return bad("its multisig rule is of account %s, the transaction of %s", rule.ID(), t.Account)
	}
	for i, s := range f.Signatures {
		scheme, sig, err := parseSignature(s.Signature)
		if err == nil {
			err = s.By.VerifyScheme(scheme, ledger.TxTag, body, sig)
		}
		if err != nil {
			return bad("signature %d, by %s: %w", i+1, s.By, err)
		}
		if rule == nil && s.By != t.Account {
			return bad("signature %d is by %s, the transaction of %s", i+1, s.By, t.Account)
		}
	}
	return f, t, nil
}

// rule is the multisig rule, nil for an ordinary account.
func (f *txFile) rule() (*ledger.Multisig, error) {
	if f.Multisig == nil {
		return nil, nil
	}
	m := &ledger.Multisig{Threshold: f.Multisig.Threshold, Members: f.Multisig.Members}
	return m, m.Validate()
}

// sign adds a signature. A second one by the same key changes nothing.
func (f *txFile) sign(s key.Signer, t *ledger.Tx) error {
	id := s.Public()
	rule, err := f.rule()
	if err != nil {
		return err
	}
	if rule == nil && id != t.Account {
		return fmt.Errorf("the key is that of %s, the transaction is of %s", id, t.Account)
	}
	if rule != nil {
		member := false
		for _, m := range rule.Members {
			member = member || m == id
		}
		if !member {
			return fmt.Errorf("%s is no member of the multisig account %s", id, t.Account)
		}
	}
	for _, old := range f.Signatures {
		if old.By == id {
			return nil
		}
	}
	body, err := hex.DecodeString(f.Body)
	if err != nil {
		return err
	}
	f.Signatures = append(f.Signatures, txSignature{id, signatureText(s.Scheme(), s.Sign(ledger.TxTag, body))})
	return nil
}

// missing is how many signatures it needs yet.
func (f *txFile) missing() int {
	need := 1
	if f.Multisig != nil {
		need = f.Multisig.Threshold
	}
	return max(0, need-len(f.Signatures))
}

// raw is the wire form, once it is signed.
func (f *txFile) raw() ([]byte, error) {
	if n := f.missing(); n > 0 {
		return nil, fmt.Errorf("%w: %d signatures are missing: sign it with 'plexus tx sign'", errTxFile, n)
	}
	body, err := hex.DecodeString(f.Body)
	if err != nil {
		return nil, err
	}
	rule, err := f.rule()
	if err != nil {
		return nil, err
	}
	sigs := map[key.ID]ledger.MemberSignature{}
	for _, s := range f.Signatures {
		scheme, sig, err := parseSignature(s.Signature)
		if err != nil {
			return nil, err
		}
		if rule == nil {
			return ledger.Attach(body, scheme, sig), nil
		}
		sigs[s.By] = ledger.MemberSignature{Scheme: scheme, Signature: sig}
	}
	a, err := rule.Approve(sigs)
	if err != nil {
		return nil, err
	}
	return ledger.AttachApproval(body, a), nil
}

// encode is the file's text.
func (f *txFile) encode() ([]byte, error) {
	b, err := json.MarshalIndent(f, "", "  ")
	return append(b, '\n'), err
}

// save writes the file, at once or not at all; over another one only when asked.
func (f *txFile) save(name string, replace bool) error {
	b, err := f.encode()
	if err != nil {
		return err
	}
	if !replace {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s exists: give another name", name)
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

func readTxFile(name string) (*txFile, *ledger.Tx, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxTxFile+1))
	if err != nil {
		return nil, nil, err
	}
	f, t, err := decodeTxFile(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, t, nil
}

// signatureText is a signature with its scheme.
func signatureText(s key.Scheme, sig key.Signature) string {
	return s.String() + ":" + hex.EncodeToString(sig[:])
}

// parseSignature reads what signatureText wrote.
func parseSignature(text string) (key.Scheme, key.Signature, error) {
	name, digits, ok := strings.Cut(text, ":")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != key.SignatureSize {
		return 0, key.Signature{}, usage("not a signature: want ed25519:HEX or sr25519:HEX with %d hexadecimal digits", 2*key.SignatureSize)
	}
	scheme, err := parseScheme(name)
	return scheme, key.Signature(b), err
}

// parseMultisig reads THRESHOLD:KEY,KEY,… with names or addresses.
func parseMultisig(dir, text string) (*ledger.Multisig, error) {
	head, rest, ok := strings.Cut(text, ":")
	n, err := strconv.Atoi(head)
	if !ok || err != nil {
		return nil, usage("--multisig %q: want THRESHOLD:KEY,KEY,…", text)
	}
	var members []key.ID
	for _, name := range strings.Split(rest, ",") {
		id, err := addressOf(dir, strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		members = append(members, id)
	}
	m, err := ledger.NewMultisig(n, members...)
	if err != nil {
		return nil, &coded{exitUsage, err}
	}
	return &m, nil
}
