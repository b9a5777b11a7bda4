package wire

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
)

// MaxBody is the limit of a request body in bytes. The largest real one, a
// registration of 1,000 instances, has about 60 KB.
const MaxBody = 1 << 20

// Query holds a call's parameters in the AWS query protocol: flat names with dots
// and indexes for nested values, such as "Filter.1.Value.2" or
// "Instances.member.3.InstanceId".
type Query url.Values

// ReadQuery reads the parameters from the URL and the form body. The body wins
// where both set a parameter.
func ReadQuery(w http.ResponseWriter, r *http.Request) (Query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errMalformedQuery(err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		return nil, errBodyTooLarge(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errMalformedQuery(err)
	}
	maps.Copy(values, form)
	return Query(values), nil
}

// Text returns a parameter, "" when it is missing.
func (q Query) Text(name string) string { return url.Values(q).Get(name) }

// Has reports whether a parameter is present, even if empty.
func (q Query) Has(name string) bool { return url.Values(q).Has(name) }

// Number returns a whole number, or fallback when the parameter is missing.
func (q Query) Number(name string, fallback int) (int, error) {
	if !q.Has(name) {
		return fallback, nil
	}
	n, err := strconv.ParseInt(q.Text(name), 10, 32)
	if err != nil {
		return 0, BadRequest("MalformedInput", "Value '%s' at '%s' is not a whole number", q.Text(name), name)
	}
	return int(n), nil
}

// Bool returns a boolean, or fallback when the parameter is missing.
func (q Query) Bool(name string, fallback bool) (bool, error) {
	if !q.Has(name) {
		return fallback, nil
	}
	switch strings.ToLower(q.Text(name)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, BadRequest("MalformedInput", "Value '%s' at '%s' is neither true nor false", q.Text(name), name)
}

// List returns a list of plain values, ordered by index: List("Subnets.member")
// reads Subnets.member.1, Subnets.member.2, …
func (q Query) List(prefix string) []string {
	elements := q.Elements(prefix)
	values := make([]string, 0, len(elements))
	for _, element := range elements {
		if element.Has("") {
			values = append(values, element.Text(""))
		}
	}
	return values
}

// Column returns one field of each element of a list of structures:
// Column("Instances.member", "InstanceId").
func (q Query) Column(prefix, field string) []string {
	elements := q.Elements(prefix)
	values := make([]string, 0, len(elements))
	for _, element := range elements {
		values = append(values, element.Text(field))
	}
	return values
}

// Elements returns the elements of a list, ordered by index, each with its fields
// under their own names. The name of a plain value is empty. Gaps between indexes
// are legal.
func (q Query) Elements(prefix string) []Query {
	prefix += "."
	byIndex := map[int]Query{}
	for name, values := range q {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		number, field, _ := strings.Cut(rest, ".")
		index, err := strconv.Atoi(number)
		if err != nil || index < 1 {
			continue // AWS ignores unknown parameters
		}
		if byIndex[index] == nil {
			byIndex[index] = Query{}
		}
		byIndex[index][field] = values
	}
	elements := make([]Query, 0, len(byIndex))
	for _, index := range slices.Sorted(maps.Keys(byIndex)) {
		elements = append(elements, byIndex[index])
	}
	return elements
}

// Tags returns a list of tags.
func (q Query) Tags(prefix string) []account.Tag {
	elements := q.Elements(prefix)
	tags := make([]account.Tag, 0, len(elements))
	for _, element := range elements {
		tags = append(tags, account.Tag{Key: element.Text("Key"), Value: element.Text("Value")})
	}
	return tags
}

// Timestamp returns a time in one of the forms that clients send: RFC 3339, the same
// without a zone, which is UTC, or seconds since 1970. It is zero when the parameter is
// missing.
func (q Query) Timestamp(name string) (time.Time, error) {
	text := q.Text(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if at, err := strconv.ParseFloat(text, 64); err == nil {
		return time.UnixMilli(int64(at * 1000)), nil
	}
	return time.Time{}, InvalidParameter("The parameter %s is no timestamp: %s", name, text)
}

// Unique removes repeated values and keeps the order.
func Unique(values []string) []string {
	present := make(map[string]struct{}, len(values))
	return slices.DeleteFunc(values, func(value string) bool {
		_, repeated := present[value]
		present[value] = struct{}{}
		return repeated
	})
}
