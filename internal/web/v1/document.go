package v1

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/goccy/go-yaml"

	"lsapi"
	"lsapi/api"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

//go:embed document.yaml
var documentYAML []byte

// text is document.yaml: what the document has beside the Go types.
type text struct {
	Description string
	Operations  map[string]struct {
		Tag, Summary, Description, Response string
		Request                             string // the schema of the body
		Content                             map[string][]string
		Created, Accepted                   string                  // the responses 201 and 202
		Headers                             map[string]*huma.Header // of the response
		NotModified                         string
		Failures                            []string
	}
	Examples map[string]json.RawMessage
	Headers  map[string]*huma.Header
	Accepted map[string]*huma.Header // of 202
	Failures map[string]struct {
		Name, Description string
		Headers           map[string]*huma.Header
		Example           apiv1.Problem     // without the fields that follow from its code
		Bulk              *apiv1.BulkResult // beside it
	}
}

var readText = sync.OnceValue(func() (t text) {
	inJSON, err := yaml.YAMLToJSON(documentYAML)
	if err == nil {
		err = json.Unmarshal(inJSON, &t)
	}
	if err != nil {
		t.Description = err.Error() // a defect that the tests find
	}
	return t
})

// Document returns the OpenAPI 3.1 document of the API.
func (a *API) Document() (api.Document, error) {
	compact, err := a.huma.OpenAPI().MarshalJSON()
	if err != nil {
		return api.Document{}, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		return api.Document{}, err
	}
	inYAML, err := a.huma.OpenAPI().YAML()
	return api.Document{JSON: indented.Bytes(), YAML: inYAML}, err
}

// securityScheme is the document's name of Basic authentication.
const securityScheme = "basicAuth"

// config is huma's configuration without its pages, which load scripts from elsewhere.
func config(version string) huma.Config {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "lsapi", Version: version, Description: readText().Description},
			Servers: []*huma.Server{{URL: "/", Description: "The service that the document comes from"}},
			Tags: []*huma.Tag{
				{Name: "pools", Description: "Pools and their members, and instances"},
				{Name: "record", Description: "The record of changes"},
			},
			Components: &huma.Components{
				SecuritySchemes: map[string]*huma.SecurityScheme{
					securityScheme: {Type: "http", Scheme: "basic", Description: "A user and its password"},
				},
			},
		},
		Formats:       map[string]huma.Format{exchange.TypeJSON: huma.DefaultJSONFormat},
		DefaultFormat: exchange.TypeJSON,
	}
	// Generated clients must accept fields of later versions.
	config.AllowAdditionalPropertiesByDefault = true
	return config
}

// documentOnly is huma's adapter to a router, for an API that has its own.
type documentOnly struct{}

func (documentOnly) Handle(*huma.Operation, func(huma.Context))   {}
func (documentOnly) ServeHTTP(http.ResponseWriter, *http.Request) {}

// schemaTypes are the types of the schemas in document.yaml.
var schemaTypes = map[string]reflect.Type{
	"Attached":       reflect.TypeFor[apiv1.ChangeResult](),
	"BulkChange":     reflect.TypeFor[apiv1.BulkChange](),
	"BulkProblem":    reflect.TypeFor[apiv1.BulkProblem](),
	"BulkResult":     reflect.TypeFor[apiv1.BulkResult](),
	"DesiredMembers": reflect.TypeFor[apiv1.DesiredMembers](),
	"DryRun":         reflect.TypeFor[apiv1.ChangeResult](),
	"Problem":        reflect.TypeFor[apiv1.Problem](),
	"Undone":         reflect.TypeFor[apiv1.ChangeResult](),
	"Change":         reflect.TypeFor[apiv1.Change](),
	"ChangesPage":    reflect.TypeFor[apiv1.ChangesPage](),
	"Detached":       reflect.TypeFor[apiv1.ChangeResult](),
	"Event":          reflect.TypeFor[apiv1.Event](),
	"Instance":       reflect.TypeFor[apiv1.Instance](),
	"Member":         reflect.TypeFor[apiv1.Member](),
	"Membership":     reflect.TypeFor[apiv1.Membership](),
	"MembershipAt":   reflect.TypeFor[apiv1.MembershipAt](),
	"PoolDetail":     reflect.TypeFor[apiv1.PoolDetail](),
	"PoolGuard":      reflect.TypeFor[apiv1.PoolGuard](),
	"PoolsPage":      reflect.TypeFor[apiv1.PoolsPage](),
}

