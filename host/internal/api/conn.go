package api

import (
	"net"
	"reflect"
	"sync"
)

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	once    sync.Once
	release func()
}

func (c *counted) Close() error {
	c.once.Do(c.release)
	return c.Conn.Close()
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }
