package packaging_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// platforms returns those that packages.sh compiles for, as os_architecture.
func platforms(t *testing.T) []string {
	t.Helper()
	script, err := os.ReadFile("packages.sh")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^readonly all='(.*)'$`).FindSubmatch(script)
	if list == nil {
		t.Fatal("packages.sh has no list of platforms")
	}
	return slices.Sorted(slices.Values(strings.Fields(strings.ReplaceAll(string(list[1]), "/", "_"))))
}

func TestFormulaHasTheArchiveOfEachPlatform(t *testing.T) {
	formula, err := os.ReadFile("homebrew/lsapi.rb")
	if err != nil {
		t.Fatal(err)
	}
	want := platforms(t)
	for name, pattern := range map[string]string{
		"url":    `url "@RELEASES@/lsapi_@VERSION@_(\w+)\.tar\.gz"`,
		"sha256": `sha256 "@SHA256_(\w+)@"`,
	} {
		var got []string
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(formula), -1) {
			got = append(got, found[1])
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("each %s of the formula: %q, want those of packages.sh, %q", name, got, want)
		}
	}
}

// With a second way to compile and pack, the files on a forge would be others than those that
// were compared.
func TestGoreleaserPublishesWhatMakePackagesMakes(t *testing.T) {
	text, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Dist   string
		Before struct{ Hooks []string }
		Builds []struct{ Skip bool }
		// What else would make files.
		Archives, Nfpms, Sboms, Dockers, Brews []any
		Release                                struct {
			ExtraFiles []struct{ Glob string } `yaml:"extra_files"`
		}
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Before.Hooks) != 1 || !strings.HasPrefix(config.Before.Hooks[0], "make packages ") {
		t.Errorf("before it publishes, it runs %q", config.Before.Hooks)
	}
	if len(config.Builds) != 1 || !config.Builds[0].Skip {
		t.Errorf("it compiles: %+v", config.Builds)
	}
	for _, other := range [][]any{config.Archives, config.Nfpms, config.Sboms, config.Dockers, config.Brews} {
		if len(other) > 0 {
			t.Errorf("it makes files of its own: %v", other)
		}
	}
	if files := config.Release.ExtraFiles; len(files) != 1 || files[0].Glob != "dist/*" || config.Dist == "" || config.Dist == "dist" {
		t.Errorf("it publishes %+v, and works in the folder %q", files, config.Dist)
	}
}
