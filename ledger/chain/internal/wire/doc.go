// Package wire holds the forms in which package chain talks with light clients
// and keeps what blocks did. It knows nothing of consensus, so that what decodes
// foreign bytes can be tested without it.
package wire
