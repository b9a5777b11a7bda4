package v1

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"lsapi"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
)

// securityScheme is what the document calls Basic authentication.
const securityScheme = "basicAuth"

// overview is what the document says of the whole.
const overview = `The load balancers and their members: what was asked for, and what AWS says of
them, side by side. And the record of changes: which instance was attached to or
detached from which load balancer, by whom, when and why, and what became of it.

Every change that is asked for through lsapi is recorded before AWS is, and its
outcome before the answer is given. Changes that other tools made past lsapi are
recorded when they are seen.

All operations need credentials (Basic). HEAD is answered wherever GET is; other
methods are 405 with Allow. An unknown query parameter is 400, never ignored, so
that a mistyped filter does not list everything. Fields of an answer that are not
known are absent, never null. Times are RFC 3339 in UTC, with milliseconds.

An error is application/problem+json (RFC 9457). An answer of several pages in
application/x-ndjson that fails on its way is cut off, so that the client sees a
broken connection: a stream that ended well is complete.

The operations that change a membership are in /swagger.json.`

// Document is the OpenAPI 3.1 document in both of its notations. They change only
// with the program.
type Document struct {
	JSON []byte
	YAML []byte
}

// Document returns the document of the API.
func (a *API) Document() (Document, error) {
	compact, err := a.huma.OpenAPI().MarshalJSON()
	if err != nil {
		return Document{}, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		return Document{}, err
	}
	text, err := a.huma.OpenAPI().YAML()
	return Document{JSON: indented.Bytes(), YAML: text}, err
}

// config is huma's, without its pages: the document is served by the server in
// front, and huma's page for it loads scripts from elsewhere.
func config(version string) huma.Config {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "lsapi", Version: version, Description: overview},
			Servers: []*huma.Server{{URL: "/", Description: "The service that the document comes from"}},
			Tags: []*huma.Tag{
				{Name: "fleet", Description: "Load balancers and their members"},
				{Name: "record", Description: "The record of changes"},
			},
			Components: &huma.Components{
				SecuritySchemes: map[string]*huma.SecurityScheme{
					securityScheme: {Type: "http", Scheme: "basic", Description: "A user and its password"},
				},
			},
		},
		Formats:       map[string]huma.Format{typeJSON: huma.DefaultJSONFormat},
		DefaultFormat: typeJSON,
	}
	// An answer may get more fields: clients made of this document must bear it.
	config.AllowAdditionalPropertiesByDefault = true
	return config
}

// operation returns what all operations have in common.
func operation(id, path, summary, description string, ok *huma.Response, failures ...string) huma.Operation {
	op := huma.Operation{
		OperationID:        id,
		Method:             http.MethodGet,
		Path:               path,
		Summary:            summary,
		Description:        description,
		Tags:               []string{"record"},
		Security:           []map[string][]string{{securityScheme: {}}},
		Responses:          map[string]*huma.Response{"200": ok},
		SkipValidateParams: true, // checkQuery has done it
	}
	for _, status := range append([]string{"400", "401", "500", "503", "504"}, failures...) {
		op.Responses[status] = &huma.Response{Ref: "#/components/responses/" + failureNames[status]}
	}
	return op
}

func describeChanges(schemas huma.Registry) huma.Operation {
	example := newChange(&exampleChange)
	ok := answer("The changes that all filters let through, newest first. In JSON a page of them; in newline-delimited JSON all, one object a line, or as many as limit says",
		map[string]*huma.MediaType{
			typeJSON:  {Schema: schemaOf[apiv1.ChangesPage](schemas), Example: apiv1.ChangesPage{Changes: []apiv1.Change{example}, NextCursor: newCursor(exampleFilter, example.ID)}},
			typeLines: {Schema: schemaOf[apiv1.Change](schemas), Example: example},
		})
	return operation("listChanges", ChangesPath, "List changes",
		"Accept decides the form: application/json is read in pages, application/x-ndjson is one stream of everything, for exports. Given alone or together, filters narrow the list down.", ok)
}

func describeChange(schemas huma.Registry) huma.Operation {
	ok := answer("The change", map[string]*huma.MediaType{
		typeJSON: {Schema: schemaOf[apiv1.Change](schemas), Example: newChange(&exampleChange)},
	})
	return operation("getChange", ChangePath, "Show a change",
		"Whoever got a 504 for a change asks here what became of it: the outcome is open until it is known.", ok, "404")
}

