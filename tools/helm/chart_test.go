package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

const folder = "../../packaging/helm/lsapi"

// kubernetes is the version that charts are rendered for.
var kubernetes = chartutil.KubeVersion{Version: "v1.33.0", Major: "1", Minor: "33"}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.LoadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// values reads a file of values of the tests.
func values(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/values", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := chartutil.ReadValues(text)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// names returns the names of all files of values.
func names(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal(err)
	}
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".yaml"))
	}
	return names
}

// render returns the text of each template. Its errors are those of helm install.
func render(c *chart.Chart, values map[string]any) (map[string]string, error) {
	capabilities := *chartutil.DefaultCapabilities
	capabilities.KubeVersion = kubernetes
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "lsapi", Namespace: "web", Revision: 1, IsInstall: true}, &capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// objects renders a file of values. It returns the text of each object by template.
func objects(t *testing.T, name string) map[string]string {
	t.Helper()
	return objectsOf(t, values(t, name))
}

func objectsOf(t *testing.T, values map[string]any) map[string]string {
	t.Helper()
	all, err := render(load(t), values)
	if err != nil {
		t.Fatal(err)
	}
	objects := make(map[string]string)
	for path, text := range all {
		if strings.HasSuffix(path, ".yaml") && strings.TrimSpace(text) != "" {
			objects[strings.TrimPrefix(path, "lsapi/templates/")] = text
		}
	}
	return objects
}

func TestLintFindsNothing(t *testing.T) {
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			for _, message := range lint.AllWithKubeVersion(folder, values(t, name), "web", &kubernetes).Messages {
				if message.Severity > support.InfoSev {
					t.Error(message.Error())
				}
			}
		})
	}
}

func TestChartIsForVersionsWithSleepAction(t *testing.T) {
	constraint := load(t).Metadata.KubeVersion
	for version, fits := range map[string]bool{"v1.29.9": false, "v1.30.0": true, "v1.33.5-eks-ba24e9c": true} {
		if chartutil.IsCompatibleRange(constraint, version) != fits {
			t.Errorf("%s and %s: want %v", constraint, version, fits)
		}
	}
}

// A name of the schema without a default would be hard to find.
func TestDefaultsHaveAllNamesOfTheSchema(t *testing.T) {
	var schema map[string]any
	if err := yaml.Unmarshal(load(t).Schema, &schema); err != nil {
		t.Fatal(err)
	}
	sameNames(t, "", schema, load(t).Values)
}

// sameNames compares the names of an object in the schema with those in values.yaml.
func sameNames(t *testing.T, path string, schema, values map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		value, has := values[name]
		if !has && name != "global" && path != ".settings" && path != ".resources" {
			t.Errorf("values.yaml has no %s.%s", path, name)
		}
		if inner, isObject := value.(map[string]any); isObject {
			sameNames(t, path+"."+name, property.(map[string]any), inner)
		}
	}
}

// mergedValues adds YAML to a file of values.
func mergedValues(t *testing.T, name, more string) map[string]any {
	t.Helper()
	added, err := chartutil.ReadValues([]byte(more))
	if err != nil {
		t.Fatal(err)
	}
	return chartutil.CoalesceTables(added, values(t, name))
}