// describe returns an operation without its parameters.
func describe(schemas huma.Registry, method, id, path string) huma.Operation {
	words := readText().Operations[id]
	ok := &huma.Response{Description: words.Response, Headers: describeHeaders(words.Headers, ""), Content: make(map[string]*huma.MediaType)}
	for contentType, names := range words.Content {
		ok.Content[contentType] = describeContent(schemas, names)
	}
	op := huma.Operation{
		OperationID: id,
		Method:      method,
		Path:        path,
		Summary:     words.Summary,
		Description: words.Description,
		Tags:        []string{words.Tag},
		Security:    []map[string][]string{{securityScheme: {}}},
		Responses:   map[string]*huma.Response{"200": ok},
	}
	if words.Created != "" {
		op.Responses["201"] = &huma.Response{Description: words.Created, Headers: ok.Headers, Content: ok.Content}
	}
	if words.Accepted != "" {
		op.Responses["202"] = describeAccepted(words.Accepted, ok)
	}
	if words.Request != "" {
		op.RequestBody = describeRequest(schemas, words.Request)
	}
	if words.NotModified != "" {
		op.Responses["304"] = &huma.Response{Description: words.NotModified, Headers: ok.Headers}
	}
	for _, failure := range append([]string{"400", "401", "500", "503", "504"}, words.Failures...) {
		status, _, _ := strings.Cut(failure, " ")
		op.Responses[status] = &huma.Response{Ref: "#/components/responses/" + readText().Failures[failure].Name}
	}
	return op
}

// describeAccepted returns the response in place of a wait, whose body is that of the one
// after it.
func describeAccepted(description string, after *huma.Response) *huma.Response {
	return &huma.Response{
		Description: description, Headers: describeHeaders(readText().Accepted, ""),
		Content: map[string]*huma.MediaType{exchange.TypeJSON: after.Content[exchange.TypeJSON]},
	}
}

// describeRequest returns a body of the named schema, which has no other fields.
func describeRequest(schemas huma.Registry, name string) *huma.RequestBody {
	content := describeContent(schemas, []string{name})
	schemas.SchemaFromRef(content.Schema.Ref).AdditionalProperties = false
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{exchange.TypeJSON: content}}
}

// describeContent returns a body of one of the named schemas.
func describeContent(schemas huma.Registry, names []string) *huma.MediaType {
	if len(names) == 1 {
		return &huma.MediaType{Schema: schemas.Schema(schemaTypes[names[0]], true, ""), Example: readText().Examples[names[0]]}
	}
	content := &huma.MediaType{Examples: make(map[string]*huma.Example)}
	var types []reflect.Type
	for _, name := range names {
		if !slices.Contains(types, schemaTypes[name]) {
			types = append(types, schemaTypes[name])
		}
		content.Examples[name] = &huma.Example{Value: readText().Examples[name]}
	}
	content.Schema = oneOf(schemas, types...)
	return content
}

// oneOf returns the schema of a value of one of the types.
func oneOf(schemas huma.Registry, types ...reflect.Type) *huma.Schema {
	if len(types) == 1 {
		return schemas.Schema(types[0], true, "")
	}
	schema := &huma.Schema{}
	for _, of := range types {
		schema.OneOf = append(schema.OneOf, schemas.Schema(of, true, ""))
	}
	return schema
}

// describeFailures returns the responses that operations refer to.
func describeFailures(schemas huma.Registry) map[string]*huma.Response {
	all := make(map[string]*huma.Response)
	for _, failure := range readText().Failures {
		example := NewProblem(lsapi.Code(failure.Example.Code), failure.Example.Detail, nil)
		example.Errors, example.Member, example.Members = failure.Example.Errors, failure.Example.Member, failure.Example.Members
		content := &huma.MediaType{Schema: oneOf(schemas, reflect.TypeFor[apiv1.Problem]()), Example: example}
		if failure.Bulk != nil {
			content.Schema = oneOf(schemas, reflect.TypeFor[apiv1.BulkProblem](), reflect.TypeFor[apiv1.Problem]())
			content.Example = apiv1.BulkProblem{Problem: example, BulkResult: *failure.Bulk}
		}
		all[failure.Name] = &huma.Response{
			Description: failure.Description,
			Headers:     describeHeaders(failure.Headers, example.Code),
			Content:     map[string]*huma.MediaType{TypeProblem: content},
		}
	}
	return all
}

// describeHeaders returns the headers of a response with more headers, and with the code
// of its error if it has one.
func describeHeaders(more map[string]*huma.Header, code string) map[string]*huma.Header {
	const requestID = "X-Request-Id"
	all := map[string]*huma.Header{requestID: readText().Headers[requestID]}
	maps.Copy(all, more)
	if code != "" {
		described := *readText().Headers[status.Header]
		described.Example = code
		all[status.Header] = &described
	}
	return all
}

// tidyParameters moves the examples of schemas to their parameters, where pages read
// them, and removes patternDescription, which OpenAPI lacks and huma has used by now.
func tidyParameters(document *huma.OpenAPI) {
	for _, path := range document.Paths {
		for _, operation := range operationsOf(path) {
			if operation != nil {
				tidy(operation.Parameters)
			}
		}
	}
}

func tidy(parameters []*huma.Param) {
	for _, parameter := range parameters {
		schema := parameter.Schema
		schema.PatternDescription = ""
		if len(schema.Examples) > 0 {
			parameter.Example, schema.Examples = schema.Examples[0], nil
		}
	}
}

// operationsOf returns the operations of a path by method.
func operationsOf(path *huma.PathItem) map[string]*huma.Operation {
	return map[string]*huma.Operation{
		http.MethodGet: path.Get, http.MethodPut: path.Put, http.MethodPost: path.Post, http.MethodPatch: path.Patch, http.MethodDelete: path.Delete,
	}
}
