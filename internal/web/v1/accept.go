package v1

import (
	"mime"
	"strconv"
	"strings"
)

// prefersLines reports whether the fields of an Accept want newline-delimited
// JSON more than JSON. Who wants neither gets JSON all the same.
//
// huma's negotiation is not used: it knows no wildcards, and takes a weight of 0,
// which is a refusal, for 1.
func prefersLines(fields []string) bool {
	ranges := strings.SplitN(strings.Join(fields, ","), ",", maxRanges+1)
	ranges = ranges[:min(len(ranges), maxRanges)]
	lines, json := weigh(ranges, typeLines), weigh(ranges, typeJSON)
	if lines.weight == json.weight {
		return lines.weight > 0 && lines.precision > json.precision
	}
	return lines.weight > json.weight
}

// preference is what an Accept says of a content type.
type preference struct {
	weight    float64 // 0 is a refusal
	precision int     // of the range that it stands in: 3 names the type, 1 is any
}

// weigh returns what the most precise range that a content type is in says of it
// (RFC 9110, 12.5.1). A malformed range is ignored.
func weigh(ranges []string, contentType string) preference {
	var found preference
	kind, _, _ := strings.Cut(contentType, "/")
	precisions := map[string]int{contentType: 3, kind + "/*": 2, "*/*": 1}
	for _, entry := range ranges {
		name, parameters, err := mime.ParseMediaType(entry)
		if err != nil || precisions[name] <= found.precision {
			continue
		}
		weight := 1.0
		if q, given := parameters["q"]; given {
			if weight, err = strconv.ParseFloat(q, 64); err != nil || weight < 0 || weight > 1 {
				continue
			}
		}
		found = preference{weight, precisions[name]}
	}
	return found
}
