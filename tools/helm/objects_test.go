package main

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the rendered objects of testdata/rendered")

// kinds has an empty object for each kind that the chart makes.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                      func() any { return new(apps.Deployment) },
	"v1 Service":                              func() any { return new(core.Service) },
	"v1 ServiceAccount":                       func() any { return new(core.ServiceAccount) },
	"v1 ConfigMap":                            func() any { return new(core.ConfigMap) },
	"v1 PersistentVolumeClaim":                func() any { return new(core.PersistentVolumeClaim) },
	"v1 Pod":                                  func() any { return new(core.Pod) },
	"policy/v1 PodDisruptionBudget":           func() any { return new(policy.PodDisruptionBudget) },
	"networking.k8s.io/v1 Ingress":            func() any { return new(networking.Ingress) },
	"networking.k8s.io/v1 NetworkPolicy":      func() any { return new(networking.NetworkPolicy) },
	"monitoring.coreos.com/v1 ServiceMonitor": func() any { return new(monitoring.ServiceMonitor) },
	"monitoring.coreos.com/v1 PrometheusRule": func() any { return new(monitoring.PrometheusRule) },
}

// decode returns the object, and fails the test for a field that its kind does not have.
func decode(t *testing.T, text string) any {
	t.Helper()
	var head struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal([]byte(text), &head); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	empty, known := kinds[head.APIVersion+" "+head.Kind]
	if !known {
		t.Fatalf("the tests have no type for %s %s", head.APIVersion, head.Kind)
	}
	object := empty()
	if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
		t.Fatalf("%s: %v\n%s", head.Kind, err, text)
	}
	return object
}

// of decodes the object of a template.
func of[T any](t *testing.T, objects map[string]string, template string) *T {
	t.Helper()
	object, isType := decode(t, objects[template]).(*T)
	if !isType {
		t.Fatalf("%s is another kind of object", template)
	}
	return object
}

func TestObjectsHaveOnlyFieldsOfTheirKinds(t *testing.T) {
	made := make(map[string]bool)
	for _, name := range names(t) {
		for template, text := range objects(t, name) {
			decode(t, text)
			made[template] = true
		}
	}
	for _, template := range load(t).Templates {
		if name := strings.TrimPrefix(template.Name, "templates/"); strings.HasSuffix(name, ".yaml") && !made[name] {
			t.Errorf("no values of the tests make %s", name)
		}
	}
}

// The end-to-end tests run the service as testdata/rendered has it.
func TestRenderedObjectsAreCurrent(t *testing.T) {
	for _, name := range []string{"postgresql", "sqlite"} {
		made := objects(t, name)
		var text strings.Builder
		for _, template := range slices.Sorted(maps.Keys(made)) {
			text.WriteString("---\n# " + template + "\n" + strings.TrimSpace(made[template]) + "\n")
		}
		path := filepath.Join("testdata/rendered", name+".yaml")
		if *update {
			if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text.String() {
			t.Errorf("%s is not what the chart makes (%v): run go -C tools/helm test . -update", path, err)
		}
	}
}

// The API server rejects an upgrade that changes the selector.
func TestSelectorIsTheSameForAllValuesAndVersions(t *testing.T) {
	for _, name := range names(t) {
		c := load(t)
		c.Metadata.Version, c.Metadata.AppVersion = "9.9.9", "9.9.9"
		all, err := render(c, values(t, name))
		if err != nil {
			t.Fatal(err)
		}
		d := decode(t, all["lsapi/templates/deployment.yaml"]).(*apps.Deployment)
		want := map[string]string{"app.kubernetes.io/name": "lsapi", "app.kubernetes.io/instance": "lsapi", "app.kubernetes.io/component": "server"}
		if !maps.Equal(d.Spec.Selector.MatchLabels, want) {
			t.Errorf("%s: %v", name, d.Spec.Selector.MatchLabels)
		}
	}
}

func selects(selector, labels map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return len(selector) > 0
}

func TestSelectorsMatchTheServiceAndNotItsTest(t *testing.T) {
	made := objects(t, "all")
	server := of[apps.Deployment](t, made, "deployment.yaml").Spec.Template.Labels
	test := of[core.Pod](t, made, "tests/test.yaml").Labels
	service := of[core.Service](t, made, "service.yaml")
	for name, selector := range map[string]map[string]string{
		"Deployment":          of[apps.Deployment](t, made, "deployment.yaml").Spec.Selector.MatchLabels,
		"Service":             service.Spec.Selector,
		"PodDisruptionBudget": of[policy.PodDisruptionBudget](t, made, "poddisruptionbudget.yaml").Spec.Selector.MatchLabels,
		"NetworkPolicy":       of[networking.NetworkPolicy](t, made, "networkpolicy.yaml").Spec.PodSelector.MatchLabels,
	} {
		if !selects(selector, server) || selects(selector, test) {
			t.Errorf("%s selects %v", name, selector)
		}
	}
	if selector := of[monitoring.ServiceMonitor](t, made, "servicemonitor.yaml").Spec.Selector.MatchLabels; !selects(selector, service.Labels) {
		t.Errorf("the ServiceMonitor selects %v", selector)
	}
	from := of[networking.NetworkPolicy](t, made, "networkpolicy.yaml").Spec.Ingress[0].From
	if !selects(from[len(from)-1].PodSelector.MatchLabels, test) {
		t.Error("the NetworkPolicy keeps the test out")
	}
}
