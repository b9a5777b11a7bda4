package web

import (
	"slices"
	"strings"
)

// matchesAny reports whether the fields of an If-None-Match match the strong tag
// by weak comparison (RFC 9110, 8.8.3.2 and 13.1.2). From where a field is
// malformed it is ignored.
func matchesAny(fields []string, tag string) bool {
	return slices.ContainsFunc(fields, func(field string) bool { return matches(field, tag) })
}

func matches(field, tag string) bool {
	const space = " \t"
	if strings.Trim(field, space) == "*" {
		return true
	}
	for {
		field = strings.TrimLeft(field, space+",")
		candidate, rest, ok := cutTag(field)
		rest = strings.TrimLeft(rest, space)
		if !ok || rest != "" && rest[0] != ',' {
			return false
		}
		if candidate == tag {
			return true
		}
		field = rest
	}
}

// cutTag takes the entity tag off the front of a list, without the mark of a
// weak one.
func cutTag(list string) (tag, rest string, ok bool) {
	list = strings.TrimPrefix(list, "W/")
	if list == "" || list[0] != '"' {
		return "", "", false
	}
	end := strings.IndexByte(list[1:], '"') + 2
	if end < 2 {
		return "", "", false
	}
	return list[:end], list[end:], true
}
