package ledger

import (
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// A module comes to the chain in chunks. Each is a zstd frame of its own, and
// what the frames hold, one behind the other, is the module. They come in their
// order, so that the ledger hashes as it goes and never needs the bytes of
// before: the state holds {hash, sizes, chunk hashes}, and a block's Result
// hands out the chunks for keeping beside it. The ledger never runs a module.

// Bounds of a module.
const (
	MaxModule = 8 << 20   // bytes unpacked
	MaxChunk  = 128 << 10 // bytes of a chunk, packed
	maxChunks = MaxModule / MaxChunk
)

// ErrModule is returned for a chunk that does not unpack within its bounds.
var ErrModule = errors.New("ledger: chunk does not unpack")

// StoreModule announces a module to be stored by the signer:
// [1, hash, size, packed size, [chunk hash, ...]]. The price of all its packed
// bytes is burned.
type StoreModule struct {
	Module [32]byte   // SHA-256 of the unpacked bytes
	Size   uint64     // unpacked bytes
	Packed uint64     // bytes of all chunks
	Chunks [][32]byte // ChunkHash of each
}

func (*StoreModule) kind() Kind { return KindStoreModule }

func (p *StoreModule) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 5), 1), p.Module[:])
	b = cbor.AppendUint(cbor.AppendUint(b, p.Size), p.Packed)
	return appendHashes(b, p.Chunks)
}

func decodeStoreModule(d *cbor.Decoder) *StoreModule {
	d.Version(5, 1)
	return &StoreModule{d.Hash(), d.UintMax(MaxModule), d.UintMax(MaxModule), decodeHashes(d)}
}

func appendHashes(b []byte, hashes [][32]byte) []byte {
	b = cbor.AppendArray(b, len(hashes))
	for i := range hashes {
		b = cbor.AppendBytes(b, hashes[i][:])
	}
	return b
}

func decodeHashes(d *cbor.Decoder) (out [][32]byte) {
	for range d.ArrayMax(maxChunks) {
		out = append(out, d.Hash())
	}
	return out
}

// StoreChunk brings the next chunk of an announced module:
// [1, hash of the module, index, bytes].
type StoreChunk struct {
	Module [32]byte
	Index  uint64
	Bytes  []byte
}

func (*StoreChunk) kind() Kind { return KindStoreChunk }

func (p *StoreChunk) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 4), 1), p.Module[:])
	return cbor.AppendBytes(cbor.AppendUint(b, p.Index), p.Bytes)
}

func decodeStoreChunk(d *cbor.Decoder) *StoreChunk {
	d.Version(4, 1)
	return &StoreChunk{d.Hash(), d.UintMax(maxChunks), d.Bytes(MaxChunk)}
}

// ChunkHash names a chunk.
func ChunkHash(packed []byte) [32]byte { return key.Hash("module-chunk", packed) }

// PackModule cuts a module into chunks and announces it. The module must be
// within MaxModule.
func PackModule(module []byte) (*StoreModule, []StoreChunk, error) {
	if len(module) == 0 || len(module) > MaxModule {
		return nil, nil, fmt.Errorf("%w: a module of %d bytes: 1 to %d", ErrModule, len(module), MaxModule)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return nil, nil, err
	}
	p := &StoreModule{Module: sha256.Sum256(module), Size: uint64(len(module))}
	var chunks []StoreChunk
	for rest := module; len(rest) > 0; {
		n := min(len(rest), 4*MaxChunk)
		packed := enc.EncodeAll(rest[:n], nil)
		for len(packed) > MaxChunk {
			n = n * 3 / 4
			packed = enc.EncodeAll(rest[:n], nil)
		}
		chunks = append(chunks, StoreChunk{p.Module, uint64(len(chunks)), packed})
		p.Chunks = append(p.Chunks, ChunkHash(packed))
		p.Packed += uint64(len(packed))
		rest = rest[n:]
	}
	if len(chunks) > maxChunks || p.Packed > MaxModule {
		return nil, nil, fmt.Errorf("%w: the module packs to %d bytes in %d chunks, at most %d in %d", ErrModule, p.Packed, len(chunks), MaxModule, maxChunks)
	}
	return p, chunks, nil
}

// UnpackChunk returns what a chunk holds, at most most bytes: ErrModule.
func UnpackChunk(packed []byte, most uint64) ([]byte, error) {
	if len(packed) == 0 || len(packed) > MaxChunk || most == 0 || most > MaxModule {
		return nil, fmt.Errorf("%w: %d bytes into at most %d", ErrModule, len(packed), most)
	}
	// The decoder's own bound is kept from going below the smallest window that
	// every frame may ask for; most is what holds.
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(max(most, 1<<20)), zstd.WithDecoderMaxWindow(MaxModule))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrModule, err)
	}
	defer dec.Close()
	out, err := dec.DecodeAll(packed, nil)
	if err != nil || len(out) == 0 || uint64(len(out)) > most {
		return nil, fmt.Errorf("%w: %d bytes of at most %d: %v", ErrModule, len(out), most, err)
	}
	return out, nil
}

