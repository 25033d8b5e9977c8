// Package keys keeps secrets: in files of mode 0600, encrypted with a password
// unless its owner decides otherwise, named in a ring, and made of or brought in
// from words, seeds and the files of other wallets.
//
// Secrets are in no error, log line or String. A file that others can read is
// refused. A key file is one JSON object; see file for its members. The files of
// the first form, "plexus-key-1" and a seed in hexadecimal, are still read.
package keys
