package ec2

import (
	"slices"
	"strings"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// EC2's limits of filters.
const (
	maxFilterValues = 200 // per call
	maxFilterLength = 255 // characters of a value
)

// filter selects resources: one of its values must match one of the resource's values of
// the same name.
type filter[T any] struct {
	name     string
	values   []string
	exact    map[string]struct{}
	patterns []string // the values with wildcards
	of       func(T) []string
}

// filters are the filters for a type of resources, by name.
type filters[T any] struct {
	values map[string]func(T) []string
	tags   func(T) []account.Tag
}

// one returns the values of a resource that has one value.
func one[T any](value func(T) string) func(T) []string {
	return func(resource T) []string { return []string{value(resource)} }
}

// read reads the Filter.N parameters.
func (fs filters[T]) read(q wire.Query) ([]filter[T], error) {
	elements := q.Elements("Filter")
	all := make([]filter[T], 0, len(elements))
	count := 0
	for _, element := range elements {
		values := element.List("Value")
		if count += len(values); count > maxFilterValues {
			return nil, wire.BadRequest("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		f, err := fs.newFilter(element.Text("Name"), values)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func (fs filters[T]) newFilter(name string, values []string) (f filter[T], err error) {
	if name == "" {
		return f, wire.MissingParameter("Filter.Name")
	}
	if len(values) == 0 {
		return f, wire.InvalidParameter("The filter '%s' must have at least one value", name)
	}
	f = filter[T]{name: name, values: values, exact: map[string]struct{}{}}
	if f.of, err = fs.valuesOf(name); err != nil {
		return f, err
	}
	for _, value := range values {
		if len(value) > maxFilterLength {
			return f, wire.BadRequest("FilterLimitExceeded", "The maximum length for a filter value is %d characters", maxFilterLength)
		}
		if strings.ContainsAny(value, `*?\`) {
			f.patterns = append(f.patterns, value)
		} else {
			f.exact[value] = struct{}{}
		}
	}
	return f, nil
}

// valuesOf returns a resource's values for a filter: one or, for tags, any number.
func (fs filters[T]) valuesOf(name string) (func(T) []string, error) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return fs.selectTags(func(t account.Tag) (string, bool) { return t.Value, t.Key == key }), nil
	}
	if name == "tag-key" {
		return fs.selectTags(func(t account.Tag) (string, bool) { return t.Key, true }), nil
	}
	if of, ok := fs.values[name]; ok {
		return of, nil
	}
	return nil, wire.InvalidParameter("The filter '%s' is invalid", name)
}

func (fs filters[T]) selectTags(choose func(account.Tag) (string, bool)) func(T) []string {
	return func(resource T) (chosen []string) {
		for _, t := range fs.tags(resource) {
			if value, ok := choose(t); ok {
				chosen = append(chosen, value)
			}
		}
		return chosen
	}
}

// matches reports whether the resource passes.
func (f filter[T]) matches(resource T) bool {
	return slices.ContainsFunc(f.of(resource), func(value string) bool {
		_, ok := f.exact[value]
		return ok || slices.ContainsFunc(f.patterns, func(pattern string) bool { return wildcardMatch(pattern, value) })
	})
}

// passes reports whether all filters match the resource.
func passes[T any](all []filter[T], resource T) bool {
	return !slices.ContainsFunc(all, func(f filter[T]) bool { return !f.matches(resource) })
}

// wildcardMatch matches a value as EC2's filters do: * is any number of characters, ?
// is one, and a backslash escapes the next character.
func wildcardMatch(pattern, value string) bool {
	// The position to resume from on a mismatch: the last * then takes one more
	// character.
	retryPattern, retryValue := -1, 0
	p, v := 0, 0
	for v < len(value) {
		if p < len(pattern) {
			switch {
			case pattern[p] == '*':
				retryPattern, retryValue = p, v
				p++
				continue
			case pattern[p] == '\\' && p+1 < len(pattern) && pattern[p+1] == value[v]:
				p, v = p+2, v+1
				continue
			case pattern[p] == '?' || pattern[p] != '\\' && pattern[p] == value[v]:
				p, v = p+1, v+1
				continue
			}
		}
		if retryPattern < 0 {
			return false
		}
		retryValue++
		p, v = retryPattern+1, retryValue
	}
	return strings.Trim(pattern[p:], "*") == ""
}
