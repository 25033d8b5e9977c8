package api

import (
	_ "embed"
	"html/template"
	"net/http"
	"sort"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

var docsPage = template.Must(template.New("docs").Parse(docsHTML))

type docsGroup struct {
	Name string
	Ops  []docsOp
}

type docsOp struct {
	Method, Path, ID, Summary, Text string
	Params                          []docsField
	Body, Answer                    []docsField
	BodyType, AnswerType, Media     string
}

type docsField struct{ Name, In, Type, Text string }

// docs renders the description as a page, without scripts: nothing is loaded
// from anywhere.
func (s *Server) docs(w http.ResponseWriter, _ *http.Request) {
	o := s.api.OpenAPI()
	groups := map[string]*docsGroup{}
	for path, item := range o.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post} {
			if op == nil {
				continue
			}
			g := groups[op.Tags[0]]
			if g == nil {
				g = &docsGroup{Name: op.Tags[0]}
				groups[op.Tags[0]] = g
			}
			g.Ops = append(g.Ops, s.docsOp(method, path, op))
		}
	}
	var list []*docsGroup
	for _, g := range groups {
		sort.Slice(g.Ops, func(i, j int) bool { return g.Ops[i].Path+g.Ops[i].Method < g.Ops[j].Path+g.Ops[j].Method })
		list = append(list, g)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := docsPage.Execute(w, map[string]any{"Text": o.Info.Description, "Groups": list, "Genesis": Hash(s.cfg.Genesis.Hash()), "Chain": s.cfg.Genesis.ChainID}); err != nil {
		s.cfg.Log.Debug("writing the description", "err", err)
	}
}

func (s *Server) docsOp(method, path string, op *huma.Operation) docsOp {
	out := docsOp{Method: method, Path: path, ID: op.OperationID, Summary: op.Summary, Text: op.Description}
	for _, p := range op.Parameters {
		out.Params = append(out.Params, docsField{p.Name, p.In, typeName(p.Schema), p.Description})
	}
	if op.RequestBody != nil {
		for _, m := range op.RequestBody.Content {
			out.BodyType, out.Body = s.fields(m.Schema)
		}
	}
	for status, r := range op.Responses {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		for media, m := range r.Content {
			out.Media = media
			out.AnswerType, out.Answer = s.fields(m.Schema)
		}
	}
	return out
}

// fields lists the fields of a schema, sorted by name.
func (s *Server) fields(sc *huma.Schema) (name string, out []docsField) {
	name = typeName(sc)
	if sc.Ref != "" {
		sc = s.api.OpenAPI().Components.Schemas.SchemaFromRef(sc.Ref)
	}
	for n, f := range sc.Properties {
		text := f.Description
		out = append(out, docsField{n, "", typeName(f), text})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return name, out
}

func typeName(sc *huma.Schema) string {
	switch {
	case sc == nil:
		return ""
	case sc.Ref != "":
		return sc.Ref[strings.LastIndex(sc.Ref, "/")+1:]
	case sc.Type == huma.TypeArray:
		return "list of " + typeName(sc.Items)
	case sc.Format != "" && sc.Type == huma.TypeString:
		return sc.Format
	}
	return sc.Type
}