// Chunk is a chunk of a module that a block brought, to be kept beside the state.
// One that no StoredModule and no Upload names may be forgotten.
type Chunk struct {
	Hash  [32]byte // ChunkHash
	Bytes []byte
}

// StoredModule is a module that is complete on the chain.
type StoredModule struct {
	Size   uint64     // unpacked bytes
	Packed uint64     // bytes of all chunks
	Chunks [][32]byte // ChunkHash of each, in their order
	Height Height     // of its completion
}

func (m *StoredModule) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 5), 1), m.Size), m.Packed)
	return cbor.AppendUint(appendHashes(b, m.Chunks), m.Height)
}

func (m *StoredModule) decode(d *cbor.Decoder) {
	d.Version(5, 1)
	m.Size, m.Packed, m.Chunks, m.Height = d.UintMax(MaxModule), d.UintMax(MaxModule), decodeHashes(d), d.Uint()
}

// Upload is a module that is not complete yet.
type Upload struct {
	StoredModule        // Height of its announcement
	Have         uint64 // chunks that are there
	Got          uint64 // unpacked bytes of them
	GotPacked    uint64
	Sum          []byte // state of SHA-256 behind them
}

// maxSum bounds the encoded state of a SHA-256.
const maxSum = 128

func (u *Upload) append(b []byte) []byte {
	b = u.StoredModule.append(cbor.AppendUint(cbor.AppendArray(b, 6), 1))
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(b, u.Have), u.Got), u.GotPacked)
	return cbor.AppendBytes(b, u.Sum)
}

func (u *Upload) decode(d *cbor.Decoder) {
	d.Version(6, 1)
	u.StoredModule.decode(d)
	u.Have, u.Got, u.GotPacked = d.UintMax(maxChunks), d.UintMax(MaxModule), d.UintMax(MaxModule)
	u.Sum = append([]byte(nil), d.Bytes(maxSum)...)
}

// expiring lists the uploads that are forgotten at a height.
type expiring struct{ keys [][]byte }

func (e *expiring) append(b []byte) []byte {
	b = cbor.AppendArray(cbor.AppendUint(cbor.AppendArray(b, 2), 1), len(e.keys))
	for _, k := range e.keys {
		b = cbor.AppendBytes(b, k)
	}
	return b
}

func (e *expiring) decode(d *cbor.Decoder) {
	d.Version(2, 1)
	e.keys = nil
	for range d.ArrayMax(MaxBlockEntries) {
		e.keys = append(e.keys, append([]byte(nil), d.Bytes(128)...))
	}
}

// LoadModule reads a complete module, nil when there is none.
func LoadModule(v View, hash [32]byte) (*StoredModule, error) {
	return ptr[StoredModule](v, moduleKey(hash))
}

// LoadUpload reads how far an account's upload of a module is, nil when it has
// not begun, is complete or has expired.
func LoadUpload(v View, c Coldkey, hash [32]byte) (*Upload, error) {
	return ptr[Upload](v, uploadKey(c, hash))
}

func applyStoreModule(s *state, t *Tx, p *StoreModule, h Height, params *Params) error {
	if _, ok := fetch[StoredModule](s, moduleKey(p.Module)); ok {
		return reject(CodeModule, "module %x is stored already", p.Module[:4])
	}
	k := uploadKey(t.Account, p.Module)
	if u, ok := fetch[Upload](s, k); ok {
		return reject(CodeModule, "module %x is being stored: chunk %d is next, until block %d", p.Module[:4], u.Have, u.Height+params.ModuleExpiry)
	}
	if len(p.Chunks) == 0 || p.Size == 0 || p.Packed == 0 || p.Packed > uint64(len(p.Chunks))*MaxChunk {
		return reject(CodeModule, "%d bytes packed to %d in %d chunks of at most %d", p.Size, p.Packed, len(p.Chunks), MaxChunk)
	}
	price := unit.TAO(unit.MulDiv(p.Packed, uint64(params.ModuleByte), 1))
	if err := pay(s, t, price); err != nil {
		return err
	}
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Burned += price
	store(s, []byte(prefixTotals), tot)
	sum, err := sha256.New().(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return broken("state of SHA-256: %v", err)
	}
	store(s, k, Upload{StoredModule: StoredModule{Size: p.Size, Packed: p.Packed, Chunks: p.Chunks, Height: h}, Sum: sum})
	at := expiryKey(h + params.ModuleExpiry)
	list, _ := fetch[expiring](s, at)
	list.keys = append(list.keys, k)
	store(s, at, list)
	s.emit(Event{Kind: "module_announced", Hotkey: p.Module, Amount: p.Packed})
	return s.err
}

