package ec2

import (
	"strconv"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// EC2's limits of filters.
const (
	maxFilterValues = 200 // per call
	maxFilterLength = 255 // characters of a value
)

// filter selects instances: one of its values must match the instance's value of the
// same name.
type filter struct {
	exact    map[string]struct{}
	patterns []string // the values with wildcards
	valuesOf valuesOf
	ids      []string // the only ids that can match; nil: any
}

// valuesOf returns an instance's values for a filter: one or, for tags, any number.
type valuesOf func(*Instance, State, time.Time) []string

// singleValues are the filters for which an instance has one value.
var singleValues = map[string]func(*Instance, State, time.Time) string{
	"availability-zone":   func(i *Instance, _ State, _ time.Time) string { return i.Zone },
	"image-id":            func(i *Instance, _ State, _ time.Time) string { return i.Image },
	"instance-id":         func(i *Instance, _ State, _ time.Time) string { return i.ID },
	"instance-state-code": func(_ *Instance, s State, _ time.Time) string { return strconv.Itoa(int(s)) },
	"instance-state-name": func(_ *Instance, s State, _ time.Time) string { return s.String() },
	"instance-type":       func(i *Instance, _ State, _ time.Time) string { return i.Type },
	"key-name":            func(i *Instance, _ State, _ time.Time) string { return i.keyName },
	"private-ip-address":  func(i *Instance, _ State, _ time.Time) string { return i.privateIP() },
	"reservation-id":      func(i *Instance, _ State, _ time.Time) string { return i.reservation },
	"subnet-id":           func(i *Instance, _ State, _ time.Time) string { return account.SubnetOf(i.Zone) },
	"vpc-id":              func(*Instance, State, time.Time) string { return account.VPCID },
	"launch-time": func(i *Instance, _ State, t time.Time) string {
		text, _ := wire.Timestamp(i.launchedAt(t)).MarshalText() // never fails
		return string(text)
	},
}

// newFilters reads the Filter.N parameters.
func newFilters(q wire.Query) ([]filter, error) {
	elements := q.Elements("Filter")
	filters := make([]filter, 0, len(elements))
	count := 0
	for _, element := range elements {
		values := element.List("Value")
		if count += len(values); count > maxFilterValues {
			return nil, wire.BadRequest("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		f, err := newFilter(element.Text("Name"), values)
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
	}
	return filters, nil
}

func newFilter(name string, values []string) (filter, error) {
	if name == "" {
		return filter{}, wire.MissingParameter("Filter.Name")
	}
	if len(values) == 0 {
		return filter{}, wire.InvalidParameter("The filter '%s' must have at least one value", name)
	}
	of, err := valuesFor(name)
	if err != nil {
		return filter{}, err
	}
	f := filter{exact: map[string]struct{}{}, valuesOf: of}
	for _, value := range values {
		if len(value) > maxFilterLength {
			return filter{}, wire.BadRequest("FilterLimitExceeded", "The maximum length for a filter value is %d characters", maxFilterLength)
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

func valuesFor(name string) (valuesOf, error) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return func(i *Instance, _ State, _ time.Time) []string {
			return selectTags(i, func(t account.Tag) (string, bool) { return t.Value, t.Key == key })
		}, nil
	}
	if name == "tag-key" {
		return func(i *Instance, _ State, _ time.Time) []string {
			return selectTags(i, func(t account.Tag) (string, bool) { return t.Key, true })
		}, nil
	}
	if one, ok := singleValues[name]; ok {
		return func(i *Instance, s State, t time.Time) []string { return []string{one(i, s, t)} }, nil
	}
	return nil, wire.InvalidParameter("The filter '%s' is invalid", name)
}

func selectTags(i *Instance, choose func(account.Tag) (string, bool)) []string {
	var chosen []string
	for _, t := range i.Tags {
		if value, ok := choose(t); ok {
			chosen = append(chosen, value)
		}
	}
	return chosen
}

// matches reports whether the instance passes, with its state at t.
func (f filter) matches(i *Instance, state State, t time.Time) bool {
	for _, value := range f.valuesOf(i, state, t) {
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
