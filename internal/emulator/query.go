package emulator

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxBody is how many bytes of a request are read. The largest real ones, a
// register of 1,000 instances, have about 60 KB.
const maxBody = 1 << 20

// query is a call's parameters in the form of the AWS query protocol: flat
// names with dots and indexes for what is nested, such as
// "Filter.1.Value.2" or "Instances.member.3.InstanceId".
type query url.Values

// readQuery reads the parameters from the URL and the form body. AWS accepts
// either; where both name a parameter, the body's comes first.
func readQuery(w http.ResponseWriter, r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errMalformedQuery(err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, &apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error()}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errMalformedQuery(err)
	}
	maps.Copy(values, form)
	return query(values), nil
}

// text returns a parameter, empty when it was not given.
func (q query) text(name string) string { return url.Values(q).Get(name) }

// has reports whether a parameter was given, be it empty.
func (q query) has(name string) bool { return url.Values(q).Has(name) }

// number returns a whole number, or fallback when the parameter was not given.
func (q query) number(name string, fallback int) (int, error) {
	if !q.has(name) {
		return fallback, nil
	}
	n, err := strconv.ParseInt(q.text(name), 10, 32)
	if err != nil {
		return 0, refusal("MalformedInput", "Value '%s' at '%s' is not a whole number", q.text(name), name)
	}
	return int(n), nil
}

// boolean returns a truth value, or fallback when the parameter was not given.
func (q query) boolean(name string, fallback bool) (bool, error) {
	if !q.has(name) {
		return fallback, nil
	}
	switch strings.ToLower(q.text(name)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, refusal("MalformedInput", "Value '%s' at '%s' is neither true nor false", q.text(name), name)
}

// list returns the values of a list of plain values, in the order of their
// indexes: list("Subnets.member") reads Subnets.member.1, Subnets.member.2, …
func (q query) list(prefix string) []string {
	elements := q.elements(prefix)
	values := make([]string, 0, len(elements))
	for _, element := range elements {
		if element.has("") {
			values = append(values, element.text(""))
		}
	}
	return values
}

// column returns one field of each element of a list of structures:
// column("Instances.member", "InstanceId").
func (q query) column(prefix, field string) []string {
	elements := q.elements(prefix)
	values := make([]string, 0, len(elements))
	for _, element := range elements {
		values = append(values, element.text(field))
	}
	return values
}

// elements returns the elements of a list in the order of their indexes, each
// with its fields under their own names; a plain value's name is empty. Gaps
// between indexes are legal, and the order on the wire does not matter.
func (q query) elements(prefix string) []query {
	prefix += "."
	byIndex := map[int]query{}
	for name, values := range q {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		number, field, _ := strings.Cut(rest, ".")
		index, err := strconv.Atoi(number)
		if err != nil || index < 1 {
			continue // not an element of this list: AWS ignores names that it does not know
		}
		if byIndex[index] == nil {
			byIndex[index] = query{}
		}
		byIndex[index][field] = values
	}
	elements := make([]query, 0, len(byIndex))
	for _, index := range slices.Sorted(maps.Keys(byIndex)) {
		elements = append(elements, byIndex[index])
	}
	return elements
}

// tags returns a list of tags.
func (q query) tags(prefix string) []tag {
	elements := q.elements(prefix)
	tags := make([]tag, 0, len(elements))
	for _, element := range elements {
		tags = append(tags, tag{Key: element.text("Key"), Value: element.text("Value")})
	}
	return tags
}
