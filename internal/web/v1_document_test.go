package web_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"lsapi"
)

// openAPI returns the served document, decoded.
func openAPI(t *testing.T) map[string]any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(get(t, story(), "/v1/openapi.json").body), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// at returns the value under the keys of nested mappings.
func at(node any, keys ...string) any {
	for _, key := range keys {
		mapping, ok := node.(map[string]any)
		if !ok {
			return nil
		}
		node = mapping[key]
	}
	return node
}

// resolved follows the node's reference, if it has one.
func resolved(t *testing.T, document map[string]any, node any) any {
	t.Helper()
	reference, ok := at(node, "$ref").(string)
	if !ok {
		return node
	}
	target := at(document, strings.Split(strings.TrimPrefix(reference, "#/"), "/")...)
	if target == nil {
		t.Errorf("%s dangles", reference)
	}
	return target
}

func TestV1DocumentIsDeterministic(t *testing.T) {
	first := get(t, story(), "/v1/openapi.json")
	checkGolden(t, "openapi.json", first.body)
	if again := get(t, filled(3), "/v1/openapi.json"); again.body != first.body || again.Header.Get("ETag") != first.Header.Get("ETag") {
		t.Error("two handlers serve different documents")
	}
	fromYAML, err := yaml.YAMLToJSON([]byte(get(t, story(), "/v1/openapi.yaml").body))
	if err != nil {
		t.Fatal(err)
	}
	if canonical(t, string(fromYAML)) != canonical(t, first.body) {
		t.Error("the notations say different things")
	}
}

// Pages read the example of a parameter, not of its schema. The id of a change has none:
// no id is in every record.
func TestV1DocumentHasParameterExamples(t *testing.T) {
	document := openAPI(t)
	operations(t, document, func(_, path string, parameters []any) {
		required := 0
		for _, parameter := range parameters {
			name := at(parameter, "name").(string)
			if at(parameter, "in") == "path" && strings.Contains(path, "{"+name+"}") {
				required++
			}
			if at(parameter, "required") == true && (at(parameter, "example") == nil) != (name == "id") {
				t.Errorf("%s: the example of %s is %v", path, name, at(parameter, "example"))
			}
			if at(parameter, "schema", "patternDescription") != nil || at(parameter, "schema", "examples") != nil {
				t.Errorf("%s: the schema of %s is %v", path, name, at(parameter, "schema"))
			}
		}
		if want := strings.Count(path, "{"); required != want {
			t.Errorf("%s: it has %d parameters in the path, want %d", path, required, want)
		}
	})
}

// canonical brings the keys of JSON in order.
func canonical(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	ordered, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(ordered)
}

func TestV1DocumentIsPublicAndCached(t *testing.T) {
	server := serve(t, handlerOf(withRecord(story())))
	for path, contentType := range map[string]string{"/v1/openapi.json": "application/json", "/v1/openapi.yaml": "application/yaml"} {
		header := http.Header{"Authorization": nil}
		got := send(t, server, request{method: "GET", path: path, header: header})
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != contentType || len(got.body) < 1000 {
			t.Fatalf("%s: answer is %d, %s, %d bytes", path, got.StatusCode, got.Header.Get("Content-Type"), len(got.body))
		}
		header.Set("If-None-Match", got.Header.Get("ETag"))
		if again := send(t, server, request{method: "GET", path: path, header: header}); again.StatusCode != http.StatusNotModified || again.body != "" {
			t.Errorf("%s: asked again, the answer is %d", path, again.StatusCode)
		}
	}
}

