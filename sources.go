// Package plexus holds the sources that a new subnet begins with: the libraries
// for authors and an example in each language. It is the module's root because
// an embedded file must lie below the package that embeds it.
package plexus

import "embed"

// Sources has the folders abi and sdk-wasm as far as a guest needs them.
//
//go:embed abi/*.go abi/cbor/*.go sdk-wasm/go/*.go sdk-wasm/go/spell
//go:embed sdk-wasm/rust/README.md sdk-wasm/rust/Cargo.toml sdk-wasm/rust/manifest.json sdk-wasm/rust/src sdk-wasm/rust/plexus/Cargo.toml sdk-wasm/rust/plexus/src
//go:embed sdk-wasm/c/README.md sdk-wasm/c/module.c sdk-wasm/c/manifest.json sdk-wasm/c/test/test.c sdk-wasm/c/plexus
//go:embed sdk-wasm/assemblyscript/README.md sdk-wasm/assemblyscript/*.json sdk-wasm/assemblyscript/test.js
//go:embed sdk-wasm/assemblyscript/assembly sdk-wasm/assemblyscript/plexus LICENSE
var Sources embed.FS