func applyStoreChunk(s *state, t *Tx, p *StoreChunk, h Height) error {
	k := uploadKey(t.Account, p.Module)
	u, ok := fetch[Upload](s, k)
	if !ok {
		return reject(CodeModule, "%s has not announced module %x, or it expired or is complete", t.Account, p.Module[:4])
	}
	if p.Index != u.Have {
		return reject(CodeChunk, "chunk %d: chunk %d of %d is next", p.Index, u.Have, len(u.Chunks))
	}
	if ChunkHash(p.Bytes) != u.Chunks[p.Index] {
		return reject(CodeChunk, "chunk %d is not the one that was announced", p.Index)
	}
	part, err := UnpackChunk(p.Bytes, u.Size-u.Got)
	if err != nil {
		return reject(CodeChunk, "chunk %d: %v", p.Index, err)
	}
	sum := sha256.New()
	if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.Sum); err != nil {
		return broken("upload of %x: state of SHA-256: %v", p.Module, err)
	}
	sum.Write(part)
	u.Have, u.Got, u.GotPacked = u.Have+1, u.Got+uint64(len(part)), u.GotPacked+uint64(len(p.Bytes))
	if u.GotPacked > u.Packed {
		return reject(CodeChunk, "chunks of %d bytes, %d were announced and paid for", u.GotPacked, u.Packed)
	}
	if u.Have < uint64(len(u.Chunks)) {
		if u.Sum, err = sum.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
			return broken("state of SHA-256: %v", err)
		}
		if u.Got == u.Size {
			return reject(CodeChunk, "the module is complete before its last chunk")
		}
		s.blobs = append(s.blobs, Chunk{u.Chunks[p.Index], p.Bytes})
		store(s, k, u)
		return s.err
	}
	if u.Got != u.Size || [32]byte(sum.Sum(nil)) != p.Module {
		return reject(CodeChunk, "%d bytes of %d do not hash to module %x", u.Got, u.Size, p.Module[:4])
	}
	s.blobs = append(s.blobs, Chunk{u.Chunks[p.Index], p.Bytes})
	s.delete(k)
	u.StoredModule.Height = h
	store(s, moduleKey(p.Module), u.StoredModule)
	s.emit(Event{Kind: "module_stored", Hotkey: p.Module, Amount: u.Size})
	return s.err
}

// expire forgets the uploads whose time has come.
func expire(s *state, h Height) {
	k := expiryKey(h)
	list, ok := fetch[expiring](s, k)
	if !ok {
		return
	}
	for _, u := range list.keys {
		if b, _ := s.Get(u); b != nil {
			s.delete(u)
		}
	}
	s.delete(k)
}

// NameModule says which module scores a subnet: [1, netuid, hash, meter version,
// ABI version, bytes of the largest answer, whether tasks draw data]. Before the
// subnet starts it holds at once; after that it is announced and holds from the
// epoch that the upgrade delay allows.
type NameModule struct {
	NetUID    NetUID
	Module    [32]byte
	Meter     uint64
	ABI       uint64
	Answer    uint64
	NeedsData bool
}

func (*NameModule) kind() Kind { return KindNameModule }

func (p *NameModule) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 7), 1), uint64(p.NetUID))
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendBytes(b, p.Module[:]), p.Meter), p.ABI)
	return cbor.AppendBool(cbor.AppendUint(b, p.Answer), p.NeedsData)
}

func decodeNameModule(d *cbor.Decoder) *NameModule {
	d.Version(7, 1)
	return &NameModule{decodeNetUID(d), d.Hash(), d.Uint(), d.Uint(), d.UintMax(maxAnswer), d.Bool()}
}

func applyNameModule(s *state, t *Tx, p *NameModule) error {
	sub, err := ownSubnet(s, t, p.NetUID)
	if err != nil {
		return err
	}
	if _, ok := fetch[StoredModule](s, moduleKey(p.Module)); !ok {
		return reject(CodeModule, "module %x is not on the chain: store it first", p.Module[:4])
	}
	next := planned(s, p.NetUID, &sub)
	for _, params := range []*SubnetParams{&sub.Params, &next.Params} {
		if err := params.evidence(p.Answer); err != nil {
			return reject(CodeParameter, "netuid %d: %v", p.NetUID, err)
		}
	}
	clock := need[Clock](s, clockKey(p.NetUID))
	up := Upgrade{Module: p.Module, Meter: p.Meter, ABI: p.ABI, Answer: p.Answer, NeedsData: p.NeedsData, Epoch: clock.Epoch}
	switch {
	case sub.Started == 0:
		sub.use(up)
	case !sub.hasModule(): // nobody works yet, so nobody needs a warning
		up.Epoch++
		sub.Next = up
	default:
		up.Epoch += uint64(sub.Params.UpgradeDelay)
		sub.Next = up
	}
	store(s, subnetKey(p.NetUID), sub)
	s.emit(Event{Kind: "module_named", NetUID: p.NetUID, Epoch: up.Epoch, Hotkey: p.Module, Amount: p.Answer})
	return s.err
}
