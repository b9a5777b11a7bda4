package emulator

import (
	"strconv"
	"strings"
	"time"
)

// maxFilterValues is how many values EC2 takes in the filters of one call, and
// maxFilterLength how many characters in one value.
const (
	maxFilterValues = 200
	maxFilterLength = 255
)

// filter is a condition on instances: one of its values must match what the
// instance has under its name.
type filter struct {
	exact    map[string]struct{}
	patterns []string // the values with wildcards
	// of returns what an instance has under the filter's name: none, one or,
	// for tags, several values.
	of func(*instance, instanceState, time.Time) []string
	// ids is set when only instances with these ids can match, which spares
	// looking at the others.
	ids []string
}

// filterNames are the filters with one value an instance.
var filterNames = map[string]func(*instance, instanceState, time.Time) string{
	"availability-zone":   func(i *instance, _ instanceState, _ time.Time) string { return i.zone },
	"image-id":            func(i *instance, _ instanceState, _ time.Time) string { return i.image },
	"instance-id":         func(i *instance, _ instanceState, _ time.Time) string { return i.id },
	"instance-state-code": func(_ *instance, s instanceState, _ time.Time) string { return strconv.Itoa(int(s)) },
	"instance-state-name": func(_ *instance, s instanceState, _ time.Time) string { return s.String() },
	"instance-type":       func(i *instance, _ instanceState, _ time.Time) string { return i.kind },
	"key-name":            func(i *instance, _ instanceState, _ time.Time) string { return i.keyName },
	"private-ip-address":  func(i *instance, _ instanceState, _ time.Time) string { return privateIP(i.number) },
	"reservation-id":      func(i *instance, _ instanceState, _ time.Time) string { return i.reservation },
	"subnet-id":           func(i *instance, _ instanceState, _ time.Time) string { return subnetOf(i.zone) },
	"vpc-id":              func(*instance, instanceState, time.Time) string { return VPCID },
	"launch-time": func(i *instance, _ instanceState, t time.Time) string {
		text, _ := timestamp(i.launchAt(t)).MarshalText() // never fails
		return string(text)
	},
}

// newFilters reads the Filter.N parameters.
func newFilters(q query) ([]filter, error) {
	elements := q.elements("Filter")
	filters := make([]filter, 0, len(elements))
	count := 0
	for _, element := range elements {
		values := element.list("Value")
		if count += len(values); count > maxFilterValues {
			return nil, refusal("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		f, err := newFilter(element.text("Name"), values)
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
	}
	return filters, nil
}

func newFilter(name string, values []string) (filter, error) {
	if name == "" {
		return filter{}, errMissingParameter("Filter.Name")
	}
	if len(values) == 0 {
		return filter{}, errInvalidParameter("The filter '%s' must have at least one value", name)
	}
	of, err := filterFor(name)
	if err != nil {
		return filter{}, err
	}
	f := filter{exact: map[string]struct{}{}, of: of}
	for _, value := range values {
		if len(value) > maxFilterLength {
			return filter{}, refusal("FilterLimitExceeded", "The maximum length for a filter value is %d characters", maxFilterLength)
		}
		if strings.ContainsAny(value, `*?\`) {
			f.patterns = append(f.patterns, value)
		} else {
			f.exact[value] = struct{}{}
		}
	}
	if name == "instance-id" && len(f.patterns) == 0 {
		f.ids = values
	}
	return f, nil
}

// filterFor returns what a filter of that name looks at.
func filterFor(name string) (func(*instance, instanceState, time.Time) []string, error) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return func(i *instance, _ instanceState, _ time.Time) []string {
			return selectTags(i, func(t tag) (string, bool) { return t.Value, t.Key == key })
		}, nil
	}
	if name == "tag-key" {
		return func(i *instance, _ instanceState, _ time.Time) []string {
			return selectTags(i, func(t tag) (string, bool) { return t.Key, true })
		}, nil
	}
	if one, ok := filterNames[name]; ok {
		return func(i *instance, s instanceState, t time.Time) []string { return []string{one(i, s, t)} }, nil
	}
	return nil, errInvalidParameter("The filter '%s' is invalid", name)
}

func selectTags(i *instance, choose func(tag) (string, bool)) []string {
	var chosen []string
	for _, t := range i.tags {
		if value, ok := choose(t); ok {
			chosen = append(chosen, value)
		}
	}
	return chosen
}

// matches reports whether the instance, in that state at that moment, passes.
func (f filter) matches(i *instance, state instanceState, t time.Time) bool {
	for _, value := range f.of(i, state, t) {
		if _, ok := f.exact[value]; ok {
			return true
		}
		for _, pattern := range f.patterns {
			if wildcardMatch(pattern, value) {
				return true
			}
		}
	}
	return false
}

// wildcardMatch matches as EC2's filters do: * is any number of characters, ? is
// one, and a backslash takes the character after it literally.
func wildcardMatch(pattern, value string) bool {
	// Where to go on when the characters after the last * do not match: the *
	// then takes one character more.
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
