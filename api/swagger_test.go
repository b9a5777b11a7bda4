package api_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/go-openapi/loads"
	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/validate"
	"github.com/goccy/go-yaml"

	"lsapi/api"
)

// documents are the two forms of the contract.
var documents = map[string]func(version string) (api.Document, error){
	"with the envelope": api.Swagger,
	"bare":              api.BareSwagger,
}

func TestTheDocumentIsValidSwagger(t *testing.T) {
	for name, document := range documents {
		t.Run(name, func(t *testing.T) {
			d, err := document("v1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			spec, err := loads.Analyzed(d.JSON, "2.0")
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Spec(spec, strfmt.Default); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBothNotationsSayTheSame(t *testing.T) {
	for name, document := range documents {
		t.Run(name, func(t *testing.T) {
			d, err := document("v1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			fromYAML, err := yaml.YAMLToJSON(d.YAML)
			if err != nil {
				t.Fatal(err)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, fromYAML, "", "  "); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(indented.Bytes(), d.JSON) {
				t.Error("they differ")
			}
			if !bytes.HasPrefix(d.JSON, []byte("{\n  \"swagger\": \"2.0\"")) {
				t.Errorf("the order is lost: the document begins with %.60s", d.JSON)
			}
		})
	}
}

func TestDocumentHasTheVersionOfTheService(t *testing.T) {
	for name, document := range documents {
		for _, version := range []string{"v1.2.3", `(devel) (commit "7"+)`, "1.0"} {
			d, err := document(version)
			if err != nil {
				t.Fatal(err)
			}
			if got := lookUp(decode(t, d), "#/info/version"); got != version {
				t.Errorf("%s: the version is %v, want %s", name, got, version)
			}
		}
	}
}

func TestNoReferenceDanglesAndNoDefinitionIsUnused(t *testing.T) {
	for name, document := range documents {
		t.Run(name, func(t *testing.T) {
			d, err := document("v1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			root := decode(t, d)
			references := map[string]bool{}
			collectReferences(root, references)
			for reference := range references {
				if lookUp(root, reference) == nil {
					t.Errorf("%s dangles", reference)
				}
			}
			for _, section := range []string{"definitions", "parameters", "responses"} {
				for defined := range root[section].(map[string]any) {
					if reference := "#/" + section + "/" + defined; !references[reference] {
						t.Errorf("%s is not used", reference)
					}
				}
			}
		})
	}
}

func TestOnlyTheBareDocumentIsWithoutEnvelopes(t *testing.T) {
	tests := map[string]struct {
		definitions  []string
		errorField   string
		listing      string
		registration string
	}{
		"with the envelope": {
			definitions: []string{"Error", "MachineId", "MachineInfo", "MachineInfoResponse", "MachineListResponse", "StatusResponse"},
			errorField:  "message",
			listing:     `{"$ref":"#/definitions/MachineListResponse"}`, registration: `{"$ref":"#/definitions/MachineInfoResponse"}`,
		},
		"bare": {
			definitions: []string{"Error", "MachineId", "MachineInfo"},
			errorField:  "error",
			listing:     `{"items":{"$ref":"#/definitions/MachineInfo"},"type":"array"}`, registration: `{"$ref":"#/definitions/MachineInfo"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := documents[name]("v1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			root := decode(t, d)
			var definitions []string
			for definition := range root["definitions"].(map[string]any) {
				definitions = append(definitions, definition)
			}
			slices.Sort(definitions)
			if !slices.Equal(definitions, test.definitions) {
				t.Errorf("definitions are %v, want %v", definitions, test.definitions)
			}
			failure := lookUp(root, "#/definitions/Error").(map[string]any)
			if _, ok := failure["properties"].(map[string]any)[test.errorField]; !ok || failure["required"].([]any)[0] != test.errorField {
				t.Errorf("Error is %v, want its text in %s", failure, test.errorField)
			}
			operations := root["paths"].(map[string]any)["/elb/{elbName}"].(map[string]any)
			for method, want := range map[string]struct{ status, schema string }{
				"get": {"200", test.listing}, "post": {"201", test.registration}, "delete": {"201", test.registration},
			} {
				response := operations[method].(map[string]any)["responses"].(map[string]any)[want.status].(map[string]any)
				if got := encode(t, response["schema"]); got != want.schema {
					t.Errorf("%s answers %s, want %s", method, got, want.schema)
				}
			}
		})
	}
}

func TestTheDocumentHasTheContractsOperations(t *testing.T) {
	d, err := api.Swagger("v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	paths := decode(t, d)["paths"].(map[string]any)
	tests := []struct {
		path, method, operationID string
		statuses                  string
		secured                   bool
	}{
		{"/elb/{elbName}", "get", "listMachinesElb", "200 304 401 404 500 502 503 504", true},
		{"/elb/{elbName}", "post", "attachInstance", "201 400 401 403 404 409 413 422 500 502 503 504", true},
		{"/elb/{elbName}", "delete", "detachInstance", "201 400 401 403 404 409 413 422 500 502 503 504", true},
		{"/healthcheck", "get", "checkHealth", "200", false},
		{"/readyz", "get", "checkReadiness", "200 503", false},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			operation := paths[test.path].(map[string]any)[test.method].(map[string]any)
			if id, _ := operation["operationId"].(string); id != test.operationID {
				t.Errorf("operationId is %q, want %q", id, test.operationID)
			}
			if secured := encode(t, operation["security"]) == `[{"basicAuth":[]}]`; secured != test.secured {
				t.Errorf("security is %v", operation["security"])
			}
			var statuses []string
			for status := range operation["responses"].(map[string]any) {
				statuses = append(statuses, status)
			}
			slices.Sort(statuses)
			if got := strings.Join(statuses, " "); got != test.statuses {
				t.Errorf("statuses are %s, want %s", got, test.statuses)
			}
		})
	}
}

func decode(t *testing.T, d api.Document) map[string]any {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(d.JSON, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func collectReferences(node any, into map[string]bool) {
	switch node := node.(type) {
	case map[string]any:
		if reference, ok := node["$ref"].(string); ok {
			into[reference] = true
		}
		for _, child := range node {
			collectReferences(child, into)
		}
	case []any:
		for _, child := range node {
			collectReferences(child, into)
		}
	}
}

// lookUp returns what the reference names, nil when there is no such thing.
func lookUp(root map[string]any, reference string) any {
	var node any = root
	for key := range strings.SplitSeq(strings.TrimPrefix(reference, "#/"), "/") {
		mapping, ok := node.(map[string]any)
		if !ok {
			return nil
		}
		node = mapping[key]
	}
	return node
}
