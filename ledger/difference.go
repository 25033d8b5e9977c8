package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Difference is one field of the state that would change, for people. Amounts
// carry their unit; a side that has no value is empty.
type Difference struct {
	Of     string `json:"of"` // "account 5Gr…", "market of netuid 1"
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Differences says in words what writes, which are sorted by key, change of the
// state v, for instance those of a Simulation. Values that have no words are
// told as changed, never left out.
func Differences(v View, writes []Write) ([]Difference, error) {
	after := newState(v)
	for _, w := range writes {
		after.set(w.Key, w.Value)
	}
	var out []Difference
	for _, w := range writes {
		old, err := v.Get(w.Key)
		if err != nil {
			return nil, err
		}
		prefix, rest := splitKey(w.Key)
		k := told[prefix]
		of := strings.TrimSpace(k.name + spell(k.parts, rest))
		if k.name == "" {
			of = strings.TrimSuffix(prefix, "/") + " " + hex.EncodeToString([]byte(rest))
		}
		was, is := k.fields(old), k.fields(w.Value)
		if k.worth != nil {
			if was, err = k.worth(v, rest); err == nil {
				is, err = k.worth(after, rest)
			}
			if err != nil {
				return nil, err
			}
		}
		out = appendDifferences(out, of, was, is)
	}
	return out, nil
}

// appendDifferences compares two lists of fields by their names, in the order of
// the second.
func appendDifferences(out []Difference, of string, was, is []Field) []Difference {
	before := make(map[string]string, len(was))
	for _, f := range was {
		before[f.Name] = f.Value
	}
	seen := make(map[string]bool, len(is))
	for _, f := range is {
		seen[f.Name] = true
		if old := before[f.Name]; old != f.Value {
			out = append(out, Difference{of, f.Name, old, f.Value})
		}
	}
	for _, f := range was {
		if !seen[f.Name] {
			out = append(out, Difference{of, f.Name, f.Value, ""})
		}
	}
	return out
}

// splitKey cuts a key behind its prefix.
func splitKey(k []byte) (prefix, rest string) {
	s := string(k)
	i := strings.IndexByte(s, '/') + 1
	return s[:i], s[i:]
}

// telling says how a kind of record is told: what it is of, which numbers and
// ids its key holds, and how its value is read. Parts are n, a netuid; u, a uid
// or another 16-bit number; e, a 64-bit number; i, an account; a, an address of
// 20 bytes; x, a hash; s, the rest as text.
type telling struct {
	name   string
	parts  string
	decode func(b []byte) (any, error)
	// worth is used instead of decode for a value that means something only
	// together with others.
	worth func(v View, rest string) ([]Field, error)
}

// reads makes the decoder of a record.
func reads[T any, P record[T]](b []byte) (any, error) {
	var t T
	d := cbor.NewDecoder(b)
	P(&t).decode(d)
	return t, d.End()
}

var told = map[string]telling{
	prefixAccount:    {name: "account", parts: "i", decode: reads[Account]},
	prefixTotals:     {name: "chain", decode: reads[Totals]},
	prefixParams:     {name: "parameters of the chain", decode: reads[Params]},
	prefixProducer:   {name: "producer", parts: "a", decode: reads[Producer]},
	prefixSubnet:     {name: "subnet", parts: "n", decode: reads[Subnet]},
	prefixPlanned:    {name: "next epoch of", parts: "n", decode: reads[Planned]},
	prefixClock:      {name: "clock of", parts: "n", decode: reads[Clock]},
	prefixMarket:     {name: "market of", parts: "n", decode: reads[Market]},
	prefixNeuron:     {name: "neuron of", parts: "nu", decode: reads[Neuron]},
	prefixIdentity:   {name: "identity of", parts: "n", decode: reads[Identity]},
	prefixWho:        {name: "identity of", parts: "i", decode: reads[Identity]},
	prefixModule:     {name: "module", parts: "x", decode: reads[StoredModule]},
	prefixUpload:     {name: "upload by", parts: "ix", decode: reads[Upload]},
	prefixRegistry:   {name: "last creation of a subnet", decode: reads[Registry]},
	prefixPast:       {name: "past of", parts: "n", decode: reads[Past]},
	prefixArtifact:   {name: "artifact of", parts: "n", decode: reads[Artifact]},
	prefixCommit:     {name: "commitment of", parts: "nei", decode: reads[Committed]},
	prefixLimit:      {name: "limit of", parts: "ns", decode: reads[stamp]},
	prefixQueue:      {name: "unbonding", parts: "e", decode: reads[Unbonding]},
	prefixProposal:   {name: "proposal", parts: "e", decode: reads[Proposal]},
	prefixBallot:     {name: "vote on proposal", parts: "ei", decode: reads[ballot]},
	prefixDelegate:   {name: "take of", parts: "i", decode: reads[delegate]},
	prefixFamily:     {name: "family in", parts: "ni", decode: reads[Family]},
	prefixWaiting:    {name: "children to come in", parts: "ni", decode: reads[brood]},
	prefixColdSwap:   {name: "rotation of", parts: "i", decode: reads[ColdkeySwap]},
	prefixOwner:      {name: "owner of hotkey", parts: "i", worth: ownerField},
	prefixUID:        {name: "uid in", parts: "ni", worth: uidField},
	prefixHotkeyPool: {name: "stake in", parts: "ni", worth: stakeField},
	prefixShares:     {name: "part of the stake in", parts: "nii", worth: positionField},
	prefixProxies:    {name: "rights over", parts: "i", worth: proxyFields},
	prefixAnnounced:  {name: "announced calls for", parts: "ii", worth: announcedFields},
	prefixSubnets:    {name: "list of subnets", worth: subnetsField},
}

// fields reads a value; one without words is told by its bytes.
func (k *telling) fields(b []byte) []Field {
	if b == nil {
		return nil
	}
	if k.decode != nil {
		if t, err := k.decode(b); err == nil {
			return tell(nil, "", t)
		}
	}
	if len(b) > 32 {
		h := key.Hash("difference", b)
		return []Field{{"value", fmt.Sprintf("%d bytes, %x", len(b), h[:8])}}
	}
	return []Field{{"value", hex.EncodeToString(b)}}
}

// spell writes what a key holds behind its prefix.
func spell(parts, rest string) string {
	var b strings.Builder
	for _, p := range parts {
		size := map[rune]int{'n': 2, 'u': 2, 'e': 8, 'i': 32, 'x': 32, 'a': 20, 's': len(rest)}[p]
		if size > len(rest) {
			return " " + hex.EncodeToString([]byte(rest))
		}
		part := []byte(rest[:size])
		rest = rest[size:]
		switch p {
		case 'n':
			n := binary.BigEndian.Uint16(part)
			if m := n / (maxNetUID + 1); m > 0 {
				fmt.Fprintf(&b, " netuid %d, mechanism %d", n%(maxNetUID+1), m)
				break
			}
			fmt.Fprintf(&b, " netuid %d", n)
		case 'u':
			fmt.Fprintf(&b, " uid %d", binary.BigEndian.Uint16(part))
		case 'e':
			fmt.Fprintf(&b, " %d", binary.BigEndian.Uint64(part))
		case 'i':
			b.WriteString(" " + key.ID(part).String())
		case 's':
			b.WriteString(" " + string(part))
		default:
			b.WriteString(" " + hex.EncodeToString(part))
		}
	}
	return b.String()
}

// netuidAnd cuts a key of a netuid and ids; ids that are missing are zero.
func netuidAnd(rest string) (n NetUID, ids [2]key.ID) {
	if len(rest) >= 2 {
		n, rest = NetUID(binary.BigEndian.Uint16([]byte(rest[:2]))), rest[2:]
	}
	return n, twoIDs(rest)
}

func twoIDs(rest string) (ids [2]key.ID) {
	copy(ids[0][:], rest)
	if len(rest) > 32 {
		copy(ids[1][:], rest[32:])
	}
	return ids
}

// staked is an amount of stake in the unit of its netuid.
func staked(n NetUID, v uint64) []Field {
	switch {
	case v == 0:
		return nil
	case n == 0:
		return []Field{{"stake", unit.TAO(v).String()}}
	}
	return []Field{{"stake", unit.Alpha(v).String()}}
}

func stakeField(v View, rest string) ([]Field, error) {
	n, ids := netuidAnd(rest)
	amount, err := LoadStake(v, n, ids[0])
	return staked(n, amount), err
}

func positionField(v View, rest string) ([]Field, error) {
	n, ids := netuidAnd(rest)
	amount, err := LoadPosition(v, n, ids[0], ids[1])
	return staked(n, amount), err
}

func uidField(v View, rest string) ([]Field, error) {
	n, ids := netuidAnd(rest)
	u, ok, err := FindUID(v, n, ids[0])
	if err != nil || !ok {
		return nil, err
	}
	return []Field{{"uid", fmt.Sprint(u)}}, nil
}

func ownerField(v View, rest string) ([]Field, error) {
	c, err := LoadOwner(v, twoIDs(rest)[0])
	if err != nil || c == (Coldkey{}) {
		return nil, err
	}
	return []Field{{"coldkey", c.String()}}, nil
}

func proxyFields(v View, rest string) ([]Field, error) {
	list, err := LoadProxies(v, twoIDs(rest)[0])
	var out []Field
	for _, p := range list {
		out = append(out, Field{p.Delegate.String(), fmt.Sprintf("%s, after %d blocks", p.Rights, p.Delay)})
	}
	return out, err
}

func announcedFields(v View, rest string) ([]Field, error) {
	ids := twoIDs(rest)
	list, err := LoadAnnounced(v, ids[0], ids[1])
	var out []Field
	for _, a := range list {
		out = append(out, Field{hex.EncodeToString(a.Call[:]), fmt.Sprintf("announced at block %d", a.Height)})
	}
	return out, err
}

func subnetsField(v View, _ string) ([]Field, error) {
	nets, err := Subnets(v)
	return []Field{{"netuids", strings.Trim(fmt.Sprint(nets), "[]")}}, err
}
