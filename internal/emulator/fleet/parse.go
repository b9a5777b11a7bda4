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
//   - "demo": two small load balancers, see demo.yaml
//   - "empty": nothing
//   - "100x20": 100 load balancers of 20 members each, see Generate
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
	balancers, members, ok := parseSize(spec)
	if !ok {
		return Fleet{}, fmt.Errorf("fleet %q is none of demo, empty, LBSxMEMBERS (such as 100x20) and FILE.yaml", spec)
	}
	return Generate(balancers, members)
}

// parseSize parses "100x20".
func parseSize(spec string) (balancers, members int, ok bool) {
	before, after, found := strings.Cut(spec, "x")
	balancers, beforeErr := strconv.Atoi(before)
	members, afterErr := strconv.Atoi(after)
	return balancers, members, found && beforeErr == nil && afterErr == nil
}
