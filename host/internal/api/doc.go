// Package api serves a node, or a light client, to programs over HTTP, and has
// the typed client for it.
//
// One rule for values: amounts are decimal strings in the smallest unit, in
// fields that end in _rao (1 TAO is 10^9 rao) or _alpha (the same of a subnet's
// alpha); accounts are SS58 addresses; all other bytes are lower-case
// hexadecimal; times are RFC 3339 in UTC; heights, epochs and counts are numbers.
// Lists come newest first, in pages: next is an opaque cursor, absent on the last
// page. Errors are problem+json (RFC 9457), with the ledger's code and its name
// when the ledger refused.
//
// The description of all routes, OpenAPI 3.1, is generated from the types here
// and is served at /openapi.json, /openapi.yaml and, for people, at /docs, which
// loads nothing from anywhere else.
//
// The server listens on loopback unless it is told otherwise, answers no
// cross-origin request, and bounds everything: bytes of headers and bodies, time,
// connections, event streams, and requests a second from one address. Nothing
// here signs or spends: submitted transactions are signed by their senders.
package api