func describeMembers(schemas huma.Registry) huma.Operation {
	ok := answer("The members at that time, as far as the record tells", map[string]*huma.MediaType{
		typeJSON: {Schema: schemaOf[apiv1.Roster](schemas), Example: newRoster(exampleRoster)},
	})
	return operation("listMembersAt", MembersPath, "List who was a member at a time",
		"The membership at any time that the record reaches back to, and the change that made each one a member. For what AWS says now, ask /elb/{elbName}.", ok, "404")
}

// answer returns the description of a 200.
func answer(description string, content map[string]*huma.MediaType) *huma.Response {
	return &huma.Response{Description: description, Content: content, Headers: requestIDHeader()}
}

func schemaOf[T any](schemas huma.Registry) *huma.Schema {
	return schemas.Schema(reflect.TypeFor[T](), true, "")
}

func header(schemaType, description string, example any) *huma.Header {
	return &huma.Header{Description: description, Schema: &huma.Schema{Type: schemaType}, Example: example}
}

func requestIDHeader() map[string]*huma.Header {
	return map[string]*huma.Header{
		"X-Request-Id": header(huma.TypeString, "The id of the request: the caller's, if it is 1 to 128 of letters, digits, dots, underscores and hyphens", "deploy-7"),
	}
}

// failureNames are the statuses of errors, by which the document's components
// are found.
var failureNames = map[string]string{
	"400": "BadRequest",
	"401": "Unauthorized",
	"404": "NotFound",
	"408": "NotYet",
	"409": "Terminated",
	"410": "Gone",
	"500": "InternalError",
	"502": "UpstreamFailed",
	"503": "Unavailable",
	"504": "TimedOut",
}

// problems describes the errors.
func problems(schemas huma.Registry) map[string]*huma.Response {
	schema := schemaOf[apiv1.Problem](schemas)
	describe := func(description string, headers map[string]*huma.Header, example apiv1.Problem) *huma.Response {
		all := requestIDHeader()
		maps.Copy(all, headers)
		all[status.Header] = header(huma.TypeString, "The code of the error, as in the body", example.Code)
		return &huma.Response{
			Description: description,
			Headers:     all,
			Content:     map[string]*huma.MediaType{typeProblem: {Schema: schema, Example: example}},
		}
	}
	wrong := invalid(apiv1.Detail{Location: "query.limit", Message: "expected number <= 1000"})
	return map[string]*huma.Response{
		"BadRequest": describe("A parameter is unknown, there twice, empty, or has a value that it cannot have; errors names each", nil,
			NewProblem(lsapi.CodeInvalid, "query.limit: expected number <= 1000", wrong)),
		"Unauthorized": describe("No, malformed or wrong credentials",
			map[string]*huma.Header{"WWW-Authenticate": header(huma.TypeString, "How to authenticate", `Basic realm="lsapi"`)},
			NewProblem(lsapi.CodeUnauthenticated, "credentials are missing or wrong", nil)),
		"NotFound": describe("There is no such thing, or the record does not reach back to the time; the detail says which", nil,
			NewProblem(lsapi.CodeNotFound, "there is no such change; an id is a UUID of version 7, in lower case", nil)),
		"InternalError": describe("A defect of the service. Its log has the cause, under the id of the request", nil,
			NewProblem(lsapi.CodeInternal, "the service failed", nil)),
		"NotYet": describe("What was waited for has not come about in time; member is the last that is known", nil,
			NewProblem(lsapi.CodeWaitTimeout, "the time is up, and it is OutOfService: Instance registration is still in progress.", exampleLast)),
		"Terminated": describe("The instance is terminated while one waits for it to serve; member is the last that is known", nil,
			NewProblem(lsapi.CodeConflict, "the instance is terminated", nil)),
		"Gone": describe("What came after Last-Event-ID (or lastEventId) has been removed from the record, because it was too old", nil,
			NewProblem(lsapi.CodeGone, "Last-Event-ID: what came after it has been removed from the record; start without it", nil)),
		"UpstreamFailed": describe("AWS failed, could not be reached, or refused the service", nil,
			NewProblem(lsapi.CodeUpstream, "AWS failed or could not be reached", nil)),
		"Unavailable": describe("What is asked for cannot be read for now, or too much is being read at once",
			map[string]*huma.Header{"Retry-After": header(huma.TypeInteger, "Seconds to wait before asking again", 1)},
			NewProblem(lsapi.CodeUnavailable, "the service cannot answer for now; nothing was changed", nil)),
		"TimedOut": describe("The deadline passed", nil,
			NewProblem(lsapi.CodeTimeout, "the deadline passed", nil)),
	}
}
