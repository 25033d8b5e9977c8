// Package config is a node's configuration: one table of keys, from which come
// the defaults, the checks, the reference and what `plexus config show` prints.
//
// Values are merged in layers, later over earlier:
//
//	defaults      Default()
//	file          config.yaml or config.toml in the home, nested or with dots
//	environment   PLEXUS_P2P_MAX_PEERS sets p2p.max_peers; lists have commas
//	flags         what the command line names
//
// A key that is not in the table is an error that names the nearest one that is.
// File names in a configuration are relative to the home.
package config
