// Package surface shows strings.Builder wherever a signature can.
package surface

import "strings"

var Var *strings.Builder

var Inferred = new(strings.Builder)

func Func(func(map[string][]strings.Builder)) {}

type Alias = strings.Builder

type Field struct{ B chan strings.Builder }

type Embedded struct{ strings.Builder }

type Method struct{ hidden strings.Builder }

func (Method) Show() (b strings.Builder) { return b }

func (Method) fine() (b strings.Builder) { return b }

type Iface interface{ Get() strings.Builder }

type List[T any] []T

func Generic(List[strings.Builder]) {}

func Fine(m Method) string { return m.hidden.String() }

type fine struct{ B strings.Builder }
