package exchange

import (
	"mime"
	"strconv"
	"strings"
)

// The content types of responses.
const (
	TypeJSON   = "application/json"
	TypeLines  = "application/x-ndjson"
	TypeEvents = "text/event-stream"
)

// maxRanges is the number of entries that are read of an Accept. Browsers send fewer
// than ten.
const maxRanges = 32

// Accepts reports whether an Accept or Accept-Encoding names a type or coding, not by a
// wildcard, with a weight above 0.
func Accepts(fields []string, name string) bool {
	found := weigh(ranges(fields), name)
	return found.precision == exact && found.weight > 0
}

// Prefers reports whether an Accept prefers a content type to the default.
func Prefers(fields []string, contentType, defaultType string) bool {
	all := ranges(fields)
	preferred, usual := weigh(all, contentType), weigh(all, defaultType)
	if preferred.weight == usual.weight {
		return preferred.weight > 0 && preferred.precision > usual.precision
	}
	return preferred.weight > usual.weight
}

func ranges(fields []string) []string {
	all := strings.SplitN(strings.Join(fields, ","), ",", maxRanges+1)
	return all[:min(len(all), maxRanges)]
}

// preference is an Accept's weight of a content type.
type preference struct {
	weight    float64 // 0 is a refusal
	precision int     // of the range that has the weight
}

// The precision of ranges. 0 is none.
const (
	wildcard = iota + 1
	subtypes // such as text/*
	exact
)

// weigh returns the preference of the most precise range that covers a name (RFC 9110,
// 12.5.1). A malformed range is ignored.
func weigh(ranges []string, name string) preference {
	var found preference
	kind, _, _ := strings.Cut(name, "/")
	precisions := map[string]int{name: exact, kind + "/*": subtypes, "*/*": wildcard}
	for _, entry := range ranges {
		named, parameters, err := mime.ParseMediaType(entry)
		if err != nil || precisions[named] <= found.precision {
			continue
		}
		weight := 1.0
		if q, given := parameters["q"]; given {
			if weight, err = strconv.ParseFloat(q, 64); err != nil || weight < 0 || weight > 1 {
				continue
			}
		}
		found = preference{weight, precisions[named]}
	}
	return found
}
