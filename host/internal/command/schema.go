package command

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// jsonValue is the value of --json. It knows what the command prints then, so
// that the schema is made of the very type that is encoded.
type jsonValue struct {
	on    *bool
	shape any
}

func (j *jsonValue) String() string {
	if j.on == nil {
		return "false"
	}
	return strconv.FormatBool(*j.on)
}

func (j *jsonValue) Set(s string) (err error) {
	*j.on, err = strconv.ParseBool(s)
	return err
}

func (j *jsonValue) Type() string { return "bool" }

// jsonFlag adds --json to a command; shape is a value of the type that the
// command prints then.
func jsonFlag(c *cobra.Command, to *bool, shape any) {
	f := c.Flags().VarPF(&jsonValue{to, shape}, "json", "", "print JSON; 'plexus schema' has its schema")
	f.NoOptDefVal = "true"
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema COMMAND...",
		Short:   "Print the JSON Schema of what a command prints with --json",
		Long:    `Prints a JSON Schema (draft 2020-12). Without a command it lists those that have one.`,
		Example: "  plexus schema key list",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				walk(c.Root(), func(sub *cobra.Command) {
					if shapeOf(sub) != nil && !sub.Hidden {
						fmt.Fprintln(c.OutOrStdout(), strings.TrimPrefix(sub.CommandPath(), "plexus "))
					}
				})
				return nil
			}
			sub, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("no command %q: 'plexus schema' lists those with a schema", strings.Join(args, " "))
			}
			j := shapeOf(sub)
			if j == nil {
				return usage("%s prints no JSON: 'plexus schema' lists the commands that do", sub.CommandPath())
			}
			s := schemaOf(reflect.TypeOf(j.shape))
			s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
			s["title"] = sub.CommandPath()
			return printJSON(c, s)
		},
	}
}

func shapeOf(c *cobra.Command) *jsonValue {
	if f := c.Flags().Lookup("json"); f != nil {
		if j, ok := f.Value.(*jsonValue); ok {
			return j
		}
	}
	return nil
}

// walk calls fn for a command and all below it.
func walk(c *cobra.Command, fn func(*cobra.Command)) {
	fn(c)
	for _, sub := range c.Commands() {
		walk(sub, fn)
	}
}

var (
	marshalsText = reflect.TypeFor[encoding.TextMarshaler]()
	marshalsJSON = reflect.TypeFor[json.Marshaler]()
)

// schemaOf is the schema of how encoding/json writes a type. Types that write
// themselves as JSON may be anything.
func schemaOf(t reflect.Type) map[string]any {
	switch {
	case t.Kind() == reflect.Pointer: // nil is null, whatever its methods write
		of := t.Elem()
		if !of.Implements(marshalsText) && t.Implements(marshalsText) {
			of = reflect.TypeFor[string]()
		}
		return map[string]any{"anyOf": []any{schemaOf(of), map[string]any{"type": "null"}}}
	case t.Implements(marshalsJSON):
		return map[string]any{}
	case t.Implements(marshalsText):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && !t.Elem().Implements(marshalsText) {
			return map[string]any{"type": []any{"string", "null"}, "contentEncoding": "base64"}
		}
		return map[string]any{"type": []any{"array", "null"}, "items": schemaOf(t.Elem())}
	case reflect.Array:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		return map[string]any{"type": []any{"object", "null"}, "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		props, required := map[string]any{}, []any{}
		addFields(t, props, &required)
		return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
	}
	return map[string]any{}
}

func addFields(t reflect.Type, props map[string]any, required *[]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct && !f.Type.Implements(marshalsText) && !f.Type.Implements(marshalsJSON) {
			addFields(f.Type, props, required)
			continue
		}
		if !f.IsExported() || tag == "-" {
			continue
		}
		name := f.Name
		if tag != "" {
			name = tag
		}
		s := schemaOf(f.Type)
		if strings.Contains(opts, "string") {
			s = map[string]any{"type": "string"}
		}
		props[name] = s
		if !strings.Contains(opts, "omitempty") && !strings.Contains(opts, "omitzero") {
			*required = append(*required, name)
		}
	}
}
