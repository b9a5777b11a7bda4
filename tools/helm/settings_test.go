package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
)

// notOfLsapi are variables that the chart sets for the libraries.
var notOfLsapi = []string{"PGPASSWORD", "PGSSLROOTCERT"}

// documented returns the variables of the table of settings in docs/running.md.
func documented(t *testing.T) (variables []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| [^|]*\\| `([A-Z0-9_]+)`").FindAllStringSubmatch(string(text), -1) {
		variables = append(variables, row[1])
	}
	if len(variables) < 30 {
		t.Fatalf("docs/running.md has %d settings", len(variables))
	}
	return variables
}

// ofTemplates returns the variables that the templates set for all values of the tests.
func ofTemplates(t *testing.T) (variables []string) {
	t.Helper()
	for _, name := range names(t) {
		for _, v := range container(t, objects(t, name)).Env {
			if v.Name != "AWS_MAX_ATTEMPTS" { // an extraEnv of the test
				variables = append(variables, v.Name)
			}
		}
	}
	slices.Sort(variables)
	return slices.Compact(variables)
}

// ofSchema returns the names that values may have in settings.
func ofSchema(t *testing.T) (variables []string) {
	t.Helper()
	var schema struct {
		Properties struct {
			Settings struct{ Properties map[string]any }
			ExtraEnv struct {
				Items struct {
					Properties struct {
						Name struct{ Not struct{ Enum []string } }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(load(t).Schema, &schema); err != nil {
		t.Fatal(err)
	}
	for name := range schema.Properties.Settings.Properties {
		variables = append(variables, name)
	}
	// What extraEnv may not set is set by the chart.
	for _, name := range schema.Properties.ExtraEnv.Items.Properties.Name.Not.Enum {
		if slices.Contains(variables, name) {
			t.Errorf("settings has %s, which extraEnv must not have", name)
		}
	}
	return append(variables, schema.Properties.ExtraEnv.Items.Properties.Name.Not.Enum...)
}

func container(t *testing.T, made map[string]string) core.Container {
	t.Helper()
	return of[apps.Deployment](t, made, "deployment.yaml").Spec.Template.Spec.Containers[0]
}

func TestVariablesOfTheChartAreSettings(t *testing.T) {
	settings := documented(t)
	for _, name := range append(ofTemplates(t), ofSchema(t)...) {
		if !slices.Contains(settings, name) && !slices.Contains(notOfLsapi, name) {
			t.Errorf("lsapi has no setting %s", name)
		}
	}
}

func TestChartHasEverySetting(t *testing.T) {
	known := append(ofTemplates(t), ofSchema(t)...)
	for _, name := range documented(t) {
		if !slices.Contains(known, name) && name != "AWS_ACCESS_KEY_ID" && name != "ENV_FILE" {
			t.Errorf("neither the templates nor settings of values.schema.json have %s", name)
		}
	}
}

// Every variable of the templates is refused in settings and extraEnv, which would set it twice.
func TestTemplatesSetNoVariableTwice(t *testing.T) {
	for _, name := range names(t) {
		var set []string
		for _, v := range container(t, objects(t, name)).Env {
			if slices.Contains(set, v.Name) {
				t.Errorf("%s: %s is set twice", name, v.Name)
			}
			set = append(set, v.Name)
		}
	}
}

func TestVariablesNameMountedFiles(t *testing.T) {
	for _, name := range names(t) {
		c := container(t, objects(t, name))
		for _, v := range c.Env {
			for _, path := range regexp.MustCompile(`/etc/lsapi/[a-z-]+`).FindAllString(v.Value, -1) {
				if !slices.ContainsFunc(c.VolumeMounts, func(m core.VolumeMount) bool { return m.MountPath == path && m.ReadOnly && m.SubPath == "" }) {
					t.Errorf("%s: %s is %s, which is not mounted as a folder", name, v.Name, v.Value)
				}
			}
		}
	}
}

func TestRulesAreThoseOfTheRepository(t *testing.T) {
	const source, copied = "../../deploy/prometheus/lsapi.rules.yaml", folder + "/files/lsapi.rules.yaml"
	want, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(copied); err != nil || string(got) != string(want) {
		t.Errorf("they differ: cp %s %s", strings.TrimPrefix(source, "../../"), strings.TrimPrefix(copied, "../../"))
	}
}
