package lsapi_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "lsapi"

// adapters connect lsapi to external systems.
var adapters = []string{"auth", "cloud", "record", "snapshot", "telemetry", "web"}

// poolAdapters are the adapters of the kinds of pools.
var poolAdapters = []string{"internal/cloud/classic", "internal/cloud/targetgroup"}

// recordEngines are the engines of the record.
var recordEngines = []string{"internal/record/sqlite", "internal/record/postgres"}

// emulatedServices are the AWS services of the emulator.
var emulatedServices = []string{"internal/emulator/cloudwatch", "internal/emulator/ec2", "internal/emulator/elb", "internal/emulator/elbv2", "internal/emulator/sts"}

// A rule forbids imports.
type rule struct {
	sentence string
	// of reports whether the rule applies to the package in a folder.
	of func(folder string) bool
	// forbids reports whether the package may not import path.
	forbids func(folder, path string) bool
}

var rules = []rule{
	{
		"the root package imports the standard library only",
		is("."),
		func(_, path string) bool { return ours(path) || thirdParty(path) },
	},
	{
		"the client imports the vocabulary, the documents' types, a reader of server-sent events, and the standard library only",
		inside("client"),
		func(_, path string) bool {
			return thirdParty(path) && path != "github.com/tmaxmax/go-sse" || ours(path) && path != module && path != "lsapi/api/v1" && path != "lsapi/api/status"
		},
	},
	{
		"an adapter imports no sibling adapter",
		isAdapter,
		func(folder, path string) bool {
			return isAdapter(folderOf(path)) && !within(folderOf(path), top(folder))
		},
	},
	{
		"an HTTP API imports no other HTTP API; they share the exchange, and the changes on top of it",
		func(folder string) bool { return within(folder, "internal/web") && folder != "internal/web" },
		func(folder, path string) bool {
			imported := folderOf(path)
			allowed := imported == folder || imported == "internal/web/exchange" || imported == "internal/web/change"
			return within(imported, "internal/web") && !allowed
		},
	},
	{
		"membership declares its own interfaces and imports no adapter",
		is("internal/membership"),
		func(_, path string) bool { return isAdapter(folderOf(path)) },
	},
	{
		"only the service's wiring, the commands that use one adapter without the service, and the benchmark's seed import adapters",
		func(folder string) bool {
			return !isAdapter(folder) && !slices.Contains([]string{"internal/app", "internal/cli", "bench/internal/seed"}, folder)
		},
		func(_, path string) bool { return isAdapter(folderOf(path)) },
	},
	{
		"lanes and readers share overlay and observe, and do not import each other",
		func(folder string) bool {
			return slices.Contains([]string{"internal/overlay", "internal/observe", "internal/membership", "internal/snapshot", "internal/health"}, folder)
		},
		func(folder, path string) bool {
			return folderOf(path) != folder && slices.Contains([]string{"internal/membership", "internal/snapshot", "internal/health"}, folderOf(path))
		},
	},
	{
		"the emulator imports nothing of lsapi",
		inside("internal/emulator"),
		func(_, path string) bool { return ours(path) && !within(folderOf(path), "internal/emulator") },
	},
	{
		"a service of the emulator imports no sibling; load balancers import the instances",
		func(folder string) bool { return slices.Contains(emulatedServices, folder) },
		func(folder, path string) bool {
			imported := folderOf(path)
			return imported != folder && imported != "internal/emulator/ec2" && slices.Contains(emulatedServices, imported)
		},
	},
	{
		"lsapi reaches the emulator by its URL: only a command imports it",
		func(folder string) bool { return !within(folder, "internal/emulator") && folder != "internal/cli" },
		func(_, path string) bool { return within(folderOf(path), "internal/emulator") },
	},
	{
		"SDK types stop in cloud, and in the service that it is measured against",
		func(folder string) bool { return !within(folder, "internal/cloud") && folder != "bench/original" },
		func(_, path string) bool { return strings.HasPrefix(path, "github.com/aws/") },
	},
	{
		"an adapter of a kind of pool imports no other, and what they share imports none",
		func(folder string) bool { return within(folder, "internal/cloud") },
		func(folder, path string) bool {
			imported := among(folderOf(path), poolAdapters)
			return imported != "" && imported != among(folder, poolAdapters)
		},
	},
	{
		"SQL stops in the engines of the record",
		func(folder string) bool { return !within(folder, "internal/record") || folder == "internal/record" },
		func(_, path string) bool {
			return within(path, "database/sql") || strings.HasPrefix(path, "github.com/jackc/pgx") || within(path, "modernc.org/sqlite")
		},
	},
	{
		"the record imports no engine, and an engine not the other one",
		func(folder string) bool { return folder == "internal/record" || among(folder, recordEngines) != "" },
		func(folder, path string) bool {
			imported := among(folderOf(path), recordEngines)
			return imported != "" && imported != among(folder, recordEngines)
		},
	},
	{
		"HTTP stays at the edges: statuses stop in web, and in what calls other services",
		func(folder string) bool {
			allowed := []string{"api", "bench", "client", "internal/stress", "internal/web", "internal/connlimit", "internal/app", "internal/cli", "internal/cloud", "internal/emulator", "internal/notify", "internal/telemetry"}
			return !slices.ContainsFunc(allowed, func(outer string) bool { return within(folder, outer) })
		},
		func(_, path string) bool { return path == "net/http" },
	},
	{
		"main imports the commands and nothing else of lsapi",
		is("cmd/lsapi"),
		func(_, path string) bool { return ours(path) && path != "lsapi/internal/cli" },
	},
	{
		"the commands and app are imported from above only",
		func(folder string) bool {
			return folder != "cmd/lsapi" && folder != "packaging/manual" && folder != "internal/cli"
		},
		func(_, path string) bool { return path == "lsapi/internal/cli" || path == "lsapi/internal/app" },
	},
}

