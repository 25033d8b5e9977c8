package ledger

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/plexus-network/plexus/ledger/key"
)

// Field is one line of what a transaction says, for people. Names are lower
// case words; a name with dots is a part of the thing before the dot. Amounts
// carry their unit.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Describe lists everything that the transaction says, in the order of its
// encoding: two bodies with the same fields are the same bytes. Nothing is
// shortened, since a signer may look at nothing else.
func (t *Tx) Describe() []Field {
	out := []Field{
		{"chain", t.ChainID},
		{"kind", t.Kind.String()},
		{"account", t.Account.String()},
		{"nonce", fmt.Sprint(t.Nonce)},
		{"expires after", fmt.Sprintf("block %d", t.Expiry)},
		{"tip", t.Tip.String()},
	}
	return tell(out, "", t.Payload)
}

// tell appends the exported fields of a payload, or what it says itself.
func tell(out []Field, prefix string, p any) []Field {
	v := reflect.Indirect(reflect.ValueOf(p))
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name := f.Tag.Get("show")
		if name == "" {
			name = words(f.Name)
		}
		if f.Anonymous {
			out = tell(out, prefix, v.Field(i).Interface())
			continue
		}
		out = show(out, prefix+name, v.Field(i))
	}
	return out
}

func show(out []Field, name string, v reflect.Value) []Field {
	switch x := v.Interface().(type) {
	case Payload:
		out = append(out, Field{name, x.kind().String()})
		return tell(out, name+".", x)
	case fmt.Stringer:
		return append(out, Field{name, x.String()})
	case []byte:
		return append(out, Field{name, hex.EncodeToString(x)})
	}
	switch {
	case v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Uint8:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return append(out, Field{name, hex.EncodeToString(b)})
	case v.Kind() == reflect.Slice && scalar(v.Type().Elem()):
		return append(out, Field{name, strings.Trim(fmt.Sprint(v.Interface()), "[]")})
	case v.Kind() == reflect.Slice:
		out = append(out, Field{name, fmt.Sprintf("%d in all", v.Len())})
		for i := range v.Len() {
			out = show(out, fmt.Sprintf("%s.%d", name, i+1), v.Index(i))
		}
		return out
	case v.Kind() == reflect.Struct:
		return tell(out, name+".", v.Interface())
	}
	return append(out, Field{name, fmt.Sprint(v.Interface())})
}

// scalar reports whether values of a type print as one word without a unit.
func scalar(t reflect.Type) bool {
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Uint64 && !t.Implements(reflect.TypeFor[fmt.Stringer]())
}

// words turns MaxPrice into "max price" and NetUID into "netuid".
func words(s string) string {
	var b strings.Builder
	prev := 'A'
	for _, r := range s {
		if unicode.IsUpper(r) && !unicode.IsUpper(prev) && b.String() != "net" {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
		prev = r
	}
	return b.String()
}

// Signers lists who signed the transaction: its account, or the members of a
// multisig account whose signatures it carries.
func (t *Tx) Signers() []key.ID {
	var out []key.ID
	t.signatures(func(id key.ID, _ key.Scheme, _ key.Signature) { out = append(out, id) })
	return out
}
