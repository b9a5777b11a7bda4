package e2e

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// documented is an operation of a served document, with its examples.
type documented struct {
	OperationID string
	Parameters  []documentedParameter
	RequestBody struct {
		Content map[string]struct{ Example json.RawMessage }
	}
}

type documentedParameter struct {
	Reference string `json:"$ref"`
	Name, In  string
	Required  bool
	Example   any
	XExample  any `json:"x-example"`
}

// example returns the example of a parameter, nil if there is none.
func (p documentedParameter) example() any {
	if p.Example != nil {
		return p.Example
	}
	return p.XExample
}

func TestDocumentedExamplesWorkOnDemo(t *testing.T) {
	c := client{t: t, base: demoURL(t, startDemo(t, onFreePorts)), authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte("demo:demo"))}
	var changeID string
	for _, served := range []string{"/swagger.json", "/v1/openapi.json"} {
		document := decoded[struct {
			Paths       map[string]map[string]documented
			Parameters  map[string]documentedParameter
			Definitions map[string]struct {
				Properties map[string]struct{ Example any }
			}
		}](t, c.get(served).body)
		instance := fmt.Sprint(document.Definitions["MachineId"].Properties["instanceId"].Example)
		// In this order, an attached instance can be detached.
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			for path, operations := range document.Paths {
				operation, ok := operations[strings.ToLower(method)]
				if !ok {
					continue
				}
				if path == "/v1/events" {
					method = http.MethodHead // the response to GET does not end
				}
				body := string(operation.RequestBody.Content["application/json"].Example)
				if served == "/swagger.json" && (method == http.MethodPost || method == http.MethodDelete) {
					body = machineID(instance)
				}
				queries := []url.Values{nil}
				for _, p := range operation.Parameters {
					if name, ok := strings.CutPrefix(p.Reference, "#/parameters/"); ok {
						p = document.Parameters[name]
					}
					switch example := p.example(); {
					case p.In == "path" && p.Name == "id":
						path = strings.ReplaceAll(path, "{id}", changeID)
					case p.In == "path":
						path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(example))
					case p.In == "query" && example != nil:
						queries = append(queries, url.Values{p.Name: {strings.Trim(fmt.Sprint(example), "[]")}})
					}
				}
				for _, query := range queries {
					var answer response
					eventually(t, "guards allow "+operation.OperationID, func() bool { // once an attached member is in service
						answer = c.send(method, path+"?"+query.Encode(), body)
						return !strings.Contains(answer.body, `"code":"guard.`)
					})
					if answer.status >= http.StatusBadRequest {
						t.Errorf("%s: %s %s?%s is %d %s", operation.OperationID, method, path, query.Encode(), answer.status, answer.body)
					}
					changeID = cmp.Or(answer.header.Get("X-Change-Id"), changeID)
				}
			}
		}
	}
}
