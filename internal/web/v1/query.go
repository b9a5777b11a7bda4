package v1

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	apiv1 "lsapi/api/v1"
)

// checkQuery refuses a query that is not exactly what the operation takes. huma
// itself takes the first of several, and what is empty for what is not given:
// a script whose variable is empty would list everything and not notice.
func (a *API) checkQuery(c huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(c)
	if wrong := a.misfits(c.Operation(), r.URL.RawQuery); len(wrong) > 0 {
		a.Fail(w, invalid(wrong[:min(len(wrong), maxDetails)]...))
		return
	}
	next(c)
}

// misfits returns what is wrong with a query, in the order of the names.
func (a *API) misfits(op *huma.Operation, query string) []apiv1.Detail {
	values, err := url.ParseQuery(query)
	if err != nil {
		return []apiv1.Detail{{Location: "query", Message: "is malformed: % stands before two hexadecimal digits, and ; is written %3B"}}
	}
	var wrong []apiv1.Detail
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if message := a.misfit(op, name, values[name]); message != "" {
			wrong = append(wrong, apiv1.Detail{Location: "query." + clip(name), Message: message})
		}
	}
	return wrong
}

// misfit returns what is wrong with the values of a parameter, nothing if it has
// as many as it may and they fit.
func (a *API) misfit(op *huma.Operation, name string, values []string) string {
	parameter := queryParameter(op, name)
	switch {
	case parameter == nil:
		return "there is no such parameter; there are " + strings.Join(queryParameters(op), ", ")
	case parameter.Schema.Type == huma.TypeArray:
		return a.misfitOfSeveral(parameter.Schema, values)
	case len(values) > 1:
		return "is there more than once"
	}
	return a.misfitOfOne(parameter.Schema, values[0])
}

// misfitOfSeveral returns what is wrong with the values of a parameter that may have
// several.
func (a *API) misfitOfSeveral(schema *huma.Schema, values []string) string {
	if most := *schema.MaxItems; len(values) > most {
		return "is there more than " + strconv.Itoa(most) + " times"
	}
	for _, value := range values {
		if message := a.misfitOfOne(schema.Items, value); message != "" {
			return message
		}
	}
	return ""
}

func (a *API) misfitOfOne(schema *huma.Schema, value string) string {
	switch {
	case value == "":
		return "is empty; leave it out where it is not wanted"
	case !utf8.ValidString(value):
		return "is not UTF-8"
	}
	return a.violation(schema, value)
}

// violation returns how a value violates the schema of its parameter.
func (a *API) violation(schema *huma.Schema, text string) string {
	var value any = text
	if schema.Type == huma.TypeInteger {
		number, err := strconv.Atoi(text)
		if err != nil {
			return "expected integer"
		}
		value = number
	}
	var found huma.ValidateResult
	huma.Validate(a.schemas(), schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, value, &found)
	if len(found.Errors) == 0 {
		return ""
	}
	if schema.Format == "date-time" {
		return "expected an RFC 3339 time such as 2026-11-24T18:54:00Z, with any + written %2B"
	}
	if detail, ok := errors.AsType[*huma.ErrorDetail](found.Errors[0]); ok {
		return detail.Message // without the value, which it also has
	}
	return "is invalid"
}

func queryParameter(op *huma.Operation, name string) *huma.Param {
	i := slices.IndexFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
	if i < 0 {
		return nil
	}
	return op.Parameters[i]
}

func queryParameters(op *huma.Operation) []string {
	var names []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return []string{"none"}
	}
	return names
}

// clip keeps what the client made up within bounds.
func clip(name string) string {
	characters := 0
	for i := range name {
		if characters == maxEchoed {
			return name[:i] + "..."
		}
		characters++
	}
	return name
}
