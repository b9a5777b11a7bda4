package e2e

import (
	"encoding/json"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/go-openapi/loads"
	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/validate"

	"lsapi/api"
)

// The tests of api validate the documents as Swagger 2.0.
func TestDocumentIsServedAsJSONAndYAMLWithoutDanglingReferences(t *testing.T) {
	for envelope, document := range map[string]func(string) (api.Document, error){"message": api.Swagger, "none": api.BareSwagger} {
		t.Run(envelope, func(t *testing.T) {
			t.Parallel()
			s := startService(t, "http://127.0.0.1:1", with("RESPONSE_ENVELOPE="+envelope))
			c := s.on(t).anonymous()
			served := c.get("/swagger.json")
			version := decoded[struct{ Info struct{ Version string } }](t, served.body).Info.Version
			_, printed, _ := run(t, []string{"version"})
			if version == "" || !strings.Contains(printed, version) {
				t.Errorf("the version is %q, and lsapi version prints %s", version, printed)
			}
			want, err := document(version)
			if err != nil {
				t.Fatal(err)
			}
			if served.body != string(want.JSON) || served.header.Get("Content-Type") != "application/json" {
				t.Errorf("/swagger.json is another document, or not JSON but %s", served.header.Get("Content-Type"))
			}
			if c.get("/swagger.yaml").body != string(want.YAML) {
				t.Error("/swagger.yaml is another document")
			}
			root := decoded[map[string]any](t, served.body)
			for _, reference := range regexp.MustCompile(`"\$ref": *"([^"]*)"`).FindAllStringSubmatch(served.body, -1) {
				if !leadsSomewhere(root, reference[1]) {
					t.Errorf("%s dangles", reference[1])
				}
			}
		})
	}
}

// leadsSomewhere reports whether a reference within the document has a target.
func leadsSomewhere(document any, reference string) bool {
	steps, ok := strings.CutPrefix(reference, "#/")
	if !ok {
		return false
	}
	for step := range strings.SplitSeq(steps, "/") {
		object, ok := document.(map[string]any)
		if !ok {
			return false
		}
		document = object[step]
	}
	return document != nil
}

func TestDocumentHasOperationsOfTheContract(t *testing.T) {
	for _, envelope := range envelopes {
		t.Run(envelope, func(t *testing.T) {
			t.Parallel()
			s := startService(t, "http://127.0.0.1:1", with("RESPONSE_ENVELOPE="+envelope))
			type operation struct {
				OperationID string
				Security    *[]map[string][]string
				Responses   map[string]any
			}
			document := decoded[struct {
				Paths               map[string]map[string]json.RawMessage
				SecurityDefinitions map[string]struct{ Type string }
				Definitions         map[string]struct{ Required []string }
			}](t, s.on(t).get("/swagger.json").body)
			for _, want := range []struct{ path, method, id, statuses string }{
				{"/healthcheck", "get", "checkHealth", "200"},
				{"/elb/{elbName}", "get", "listMachinesElb", "200 304 401 404 502 503 504"},
				{"/elb/{elbName}", "post", "attachInstance", "201 400 401 404 409 413 502 503 504"},
				{"/elb/{elbName}", "delete", "detachInstance", "201 400 401 404 409 413 502 503 504"},
			} {
				got := decoded[operation](t, string(document.Paths[want.path][want.method]))
				if got.OperationID != want.id {
					t.Errorf("%s %s is called %q, want %q", want.method, want.path, got.OperationID, want.id)
				}
				if open := got.Security == nil || len(*got.Security) == 0; open != (want.path == "/healthcheck") {
					t.Errorf("%s %s has the security %v", want.method, want.path, got.Security)
				}
				for status := range strings.FieldsSeq(want.statuses) {
					if got.Responses[status] == nil {
						t.Errorf("%s %s has no %s", want.method, want.path, status)
					}
				}
			}
			if got := document.SecurityDefinitions["basicAuth"].Type; got != "basic" {
				t.Errorf("basicAuth is of type %q", got)
			}
			if got := strings.Join(document.Definitions["MachineId"].Required, " "); got != "instanceId" {
				t.Errorf("MachineId requires %s", got)
			}
			if got := strings.Join(document.Definitions["MachineInfo"].Required, " "); got != "instanceId instanceType launchDate" {
				t.Errorf("MachineInfo requires %s", got)
			}
		})
	}
}

func TestResponsesMatchTheServedDocument(t *testing.T) {
	for _, envelope := range envelopes {
		t.Run(envelope, func(t *testing.T) {
			t.Parallel()
			_, s := startBoth(t, with("RESPONSE_ENVELOPE="+envelope))
			c := s.on(t)
			document, err := loads.Analyzed(json.RawMessage(c.get("/swagger.json").body), "2.0")
			if err != nil {
				t.Fatal(err)
			}
			if document, err = document.Expanded(); err != nil {
				t.Fatal(err)
			}
			for _, request := range []struct{ method, body string }{
				{http.MethodGet, ""},
				{http.MethodPost, machineID(spare)},
				{http.MethodPost, machineID(spare)},
				{http.MethodPost, "{"},
				{http.MethodPost, strings.Repeat(" ", bodyLimit+1)},
				{http.MethodDelete, machineID(spare)},
				{http.MethodDelete, machineID(spare)},
				{http.MethodDelete, ""},
			} {
				answer := c.send(request.method, "/elb/default-elb", request.body)
				operation, _ := document.Analyzer.OperationFor(request.method, "/elb/{elbName}")
				described, ok := operation.Responses.StatusCodeResponses[answer.status]
				if !ok {
					t.Errorf("%s: %d is not described", request.method, answer.status)
					continue
				}
				if err := validate.AgainstSchema(described.Schema, decoded[any](t, answer.body), strfmt.Default); err != nil {
					t.Errorf("%s: %d %s: %v", request.method, answer.status, answer.body, err)
				}
			}
		})
	}
}

func TestDocsPageLoadsNothingExternal(t *testing.T) {
	t.Parallel()
	s := startService(t, "http://127.0.0.1:1")
	c := s.anonymous()
	page := c.get("/docs")
	if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s", page.status, page.header.Get("Content-Type"))
	}
	assets := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.body, -1)
	if len(assets) < 3 {
		t.Fatalf("it has a script and a style, at least: %v", assets)
	}
	for _, asset := range assets {
		if strings.HasPrefix(asset[1], "data:") {
			continue
		}
		if strings.Contains(asset[1], "//") {
			t.Errorf("%s is elsewhere", asset[1])
			continue
		}
		answer := c.send(http.MethodGet, path.Join("/", asset[1]), "", "Accept: text/html, */*") // as a browser does
		if answer.status != http.StatusOK || answer.body == "" {
			t.Errorf("%s is %d", asset[1], answer.status)
		}
		// A style loads external assets by url(); embedded ones are data: URLs.
		for _, loaded := range regexp.MustCompile(`url\(["']?([^d"'][^"')]{0,60})`).FindAllStringSubmatch(answer.body, -1) {
			if strings.HasSuffix(asset[1], ".css") {
				t.Errorf("%s loads %s", asset[1], loaded[1])
			}
		}
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") {
		t.Errorf("the policy is %q", policy)
	}
}
