package v1

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	apiv1 "lsapi/api/v1"
)

// validateQuery parses a query that must be exactly what the operation takes. Otherwise a
// script with a mistyped filter or an empty variable would list everything. It also returns what is
// wrong with it.
func (a *API) validateQuery(op *huma.Operation, rawQuery string) (query url.Values, wrong []apiv1.Detail) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, []apiv1.Detail{{Location: "query", Message: "is malformed: % stands before two hexadecimal digits, and ; is written %3B"}}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if message := a.validateParameter(op, name, query[name]); message != "" && len(wrong) < maxDetails {
			wrong = append(wrong, apiv1.Detail{Location: "query." + clip(name), Message: message})
		}
	}
	return query, wrong
}

// validateParameter returns what is wrong with the values of a parameter.
func (a *API) validateParameter(op *huma.Operation, name string, values []string) string {
	schema, names := (*huma.Schema)(nil), []string(nil)
	for _, p := range op.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
			if p.Name == name {
				schema = p.Schema
			}
		}
	}
	switch {
	case schema == nil && names == nil:
		return "there is no such parameter; there are none"
	case schema == nil:
		return "there is no such parameter; there are " + strings.Join(names, ", ")
	case schema.Type == huma.TypeArray:
		if most := *schema.MaxItems; len(values) > most {
			return "is there more than " + strconv.Itoa(most) + " times"
		}
		schema = schema.Items
	case len(values) > 1:
		return "is there more than once"
	}
	for _, value := range values {
		if message := a.validateValue(schema, value); message != "" {
			return message
		}
	}
	return ""
}

// validateValue returns what is wrong with a value.
func (a *API) validateValue(schema *huma.Schema, text string) string {
	switch {
	case text == "":
		return "is empty; leave it out where it is not wanted"
	case !utf8.ValidString(text):
		return "is not UTF-8"
	}
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
		return detail.Message // without the value, which its Error also has
	}
	return "is invalid"
}

// clip bounds a client's text in an error.
func clip(name string) string {
	if characters := []rune(name); len(characters) > maxEchoed {
		return string(characters[:maxEchoed]) + "..."
	}
	return name
}

// parameter is where the value of a field comes from. One name is set: that of a part of the
// path, a header or a query parameter.
type parameter struct {
	field               []int
	path, header, query string
	fallback            []string // the value of a missing query parameter
}

// parametersOf returns the parameters of a struct, and of embedded structs, from the tags
// path, header, query and default of their fields: strings, integers and lists of strings.
func parametersOf(of reflect.Type) (all []parameter) {
	for _, field := range reflect.VisibleFields(of) {
		if field.Type.Kind() == reflect.Struct {
			continue // its fields follow
		}
		p := parameter{field: field.Index, path: field.Tag.Get("path"), header: field.Tag.Get("header")}
		p.query, _, _ = strings.Cut(field.Tag.Get("query"), ",")
		if value, ok := field.Tag.Lookup("default"); ok {
			p.fallback = []string{value}
		}
		all = append(all, p)
	}
	return all
}

// bind sets the fields of the struct that in points to from a request. The query must be
// valid.
func bind(in any, parameters []parameter, r *http.Request, query url.Values) {
	fields := reflect.ValueOf(in).Elem()
	for i := range parameters {
		p := &parameters[i]
		field := fields.FieldByIndex(p.field)
		switch {
		case p.path != "":
			field.SetString(r.PathValue(p.path))
		case p.header != "":
			field.SetString(r.Header.Get(p.header))
		default:
			bindQuery(field, p, query)
		}
	}
}

// bindQuery sets a field from a query parameter.
func bindQuery(field reflect.Value, p *parameter, query url.Values) {
	values := query[p.query]
	if len(values) == 0 {
		values = p.fallback
	}
	switch {
	case len(values) == 0:
	case field.Kind() == reflect.Slice:
		field.Set(reflect.ValueOf(values))
	case field.Kind() == reflect.Int:
		number, _ := strconv.Atoi(values[0])
		field.SetInt(int64(number))
	default:
		field.SetString(values[0])
	}
}