func TestV1DocumentIsComplete(t *testing.T) {
	document := openAPI(t)
	if !strings.HasPrefix(document["openapi"].(string), "3.1") || at(document, "components", "securitySchemes", "basicAuth", "scheme") != "basic" {
		t.Error("it is no OpenAPI 3.1 document with Basic authentication")
	}
	references := map[string]bool{}
	collectReferences(document, references)
	for reference := range references {
		resolved(t, document, map[string]any{"$ref": reference})
	}
	for _, section := range []string{"schemas", "responses"} {
		for name := range at(document, "components", section).(map[string]any) {
			if !references["#/components/"+section+"/"+name] {
				t.Errorf("the component %s is not used", name)
			}
		}
	}
	for _, name := range []string{"Change", "ChangesPage", "Membership", "MembershipAt", "RecordedMember", "Problem", "Detail",
		"PoolsPage", "PoolDetail", "Member", "Instance", "InstanceMembership"} {
		if at(document, "components", "schemas", name, "properties") == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
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

// Every response of every operation is provoked.
func TestV1DocumentDescribesEveryAnswer(t *testing.T) {
	document := openAPI(t)
	paths := recordPaths()
	operations := map[string]string{
		"/v1/changes": paths[0], "/v1/changes/{id}": paths[1], "/v1/pools/{kind}/{name}/members": paths[2],
		"/v1/pools": paths[3], "/v1/pools/{kind}/{name}": paths[4], "/v1/pools/{kind}/{name}/members/{member}": paths[5],
		"/v1/instances/{instance}": paths[6], "/v1/pools/{kind}/{name}/guard": paths[7],
	}
	// The statuses that a path never has.
	never := map[string][]string{
		"/v1/changes": {"404", "502"}, "/v1/changes/{id}": {"502"}, "/v1/pools": {"404"},
	}
	described := maps.Clone(document["paths"].(map[string]any))
	delete(described, "/v1/events")            // a stream has its own test
	delete(described, "/v1/changes/{id}/undo") // and so have the writes
	if got, want := slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(operations)); !slices.Equal(got, want) {
		t.Fatalf("the document describes %v, want %v", got, want)
	}
	for template, path := range operations {
		t.Run(template, func(t *testing.T) {
			operation := at(described, template, "get")
			checkTexts(t, operation)
			responses := at(operation, "responses").(map[string]any)
			answered := map[string]bool{}
			for _, got := range provokeRecord(path) {
				status := strconv.Itoa(got.StatusCode)
				if described := checkDescription(t, document, responses, got); described || !slices.Contains(never[template], status) {
					answered[status] = true
				}
			}
			if got, want := slices.Sorted(maps.Keys(answered)), slices.Sorted(maps.Keys(responses)); !slices.Equal(got, want) {
				t.Errorf("answered are %v, described %v", got, want)
			}
		})
	}
}

// checkDescription checks the description of an answer, and reports whether there is one.
func checkDescription(t *testing.T, document, responses map[string]any, got response) bool {
	t.Helper()
	status := strconv.Itoa(got.StatusCode)
	described := resolved(t, document, responses[status])
	if described == nil {
		return false
	}
	checkHeaders(t, got, at(described, "headers").(map[string]any))
	content := at(described, "content", got.Header.Get("Content-Type"))
	if status != "304" && (at(content, "schema") == nil || at(content, "example") == nil && at(content, "examples") == nil) {
		t.Errorf("%s: %s is sent, and not described with an example", status, got.Header.Get("Content-Type"))
	}
	return true
}

// checkTexts checks the texts of an operation and its parameters.
func checkTexts(t *testing.T, operation any) {
	t.Helper()
	if security, _ := json.Marshal(at(operation, "security")); string(security) != `[{"basicAuth":[]}]` {
		t.Errorf("security is %s", security)
	}
	for _, key := range []string{"operationId", "summary", "description"} {
		if text, _ := at(operation, key).(string); text == "" {
			t.Errorf("there is no %s", key)
		}
	}
	for _, parameter := range at(operation, "parameters").([]any) {
		if text, _ := at(parameter, "description").(string); text == "" {
			t.Errorf("%v is not described", at(parameter, "name"))
		}
	}
}

func checkHeaders(t *testing.T, got response, described map[string]any) {
	t.Helper()
	for name := range described {
		sometimes := name == "Warning" || name == "X-Change-Id" || name == "X-Bulk-Id" || name == "Retry-After" && got.StatusCode == http.StatusConflict
		if got.Header.Get(name) == "" && !sometimes {
			t.Errorf("%d: the header %s is described and not sent", got.StatusCode, name)
		}
	}
	for _, name := range []string{"Retry-After", "WWW-Authenticate", "X-Request-Id"} {
		if got.Header.Get(name) != "" && described[name] == nil {
			t.Errorf("%d: the header %s is sent and not described", got.StatusCode, name)
		}
	}
}

// provokeRecord provokes every response of a path.
func provokeRecord(path string) []response {
	var all []response
	for _, failure := range []error{
		nil, &lsapi.Error{Code: lsapi.CodeNotFound}, &lsapi.Error{Code: lsapi.CodeUnavailable}, &lsapi.Error{Code: lsapi.CodeUpstream},
		&lsapi.Error{Code: lsapi.CodeTimeout}, &lsapi.Error{Code: lsapi.CodeInternal},
	} {
		r := story()
		r.fail = func(context.Context, int) error { return failure }
		all = append(all, record(handlerOf(withRecord(r)), "GET", path, ""))
	}
	handler, f := withFleet()
	if strings.Contains(path, "/members/") {
		for _, code := range []lsapi.Code{lsapi.CodeWaitTimeout, lsapi.CodeConflict} {
			f.await = func(context.Context, lsapi.PoolID, lsapi.MemberID, lsapi.WaitCondition) (lsapi.MemberDetail, error) {
				return lsapi.MemberDetail{}, lsapi.Errorf(code, "it is so")
			}
			all = append(all, record(handler, "GET", path+"?wait=inService", ""))
		}
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody)) // no credentials
	lines := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	lines.Header = wantsLines.Clone()
	cached := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	cached.Header.Set("If-None-Match", "*")
	return append(all, response{w.Result(), w.Body.String()}, do(handler, lines), do(handler, cached), record(handler, "GET", path+"?x=y", ""))
}
