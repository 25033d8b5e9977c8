package abi

import "github.com/plexus-network/plexus/abi/cbor"

// MergeRequest asks for a subnet's next artifact. It is made once for a
// validator's epoch, when the last round is scored. The payloads are the distinct
// answers of the epoch in the order of their hashes; nothing tells who sent them.
type MergeRequest struct {
	Params   []byte
	Artifact []byte   // in force now, empty when there is none
	Slices   [][]byte // data slices opened for this validator and epoch, to judge by
	Payloads [][]byte
}

// Append appends the canonical encoding.
func (m *MergeRequest) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 5)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendBytes(b, m.Params)
	b = cbor.AppendBytes(b, m.Artifact)
	return appendList(appendList(b, m.Slices), m.Payloads)
}

// DecodeMergeRequest reads a MergeRequest, whose byte strings alias b.
func DecodeMergeRequest(b []byte) (m MergeRequest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(5, Version)
	m.Params = d.Bytes(MaxMessage)
	m.Artifact = d.Bytes(MaxArtifact)
	m.Slices = list(d, MaxSlices, MaxPayload)
	m.Payloads = list(d, MaxPayloads, MaxPayload)
	return m, d.End()
}

// Merged is the reply to a MergeRequest.
type Merged struct {
	Artifact []byte // at most MaxArtifact bytes; empty leaves what is in force
}

// Append appends the canonical encoding.
func (m *Merged) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, Version)
	return cbor.AppendBytes(b, m.Artifact)
}

// DecodeMerged reads a Merged, whose artifact aliases b.
func DecodeMerged(b []byte) (m Merged, err error) {
	d := cbor.NewDecoder(b)
	d.Version(2, Version)
	m.Artifact = d.Bytes(MaxArtifact)
	return m, d.End()
}
