package command

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// fits reports where a decoded document breaks a schema of the kind that
// schemaOf makes.
func fits(at string, schema map[string]any, v any) []string {
	if alternatives, ok := schema["anyOf"].([]any); ok {
		for _, s := range alternatives {
			if len(fits(at, s.(map[string]any), v)) == 0 {
				return nil
			}
		}
		return []string{at + " fits no alternative"}
	}
	if len(schema) == 0 {
		return nil
	}
	kind := map[bool]string{}
	switch v := v.(type) {
	case nil:
		kind[true] = "null"
	case bool:
		kind[true] = "boolean"
	case string:
		kind[true] = "string"
	case float64:
		kind[true] = "number"
		if v == math.Trunc(v) {
			kind[false] = "integer"
		}
	case []any:
		kind[true] = "array"
	case map[string]any:
		kind[true] = "object"
	}
	types, ok := schema["type"].([]any)
	if !ok {
		types = []any{schema["type"]}
	}
	ok = false
	for _, t := range types {
		ok = ok || t == kind[true] || t == kind[false] && t != ""
	}
	if !ok {
		return []string{fmt.Sprintf("%s is a %s, want %v", at, kind[true], types)}
	}
	var out []string
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			out = append(out, fits(fmt.Sprintf("%s[%d]", at, i), schema["items"].(map[string]any), e)...)
		}
	case map[string]any:
		props, _ := schema["properties"].(map[string]any)
		for name, e := range v {
			s, known := props[name].(map[string]any)
			if !known {
				s, known = schema["additionalProperties"].(map[string]any)
			}
			if !known {
				out = append(out, at+"."+name+" is not in the schema")
				continue
			}
			out = append(out, fits(at+"."+name, s, e)...)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, has := v[name.(string)]; !has {
				out = append(out, fmt.Sprintf("%s.%s is missing", at, name))
			}
		}
	}
	return out
}

// wantSchema checks printed JSON against what plexus schema says of the command.
func wantSchema(t *testing.T, command, printed string) {
	t.Helper()
	out, _, err := run(t, append([]string{"schema"}, strings.Fields(command)...)...)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	var v any
	if err := json.Unmarshal([]byte(out), &schema); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(printed), &v); err != nil {
		t.Fatalf("%s printed %q: %v", command, printed, err)
	}
	if schema["title"] != "plexus "+command {
		t.Errorf("the schema is of %v", schema["title"])
	}
	for _, bad := range fits(command, schema, v) {
		t.Error(bad)
	}
}

func TestEveryJSONHasASchema(t *testing.T) {
	n := 0
	walk(newRoot(), func(c *cobra.Command) {
		f := c.Flags().Lookup("json")
		if f == nil {
			return
		}
		n++
		j, ok := f.Value.(*jsonValue)
		if !ok {
			t.Errorf("%s has a --json of its own: use jsonFlag", c.CommandPath())
			return
		}
		if k := reflect.TypeOf(j.shape).Kind(); k != reflect.Struct && k != reflect.Slice {
			t.Errorf("%s: a %s has no schema worth the name: give the type that is encoded", c.CommandPath(), k)
			return
		}
		path := strings.TrimPrefix(c.CommandPath(), "plexus ")
		zero, err := json.Marshal(j.shape)
		if err != nil {
			t.Fatal(err)
		}
		wantSchema(t, path, string(zero))
	})
	if n < 7 {
		t.Errorf("only %d commands print JSON", n)
	}
}

func TestSchemaFitsWhatIsEncoded(t *testing.T) {
	type inner struct {
		X *int `json:"x"`
	}
	type all struct {
		inner
		A []inner          `json:"a"`
		B map[string]uint8 `json:"b"`
		C []byte           `json:"c,omitempty"`
		D time.Time        `json:"d"`
		E float64          `json:"e"`
		F [2]int           `json:"f"`
		G uint64           `json:"g,string"`
		H any              `json:"h"`
		I bool             `json:"-"`
		j int
	}
	seven := 7
	for _, v := range []all{{}, {inner: inner{&seven}, A: []inner{{}, {&seven}}, B: map[string]uint8{"k": 1}, C: []byte("c"), D: time.Now(), E: 1.5, H: "h", I: true, j: 1}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		var schema map[string]any
		s, _ := json.Marshal(schemaOf(reflect.TypeOf(v)))
		if err := json.Unmarshal(s, &schema); err != nil {
			t.Fatal(err)
		}
		for _, bad := range fits("all", schema, doc) {
			t.Error(bad)
		}
		// What does not fit is found.
		for _, wrong := range []string{`{}`, strings.Replace(string(b), `"e":`, `"z":`, 1), strings.Replace(string(b), `"g":"0"`, `"g":-1`, 1), `[]`} {
			json.Unmarshal([]byte(wrong), &doc)
			if len(fits("all", schema, doc)) == 0 {
				t.Errorf("%s fits", wrong)
			}
		}
	}
}
