package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// operations calls f for each operation of a served document, with its own
// parameters and those of its path, references resolved.
func operations(t *testing.T, document map[string]any, f func(method, path string, parameters []any)) {
	t.Helper()
	for path, item := range document["paths"].(map[string]any) {
		shared, _ := at(item, "parameters").([]any)
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			operation := at(item, method)
			if operation == nil {
				continue
			}
			own, _ := at(operation, "parameters").([]any)
			parameters := slices.Concat(shared, own)
			for i, parameter := range parameters {
				parameters[i] = resolved(t, document, parameter)
			}
			f(strings.ToUpper(method), path, parameters)
		}
	}
}

// defaultOf returns the default that a parameter declares, nil when there is none.
func defaultOf(parameter any) any {
	if value := at(parameter, "default"); value != nil {
		return value
	}
	return at(parameter, "schema", "default")
}

// answerWith answers an operation of the documents with those parameters, by a
// service of its own.
func answerWith(method, path string, query url.Values) response {
	for name, value := range map[string]string{"elbName": "default-elb", "kind": "elb", "name": "default-elb", "member": running, "instance": running, "id": changeID(0, epoch)} {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	body := map[string]string{"POST": machineID(spare), "DELETE": machineID(running)}[method]
	if strings.HasPrefix(path, "/v1/") {
		body = map[string]string{"PATCH": `{"attach": ["` + spare + `"]}`, "PUT": `{"members": ["` + spare + `"]}`}[method]
	}
	if strings.HasSuffix(path, "/"+running) {
		body = ""
	}
	r := httptest.NewRequest(method, path+"?"+query.Encode(), strings.NewReader(body))
	return do(handlerOf(withRecord(story())), r)
}

// Swagger UI and generated clients send the defaults that a document declares.
func TestDeclaredDefaultEqualsMissingParameter(t *testing.T) {
	var declared []string
	for _, served := range []string{"/swagger.json", "/v1/openapi.json"} {
		document := decode[map[string]any](t, get(t, story(), served))
		operations(t, document, func(method, path string, parameters []any) {
			all := url.Values{}
			for _, parameter := range parameters {
				value, name := defaultOf(parameter), fmt.Sprint(at(parameter, "name"))
				if value == nil {
					continue
				}
				if in := at(parameter, "in"); in != "query" {
					t.Fatalf("%s %s: this test does not know how to send a default in the %v", method, path, in)
				}
				declared = append(declared, method+" "+path+" "+name)
				all.Set(name, fmt.Sprint(value))
				checkSameAnswer(t, method, path, url.Values{name: all[name]})
			}
			if len(all) > 1 {
				checkSameAnswer(t, method, path, all)
			}
		})
	}
	slices.Sort(declared)
	want := []string{
		"DELETE /elb/{elbName} timeout", "DELETE /elb/{elbName} wait", "DELETE /v1/pools/{kind}/{name}/members/{member} timeout",
		"GET /v1/pools limit", "GET /v1/pools/{kind}/{name}/members/{member} timeout", "PATCH /v1/pools/{kind}/{name}/members timeout",
		"POST /elb/{elbName} timeout", "POST /elb/{elbName} wait", "POST /v1/changes/{id}/undo timeout",
		"PUT /v1/pools/{kind}/{name}/members timeout", "PUT /v1/pools/{kind}/{name}/members/{member} timeout",
	}
	if !slices.Equal(declared, want) {
		t.Errorf("defaults are declared by %v, want %v", declared, want)
	}
}

var changeIDs = regexp.MustCompile(`"changeId":"[^"]*"`)

func checkSameAnswer(t *testing.T, method, path string, query url.Values) {
	t.Helper()
	without, with := answerWith(method, path, nil), answerWith(method, path, query)
	for _, answer := range []*response{&without, &with} { // these differ from request to request
		for _, name := range []string{"X-Change-Id", "X-Bulk-Id"} {
			if id := answer.Header.Get(name); id != "" {
				answer.body = strings.ReplaceAll(answer.body, id, "the change")
			}
		}
		answer.body = changeIDs.ReplaceAllString(answer.body, `"changeId":""`)
		maps.DeleteFunc(answer.Header, func(name string, _ []string) bool {
			return slices.Contains([]string{"X-Request-Id", "X-Change-Id", "X-Bulk-Id", "Age"}, name)
		})
	}
	if without.StatusCode >= http.StatusBadRequest || with.StatusCode != without.StatusCode || with.body != without.body || !maps.EqualFunc(with.Header, without.Header, slices.Equal) {
		t.Errorf("%s %s with %v is %d %s, without %d %s", method, path, query, with.StatusCode, with.body, without.StatusCode, without.body)
	}
}

func TestTimeoutRequiresWait(t *testing.T) {
	for query, ok := range map[string]bool{
		"timeout=60s": true, "timeout=1m": true, "wait=false&timeout=60s": true,
		"timeout=61s": false, "wait=false&timeout=5m": false, "timeout=": false, "timeout=soon": false,
	} {
		got := answerWith("POST", "/elb/{elbName}", values(t, query))
		if (got.StatusCode == http.StatusCreated) != ok || !ok && (got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "timeout")) {
			t.Errorf("POST with %s is %d %s", query, got.StatusCode, got.body)
		}
	}
	const member = "/v1/pools/{kind}/{name}/members/{member}"
	for query, ok := range map[string]bool{"timeout=60s": true, "timeout=1m0s": true, "timeout=59s": false, "timeout=2h": false, "timeout=soon": false} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			got := answerWith(method, member, values(t, query))
			if (got.StatusCode == http.StatusOK) != ok || !ok && !strings.Contains(got.body, "query.timeout: ") {
				t.Errorf("%s with %s is %d %s", method, query, got.StatusCode, got.body)
			}
		}
	}
}

func values(t *testing.T, query string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
