package fleet

import (
	_ "embed"
	"fmt"
	"os"
	"strconv"
	"strings"
)

//go:embed demo.yaml
var demoFile []byte

// Parse returns the fleet of a specification:
//
//   - "demo": two small Classic load balancers and two target groups, see demo.yaml
//   - "empty": nothing
//   - "100x20": 100 Classic load balancers of 20 members each, "tg:500x20": 500 target
//     groups of 20 targets each, or both: "100x20+tg:500x20", see Generate
//   - a name with a path separator or the extension .yaml or .yml: a file
//
// Errors about a file contain its name, the line and the reason.
func Parse(spec string) (Fleet, error) {
	if strings.ContainsAny(spec, `/\`) || strings.HasSuffix(spec, ".yaml") || strings.HasSuffix(spec, ".yml") {
		data, err := os.ReadFile(spec)
		if err != nil {
			return Fleet{}, fmt.Errorf("fleet file: %w", err)
		}
		return decode(spec, data)
	}
	switch spec {
	case "demo":
		return decode("demo.yaml", demoFile)
	case "empty":
		return Fleet{}, nil
	}
	size, ok := parseSize(spec)
	if !ok {
		return Fleet{}, fmt.Errorf("fleet %q is none of demo, empty, LBSxMEMBERS (such as 100x20), tg:GROUPSxTARGETS and FILE.yaml", spec)
	}
	return Generate(size)
}

// parseSize parses "100x20", "tg:500x20" or "100x20+tg:500x20".
func parseSize(spec string) (size Size, ok bool) {
	for part := range strings.SplitSeq(spec, "+") {
		numbers, isGroups := strings.CutPrefix(part, "tg:")
		before, after, found := strings.Cut(numbers, "x")
		pools, beforeErr := strconv.Atoi(before)
		members, afterErr := strconv.Atoi(after)
		if !found || beforeErr != nil || afterErr != nil {
			return Size{}, false
		}
		if isGroups {
			size.TargetGroups, size.Targets = pools, members
		} else {
			size.LoadBalancers, size.Members = pools, members
		}
	}
	return size, true
}