func TestImportsFollowTheDependencyRules(t *testing.T) {
	imports := importsByFolder(t)
	for _, r := range rules {
		t.Run(r.sentence, func(t *testing.T) {
			for _, folder := range slices.Sorted(maps.Keys(imports)) {
				for _, path := range imports[folder] {
					if r.of(folder) && r.forbids(folder, path) {
						t.Errorf("%s imports %s", folder, path)
					}
				}
			}
		})
	}
}

func TestNoPackageHasACatchAllName(t *testing.T) {
	for folder := range importsByFolder(t) {
		if name := path.Base(folder); slices.Contains([]string{"util", "utils", "common", "misc", "shared", "helpers"}, name) {
			t.Errorf("%s says nothing about what is in it", folder)
		}
	}
}

// importsByFolder returns the imports of this module's packages, without tests.
func importsByFolder(t *testing.T) map[string][]string {
	t.Helper()
	imports := make(map[string][]string)
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (file == "tools" || strings.HasPrefix(entry.Name(), ".") && file != "."):
			return fs.SkipDir // separate modules, and hidden folders
		case entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(file))
		imports[folder] = slices.Grow(imports[folder], len(parsed.Imports))
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports[folder] = append(imports[folder], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(imports) < 2 {
		t.Fatal("found no packages: does the test run in the module's root?")
	}
	return imports
}

func is(folder string) func(string) bool {
	return func(other string) bool { return other == folder }
}

func inside(folder string) func(string) bool {
	return func(other string) bool { return within(other, folder) }
}

// within reports whether a folder or path is outer or below it.
func within(inner, outer string) bool {
	return inner == outer || strings.HasPrefix(inner, outer+"/")
}

func isAdapter(folder string) bool {
	return slices.ContainsFunc(adapters, func(name string) bool { return within(folder, "internal/"+name) })
}

// top returns the folder of the adapter that contains a folder.
func top(folder string) string {
	return strings.Join(strings.SplitN(folder, "/", 3)[:2], "/")
}

// among returns the one of several folders that contains a folder, empty for none.
func among(folder string, folders []string) string {
	for _, outer := range folders {
		if within(folder, outer) {
			return outer
		}
	}
	return ""
}

func ours(path string) bool { return within(path, module) }

func folderOf(path string) string { return strings.TrimPrefix(path, module+"/") }

// thirdParty checks for a host with a dot, which paths of the standard library lack.
func thirdParty(path string) bool {
	host, _, _ := strings.Cut(path, "/")
	return strings.Contains(host, ".")
}
